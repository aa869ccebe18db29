"""Timing: an honest stopwatch, its statistics and its noise, memory, and the machine described."""

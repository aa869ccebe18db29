"""Timing: the machine described, and memory."""

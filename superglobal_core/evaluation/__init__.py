"""Evaluation: the revisited protocol, exact ranks without sorting, and statistics."""

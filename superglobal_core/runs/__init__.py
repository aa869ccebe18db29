"""Runs beside each other: what differs between two of them, and all of them in one table."""

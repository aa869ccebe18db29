"""Conformance of a method: what every method keeps to, whatever it computes, tried on small data."""

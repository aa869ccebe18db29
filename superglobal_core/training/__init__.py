"""Training of the mini network that comes with the package, on rendered landmarks."""

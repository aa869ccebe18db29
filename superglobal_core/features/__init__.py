"""Features: images to network inputs, extraction, and the sharded store they are kept in."""

"""Methods as folders: what a method says of itself, where it is found, and how it is loaded and checked."""

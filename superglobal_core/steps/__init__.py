"""The steps: one function a verb of the command line, files in, files out."""

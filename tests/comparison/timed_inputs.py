"""How much is timed in the tests of timing."""

QUERIES, IMAGES, DIMENSION = 3, 40, 16

"""Data: ground truth, images, the synthetic landmarks."""

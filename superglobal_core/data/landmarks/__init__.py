"""Synthetic landmarks: procedurally drawn buildings, photographed and labelled by geometry.

A stand-in for Revisited Oxford and Paris that needs no download: every later step sees the same layout.
Genome -> building (faces in space) -> views (camera, weather, crowd) -> photographs -> labels.
"""

from superglobal_core.data.landmarks.dataset import make_landmarks

__all__ = ["make_landmarks"]

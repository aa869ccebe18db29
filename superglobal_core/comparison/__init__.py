"""Comparison: rerankers timed in turn on the same shortlists, scope by scope."""

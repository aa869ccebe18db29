"""Rerankers: one module a method, behind one small interface."""

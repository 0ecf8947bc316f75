"""Measure the verdict's error rates on planted copies of a user's own images."""

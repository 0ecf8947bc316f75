"""Planting: real images with a disease and a signature of known kind and strength, so that the truth is known."""

"""Edits of images: what is changed to see what the network answers to."""

"""Simulated brains, lesions, scanners and feature tables, whose truth is known."""

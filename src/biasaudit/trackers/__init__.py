"""Experiment trackers that get the verdict, its numbers and the report: one file each."""

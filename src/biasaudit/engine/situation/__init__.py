"""Gather the inputs of the planner; nothing is planned here."""

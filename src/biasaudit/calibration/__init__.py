"""Measure how often the verdict is wrong: audit a grid of simulated cohorts and compare with their known truth."""

"""One file per step: what a job does, found by its name."""

"""How often the verdict is wrong: a fixed grid of simulated cohorts, audited in full and held against their truth."""

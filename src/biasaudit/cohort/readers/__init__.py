"""Readers list the samples of a cohort: one file per reader, and what readers share."""

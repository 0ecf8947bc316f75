"""Who is in the audit: readers, volumes, folds, and the simulated cohort."""

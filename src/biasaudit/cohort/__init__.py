"""The subjects and images of an audit: readers, image files, folds, and simulated cohorts."""

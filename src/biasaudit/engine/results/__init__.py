"""From finished jobs to the files of a run."""

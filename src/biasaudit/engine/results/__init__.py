"""Turn finished jobs into the files of a run."""

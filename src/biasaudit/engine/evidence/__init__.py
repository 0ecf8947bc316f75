"""One file per kind of evidence: what is planned for it and how it is read back."""

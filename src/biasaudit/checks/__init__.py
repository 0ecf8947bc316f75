"""One file per bias question: evidence in, findings out, pure."""

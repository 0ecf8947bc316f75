"""Attribution maps of single subjects, of a finished run or of a lone network."""

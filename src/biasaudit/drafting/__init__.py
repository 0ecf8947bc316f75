"""`biasaudit init`: a first look at the data, and the draft of a protocol."""

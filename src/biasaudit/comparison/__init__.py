"""Two arms or two runs side by side, from stored evidence; needs neither jobs nor torch."""

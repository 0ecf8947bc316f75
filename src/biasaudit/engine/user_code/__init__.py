"""Load and run what the user brings: functions, preprocessing, networks, training and weights."""

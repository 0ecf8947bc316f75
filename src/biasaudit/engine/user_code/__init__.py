"""What the user brings: functions, preprocessing, networks, training and weights."""

# A kernel has no platform below it.

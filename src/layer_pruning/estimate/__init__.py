"""What a run will take on this machine, from a few seconds of each kind of its work. No torch."""

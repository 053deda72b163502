"""What every job and file stands on: it knows nothing of networks."""

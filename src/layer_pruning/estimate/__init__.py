"""What a run asks for and what it takes, told before anything runs. No torch."""

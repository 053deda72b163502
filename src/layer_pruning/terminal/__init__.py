"""What a person sees while a run goes on: a line a job, the time left, colours where there are."""

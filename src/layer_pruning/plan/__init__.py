"""How far a path goes: which reductions can be reached, and how many removals that takes."""

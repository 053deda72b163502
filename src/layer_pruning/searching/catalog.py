"""The ways to search for the blocks that go, by name. No numpy, no torch."""

GREEDY, BEAM, PROFILES = "greedy", "beam", "profiles"
USUAL_BEAM = 4
"""Sets that a beam keeps, where nothing is said."""

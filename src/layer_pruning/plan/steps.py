"""After how many removals a network is fine-tuned and scored again: the steps of a path.

With ``blocks_per_step`` blocks removed at a time, the steps are its multiples and, last, the number
of removals itself. A step's parent is the largest multiple below it, whatever comes after: asking
for more removals never changes what is there.
"""

from collections.abc import Iterable


def parent_step(removed: int, blocks_per_step: int = 1) -> int:
    """Removals of the network that the one with ``removed`` removals is made from; 0: baseline."""
    return (removed - 1) // blocks_per_step * blocks_per_step


def steps_to(removals: int, blocks_per_step: int = 1) -> list[int]:
    """The steps from the first to ``removals``, each the parent of the next."""
    steps = []
    while removals > 0:
        steps.append(removals)
        removals = parent_step(removals, blocks_per_step)
    return steps[::-1]


def steps_through(points: Iterable[int], blocks_per_step: int = 1) -> list[int]:
    """All steps on the ways to several numbers of removals, ascending."""
    return sorted({step for point in points for step in steps_to(point, blocks_per_step)})

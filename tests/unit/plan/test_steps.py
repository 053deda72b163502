"""Steps of a path: what a network is made from, whatever comes after it."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from layer_pruning.plan.steps import parent_step, steps_through, steps_to

numbers, sizes = st.integers(1, 99), st.integers(1, 12)


def test_the_documented_example():
    assert steps_to(7, 3) == [3, 6, 7]
    assert steps_to(4, 1) == [1, 2, 3, 4]
    assert steps_to(2, 5) == [2]
    assert steps_through([7, 5], 3) == [3, 5, 6, 7]
    assert steps_through([4, 2], 99) == [2, 4]


@given(numbers, sizes)
def test_a_path_goes_in_full_steps_and_ends_where_asked(removals, size):
    path = [0, *steps_to(removals, size)]
    assert path[-1] == removals
    gaps = [after - before for before, after in itertools.pairwise(path)]
    assert gaps[:-1] == [size] * (len(gaps) - 1) and 1 <= gaps[-1] <= size
    assert [parent_step(n, size) for n in path[1:]] == path[:-1]


@given(numbers, numbers, sizes)
def test_more_removals_keep_every_full_step(fewer, more, size):
    kept = [step for step in steps_to(min(fewer, more), size) if step % size == 0]
    assert steps_to(max(fewer, more), size)[: len(kept)] == kept

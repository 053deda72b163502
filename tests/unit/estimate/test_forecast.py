"""How many jobs a forecast counts: as many networks as the chain has."""

import pytest

from layer_pruning.chain import Chain
from layer_pruning.configuration import complete
from layer_pruning.estimate.forecast import work_of

HERE = ("digits", "resnet20")
LAST = {"finetuning": {"epochs": 2, "final": {"epochs": 5}}}
SEARCH = {"metrics": ["cka"], "search": "profiles"}


def work(**given):
    """The work of a configuration with a vote and random choice, two seeds and three removals."""
    config = complete(
        {"energy": {"carbon_intensity_g_per_kwh": 100}, "device": "cpu", "seeds": [0, 1]}
        | {"criteria": {"votes": ["cka", "cca"], "random": ["random"]}, "removals": 3}
        | given
    )
    return work_of(config, Chain.of(config), *HERE)


@pytest.mark.parametrize(
    ("given", "examined"),
    [
        ({}, 2),
        # every network that counts, not the last one alone
        ({"report_at": [1, 3]}, 4),
        ({"report_at": [1, 3], "evaluation": {"criteria": ["votes"]}}, 2),
        ({"evaluation": {"networks": "all"}}, 6),
        ({"finetuning": {"final": {"epochs": 2}}}, 2),
    ],
)
def test_networks_that_count_are_measured_and_attacked(given, examined):
    found = work(**given)
    assert found.measured == 2 * examined
    assert found.attacked == 2 * (1 + examined)


def test_where_costs_are_not_asked_for_none_are_counted():
    found = work(evaluation={"cost": False})
    assert found.measured == 0 and found.attacked == 2 * 3


def test_only_criteria_of_several_metrics_are_drawn_again_from_resamples():
    found = work()
    assert found.scored == {"votes": 6, "random": 6}
    assert found.votes == {"votes": 6}


def test_under_a_schedule_of_one_step_nothing_is_ranked_or_trained_on_the_way():
    found = work(schedule="at_once")
    assert found.pruned == 2 * 2 and found.extracted == 2
    assert found.scored == {"votes": 2, "random": 2}
    # a network for each point of the report, each from the baseline
    assert work(schedule="at_once", report_at=[2, 3]).pruned == 2 * 4


@pytest.mark.parametrize(
    ("given", "networks", "tuned", "beside"),
    [
        ({}, 1 + 6, 6 * 2, 0),
        # three removals of two epochs each behind a baseline of six
        ({"criteria": ["cka", "scratch"]}, 1 + 3 + 1, 3 * 2, 6 + 3 * 2),
        ({"criteria": ["cka", "continued"]}, 1 + 3 + 1, 3 * 2, 3 * 2),
        # a last phase at both points, for the criterion, and in the budget of what stands beside
        ({"criteria": ["cka"], "report_at": [1, 3]} | LAST, 1 + 3 + 2, 3 * 2, 2 * 5),
        (
            {"criteria": ["cka", "continued"], "report_at": [3]} | LAST,
            1 + 3 + 2,
            3 * 2,
            5 + 3 * 2 + 5,
        ),
        # what was found for two and for three is trained once, as long as a path to each
        ({"criteria": {"p": SEARCH}, "report_at": [2, 3]}, 1 + 2, 2 * 2 + 3 * 2, 0),
    ],
)
def test_networks_and_epochs_are_all_counted(given, networks, tuned, beside):
    found = work(**{"training": {"epochs": 6}, "finetuning": {"epochs": 2}} | given)
    assert found.networks == 2 * networks
    assert (found.tuned_epochs, found.other_epochs) == (2 * tuned, 2 * beside)


def test_profiles_are_searched_for_each_size_and_a_beam_passes_through_the_smaller_ones():
    sizes = {"report_at": [2, 3]}
    both = work(criteria={"p": SEARCH}, **sizes).searches["p"]
    assert (both.jobs, both.profiles) == (2, 6 + 7)
    beam = work(criteria={"b": {"metrics": ["cka"], "search": "beam", "beam": 1}}, **sizes)
    assert (beam.searches["b"].jobs, beam.searches["b"].sweeps) == (2, 2)

"""How many jobs a forecast counts: as many networks as the chain has."""

import pytest

from layer_pruning.chain import Chain
from layer_pruning.configuration import complete
from layer_pruning.estimate.forecast import work_of
from layer_pruning.estimate.stages import OVERHEAD_SECONDS
from planted_costs import SECONDS, planted_stages

HERE = ("digits", "resnet20")
LAST = {"finetuning": {"epochs": 2, "final": {"epochs": 5}}}
SEARCH = {"metrics": ["cka"], "search": "profiles"}


def configured(**given):
    """A configuration with a vote and random choice, two seeds and three removals."""
    return complete(
        {"energy": {"carbon_intensity_g_per_kwh": 100}, "device": "cpu", "seeds": [0, 1]}
        | {"criteria": {"votes": ["cka", "cca"], "random": ["random"]}, "removals": 3}
        | given
    )


def work(**given):
    """The work of that configuration."""
    config = configured(**given)
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
    assert len(found.tuned) == 2 and found.extracted == 2
    assert found.scored == {"votes": 2, "random": 2}
    # a network for each point of the report, each from the baseline
    assert len(work(schedule="at_once", report_at=[2, 3]).tuned) == 4


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
    epochs = [sum(one.epochs for one in those.values()) for those in (found.tuned, found.beside)]
    assert epochs == [tuned, beside]


def test_an_epoch_costs_as_much_less_as_blocks_are_gone():
    """Of nine blocks, by hand; a unit is an epoch of the unpruned network without a teacher."""
    beside = {"criteria": ["cka", "continued", "scratch"]} | LAST

    def seconds(**given):
        config = configured(**{"training": {"epochs": 6}} | beside | given)
        stages = planted_stages(config, Chain.of(config), HERE)
        one = SECONDS + OVERHEAD_SECONDS
        images = work_of(config, Chain.of(config), *HERE).train_images
        return {
            stage.name: (stage.seconds / 2 - len(stage.each) * one) / (SECONDS * images)
            for stage in stages
            if stage.each
        }

    plain = {"finetuning": LAST["finetuning"] | {"distillation_weight": 0}}
    # three fine-tunings of two epochs, a last one of five, eleven and six more of the others
    path, whole, small = 2 * (8 + 7 + 6) / 9, 1, 6 / 9
    expected = {"training": 6, "fine-tuning": path}
    expected["other training"] = 5 * small + 11 * whole + 17 * small
    assert seconds(**plain) == pytest.approx(expected)
    # a teacher looks at every image, and here that costs as much as an epoch
    expected["fine-tuning"] += 3 * 2
    expected["other training"] += 5 + 11 + 17
    assert seconds() == pytest.approx(expected)
    # at once nothing is trained on the way
    at_once = seconds(schedule="at_once", **plain)
    assert at_once["fine-tuning"] == pytest.approx(2 * small)


def test_profiles_are_searched_for_each_size_and_a_beam_passes_through_the_smaller_ones():
    sizes = {"report_at": [2, 3]}
    both = work(criteria={"p": SEARCH}, **sizes).searches["p"]
    assert (both.jobs, both.profiles) == (2, 6 + 7)
    beam = work(criteria={"b": {"metrics": ["cka"], "search": "beam", "beam": 1}}, **sizes)
    assert (beam.searches["b"].jobs, beam.searches["b"].sweeps) == (2, 2)

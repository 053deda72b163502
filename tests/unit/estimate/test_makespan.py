"""How long a run takes on so many GPUs: what holds of any schedule, and of the chain."""

import math
import random

import pytest

from layer_pruning.chain import Chain
from layer_pruning.configuration import complete
from layer_pruning.estimate.forecast import work_of
from layer_pruning.estimate.makespan import (
    NOTICED_SECONDS,
    Graph,
    graph_of,
    makespans,
    makespans_text,
    scheduled,
)
from layer_pruning.estimate.stages import OVERHEAD_SECONDS, TABLES_SECONDS, Stage
from planted_costs import SECONDS, planted_stages


def chain_of(*seconds):
    graph = Graph()
    job = None
    for one in seconds:
        job = graph.add(one, [] if job is None else [job])
    return graph


def test_one_job_after_another_takes_all_of_them_however_many_cards():
    graph = chain_of(5.0, 7.0, 11.0)
    for cards in (1, 2, math.inf):
        assert scheduled(graph, cards).seconds == 23 + 2 * NOTICED_SECONDS
    assert scheduled(graph, math.inf).busiest == 1


def test_jobs_of_their_own_are_shared_out_evenly():
    graph = Graph()
    for _ in range(12):
        graph.add(10.0)
    expected = {1: 120.0, 3: 40.0, 5: 30.0, 12: 10.0, 99: 10.0}
    assert {cards: scheduled(graph, cards).seconds for cards in expected} == expected
    assert scheduled(graph, 99).busiest == 12


def test_what_needs_no_card_waits_for_none():
    graph = Graph()
    for _ in range(5):
        graph.add(10.0, on_card=False)
    graph.add(10.0)
    assert scheduled(graph, 1).seconds == 10


def test_the_longest_way_goes_first():
    graph = Graph()
    for _ in range(2):
        graph.add(10.0)
    first = graph.add(10.0)
    graph.add(50.0, [first])
    # with the long way begun last, it would take as much as the others longer
    assert scheduled(graph, 2).seconds == 60 + NOTICED_SECONDS


@pytest.mark.parametrize("seed", range(20))
def test_a_schedule_lies_between_its_bounds(seed):
    generator = random.Random(seed)
    graph = Graph()
    for job in range(60):
        before = [b for b in range(job) if generator.random() < 0.06]
        graph.add(generator.uniform(1, 30), before, on_card=generator.random() < 0.8)
    longest = max(graph.longest_ways())
    on_cards = sum(s for s, holds in zip(graph.seconds, graph.on_card, strict=True) if holds)
    assert scheduled(graph, math.inf).seconds == pytest.approx(longest)
    for cards in (1, 2, 4, 8):
        found = scheduled(graph, cards)
        assert found.busiest <= cards
        assert found.seconds >= max(longest, on_cards / cards) - 1e-9
        # Graham's bound
        assert found.seconds <= longest + on_cards / cards + 1e-9


def completed(**given):
    return complete({"energy": {"carbon_intensity_g_per_kwh": 100}, "device": "cpu"} | given)


def stages(**seconds):
    """So many seconds for each job of the kinds named, 1 for all others."""
    names = ("training", "fine-tuning", "other training", "activations", "accuracy")
    names += ("scores and ranks", "bootstrap of the votes", "other starts")
    names += ("attack fgsm", "attack autoattack", "other images", "energy and latency", "export")
    return [Stage(name, 1, seconds.get(name, 1.0), 1.0, "") for name in names]


def test_the_graph_of_a_chain_has_its_networks_and_its_longest_way():
    criteria = {"votes": ["cka", "cca"], "random": ["random"]}
    config = completed(seeds=[0, 1], criteria=criteria, removals=3)
    here = ("digits", "resnet20")
    dear = stages(training=1000.0, **{"fine-tuning": 100.0})
    graph = graph_of(Chain.of(config), {here: dear}, report_seconds=7.0)
    assert graph.seconds.count(1000.0) == 2
    assert graph.seconds.count(100.0) == 2 * 2 * 3
    assert all(before < job for job, those in enumerate(graph.before) for before in those)
    longest = max(graph.longest_ways())
    # a baseline, and three fine-tunings one after another with features and ranks before each
    assert 1300 + 3 * 2 < longest < 1300 + 20 * NOTICED_SECONDS + 50
    # seeds and criteria side by side, whose baselines are shared
    record = makespans(graph, 4)
    assert [one["gpus"] for one in record["makespans"]] == [1, 4, 8, 64, 512]
    taken = [one["seconds"] for one in record["makespans"]]
    assert taken == sorted(taken, reverse=True) and taken[-1] == pytest.approx(longest)
    assert taken[0] >= 3600 * record["gpu_hours"] > 2 * 1000 + 12 * 100


BESIDE = {"finetuning": {"epochs": 2, "final": {"epochs": 5}}, "report_at": [2, 3]}
OF_SETS = {
    "b": {"metrics": ["cka"], "search": "beam", "beam": 2},
    "p": {"metrics": ["cka"], "search": "profiles"},
}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"schedule": "at_once", "report_at": [2, 3]},
        {"criteria": ["consensus", "continued", "scratch"], "blocks_per_step": 2},
        {"criteria": {"listed": {"blocks": ["stage1.block2", "stage2.block3"]}} | OF_SETS},
        {"criteria": ["cka", "continued", "scratch"]} | BESIDE,
        {"corruptions": {"names": ["gaussian_noise"]}, "evaluation": {"networks": "all"}},
        {"criteria": ["consensus_latency", "saves_energy", "saves_macs"]},
        {"target": {"latency_reduction": 20}},
        {"export": {"networks": "all"}, "training": {"epochs": 1}},
    ],
)
def test_the_jobs_of_the_graph_take_together_what_the_stages_take(given):
    here = ("digits", "resnet20")
    config = completed(seeds=[0, 1], **({"removals": 3, "training": {"epochs": 6}} | given))
    chain = Chain.of(config)
    of_kinds = planted_stages(config, chain, here)
    graph = graph_of(chain, {here: of_kinds}, report_seconds=7.0)
    expected = math.fsum(stage.seconds for stage in of_kinds)
    # beside them, the data are prepared and the report written
    assert math.fsum(graph.seconds) == pytest.approx(expected + TABLES_SECONDS + 7)
    assert len(graph.seconds) == sum(stage.jobs for stage in of_kinds) + 2
    # a baseline is not dearer for what is trained beside it
    assert graph.seconds.count(of_kinds[0].seconds / 2) >= 2
    epochs = config["training"]["epochs"]
    images = work_of(config, chain, *here).train_images
    one = SECONDS + OVERHEAD_SECONDS + epochs * SECONDS * images
    assert of_kinds[0].seconds == pytest.approx(2 * one)


def test_profiles_that_a_time_tells_apart_wait_for_the_timing_of_blocks():
    here = ("digits", "resnet20")
    search = {"p": {"metrics": ["kl"], "search": "profiles"}}

    def longest(**target):
        config = completed(seeds=[0], criteria=search, target=target, removals=3)
        dear = stages(**{"timing of blocks": 500.0, "search": 70.0, "fine-tuning": 300.0})
        dear += [Stage("timing of blocks", 1, 500.0, 1.0, ""), Stage("search", 1, 70.0, 1.0, "")]
        graph = graph_of(Chain.of(config), {here: dear}, report_seconds=1.0)
        return max(graph.longest_ways())

    # alone, it would lie beside the search and the training that follows
    assert 870 < longest(latency_reduction=20) < 1000
    assert 370 < longest(macs_reduction=20) < 500


def test_new_weights_wait_for_the_blocks_that_are_left_and_for_no_tuning():
    config = completed(seeds=[0], criteria=["cka", "scratch"], removals=1)
    dear = stages(**{"fine-tuning": 1000.0, "other training": 500.0, "training": 100.0})
    graph = graph_of(Chain.of(config), {("digits", "resnet20"): dear}, report_seconds=1.0)
    # one after the other they would take 1,600 s at least
    assert 1100 < max(graph.longest_ways()) < 1600


def test_more_criteria_and_seeds_make_a_run_wider_and_no_longer():
    def record(**given):
        config = completed(removals=2, **given)
        graph = graph_of(Chain.of(config), {("digits", "resnet20"): stages()}, report_seconds=1.0)
        return makespans(graph, 1)

    one, many = record(seeds=[0]), record(seeds=[0, 1, 2, 3])
    assert many["longest_way_seconds"] == one["longest_way_seconds"]
    assert many["most_cards_in_use"] > one["most_cards_in_use"]
    assert many["gpu_hours"] == pytest.approx(4 * one["gpu_hours"])


def test_work_on_images_that_jobs_share_is_done_sooner():
    def record(minutes):
        config = completed(removals=2, shard_minutes=minutes, seeds=[0])
        dear = stages(activations=1000.0, accuracy=1000.0)
        graph = graph_of(Chain.of(config), {("digits", "resnet20"): dear}, report_seconds=1.0)
        return makespans(graph, 64)

    whole, shared = record(60), record(0.001)
    assert shared["jobs"] > whole["jobs"]
    assert shared["longest_way_seconds"] < 0.6 * whole["longest_way_seconds"]
    # joining them is all that it costs
    assert shared["gpu_hours"] == pytest.approx(whole["gpu_hours"], rel=0.01)


def test_what_is_printed_fits_a_terminal():
    config = completed(finetuning={"final": {"epochs": 3}}, attacked_images={"count": 100})
    graph = graph_of(Chain.of(config), {("digits", "resnet20"): stages()}, report_seconds=1.0)
    lines = makespans_text(makespans(graph, 64), "cuda").splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[2].split()[0] == "1"


@pytest.mark.parametrize(
    ("hours", "told"), [(1234.5, "1,234.5"), (99.96, "100"), (0.0123, "0.0123")]
)
def test_many_hours_are_printed_without_an_exponent_and_few_with_their_figures(hours, told):
    config = completed(finetuning={"final": {"epochs": 3}}, attacked_images={"count": 100})
    graph = graph_of(Chain.of(config), {("digits", "resnet20"): stages()}, report_seconds=1.0)
    record = makespans(graph, 64) | {"gpu_hours": hours}
    assert f" {told} GPU-hours" in makespans_text(record, "cuda")

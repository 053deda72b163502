"""Which network a target selects: planted paths with known answers."""

import math

import pandas as pd
import pytest
from html_reader import Page
from planted_results import BLOCKS, facts_on

from layer_pruning.report.pages.overview import overview, pairs
from layer_pruning.report.selection import varying
from layer_pruning.report.statistics.targets import selected_networks
from layer_pruning.report.summary import summarise

LATENCY = {block: 0.1 * place for place, block in enumerate(BLOCKS, start=1)}


def path(planted, validation, seed=0, criterion="cka", test=0.8):
    """A baseline and a network for every validation accuracy, one block less each."""
    folders = [planted.network(seed, validation=0.9)]
    folders += [
        planted.network(seed, criterion, BLOCKS[:n], validation=v, test=test)
        for n, v in enumerate(validation, start=1)
    ]
    return folders


def chosen(table):
    rows = table[table["selected"]]
    return [(row["criterion"], row["seed"], row["removed"]) for _, row in rows.iterrows()]


# a block is 100 of 1500 multiply-accumulates and 10 of 150 parameters
@pytest.mark.parametrize(
    ("target", "removed"),
    [
        ({}, []),
        ({"macs_reduction": 6}, [1]),
        ({"macs_reduction": 13.3}, [2]),
        ({"macs_reduction": 20}, [3]),  # exactly three blocks
        ({"macs_reduction": 20.01}, [4]),
        ({"macs_reduction": 26.67}, [4]),  # 26.6667 %, as tables print it
        ({"macs_reduction": 26.68}, []),
        ({"parameters_reduction": 26}, [4]),
        ({"macs_reduction": 30}, []),
        ({"latency_reduction": 12}, [3]),  # 0.1 + 0.2 + 0.3 of 5 seconds
        ({"latency_reduction": 21}, []),
        ({"validation_accuracy": 0.86}, [2]),
        ({"validation_accuracy": 0.87}, [1]),
        ({"validation_accuracy": 0.5}, [4]),
        ({"validation_accuracy": 0.89}, []),
    ],
)
def test_one_network_of_a_path_is_selected_or_none(planted, target, removed):
    # the third falls below 0.86, and the fourth comes back: it is not selected all the same
    folders = path(planted, [0.88, 0.86, 0.80, 0.87])
    latencies = [planted.block_latency(0, 5.0, LATENCY)]
    table = summarise(folders[::-1], block_latencies=latencies, target=target)
    assert chosen(table) == [("cka", 0, n) for n in removed]


def test_every_criterion_and_seed_is_selected_by_itself(planted):
    folders = path(planted, [0.8, 0.7]) + path(planted, [0.8, 0.8], seed=1)
    folders += path(planted, [0.7, 0.8], criterion="random")
    table = summarise(folders, target={"validation_accuracy": 0.75})
    assert chosen(table) == [("cka", 0, 1), ("cka", 1, 2)]


def test_the_test_split_selects_nothing(planted):
    target = {"validation_accuracy": 0.75}
    worse = summarise(path(planted, [0.8, 0.7, 0.8], test=0.1), target=target)
    better = summarise(path(planted, [0.8, 0.7, 0.8], test=0.9), target=target)
    assert chosen(worse) == chosen(better) == [("cka", 0, 1)]


def test_a_time_that_was_not_measured_meets_nothing(planted):
    assert chosen(summarise(path(planted, [0.8]), target={"latency_reduction": 1})) == []


def test_a_network_from_new_weights_stands_for_no_path_and_made_itself(planted):
    folders = path(planted, [0.8, 0.8])
    folders.append(planted.network(0, "scratch", BLOCKS[:2], validation=0.99, kwh=0.75))
    histories = [planted.history(folders[0], 5), planted.history(folders[-1], 9)]
    table = summarise(
        folders,
        histories=histories,
        origins={"scratch": ("scratch", "cka")},
        target={"macs_reduction": 10},
    )
    assert chosen(table) == [("cka", 0, 2)]
    row = table[table["criterion"] == "scratch"].iloc[0]
    assert row["beside"] == "cka"
    assert (row["training_energy_kwh"], row["finetuning_energy_kwh"]) == (0.75, 0.0)
    assert (row["training_epochs"], row["finetuning_epochs"]) == (9, 0)


def test_a_path_in_steps_adds_up_its_own_fine_tunings(planted):
    sizes = (3, 5)
    folders = [planted.network(0)]
    folders += [planted.network(0, "cka", BLOCKS[:n], kwh=n / 10) for n in sizes]
    table = summarise(folders, blocks_per_step=3)
    energies = table[table["criterion"] == "cka"]["finetuning_energy_kwh"]
    assert energies.tolist() == pytest.approx([0.3, 0.8])
    told = facts_on(table)
    done = told["done"]
    assert (done.level, done.blocks, done.at_a_time) == (5, 5, {3: ["cka"]})
    assert told["cost"].rounds == (2, 2)


def test_verdicts_are_about_the_networks_that_count(planted):
    networks = {
        (seed, name, n): planted.network(seed, name, BLOCKS[:n])
        for seed in range(2)
        for name in ("cka", "random")
        for n in range(1, 5)
    }
    folders = [*(planted.network(seed) for seed in range(2)), *networks.values()]
    counting = [folder for (_, _, n), folder in networks.items() if n in (1, 3)]
    told = facts_on(summarise(folders, counting=counting))
    assert (told["done"].level, told["done"].deeper) == (3, {"cka": 4, "random": 4})
    assert told["done"].on_the_way and told["cost"].rounds == (3, 3)
    assert facts_on(summarise(folders))["done"].level == 4


def test_criteria_that_take_blocks_otherwise_are_told_apart(planted):
    folders = [planted.network(0)]
    folders += [planted.network(0, "cka", BLOCKS[:n]) for n in range(1, 5)]
    folders += [planted.network(0, "beam", BLOCKS[:n]) for n in (2, 4)]
    table = summarise(folders, searched=["beam"], counting=[folders[-1], folders[-3]])
    (pair,) = pairs(table)
    told = {answer.name: answer for answer in pair.answers}
    assert told["done"].facts.at_a_time == {1: ["cka"], 4: ["beam"]}
    assert (
        "one at a time, with fine-tuning after each (cka); all at once, with one fine-tuning "
        "(beam). That takes away"
    ) in told["done"].evidence
    assert told["cost"].facts.rounds == (1, 4)
    assert "the 1 to 4 fine-tunings on the way" in told["cost"].evidence


def test_what_was_not_trained_here_is_no_measure_of_cost(planted):
    folders = [planted.network(0, kwh=1e-7), planted.network(0, "cka", BLOCKS[:1], kwh=2)]
    table = summarise(folders).assign(training_epochs=0)
    cost = next(answer for answer in pairs(table)[0].answers if answer.name == "cost")
    assert cost.facts.spent.share is None
    assert cost.verdict == "2 kWh of fine-tuning; the baseline was given and not trained."
    assert cost.evidence.startswith("The 1 fine-tuning on the way to a network took 2 kWh")
    assert (cost.number, cost.unit) == (2, "kWh")


def test_the_table_is_over_the_seeds_that_meet_the_target(planted):
    folders = []
    for seed, (test, validation) in enumerate([(0.78, 0.8), (0.80, 0.8), (0.5, 0.6)]):
        folders += path(planted, [validation], seed=seed, test=test)
        folders += path(planted, [0.1], seed=seed, criterion="random")[1:]
    target = {"validation_accuracy": 0.75}
    table = summarise(folders, target=target)
    cka, none = (row for _, row in selected_networks(table).iterrows())
    assert (cka["criterion"], cka["selected"], cka["seeds"]) == ("cka", 2, 3)
    assert cka["accuracy_mean"] == pytest.approx(0.79)
    assert cka["difference_mean"] == pytest.approx(-0.01)
    assert cka["macs_reduction_percent"] == pytest.approx(100 / 15)
    assert none["selected"] == 0 and math.isnan(none["accuracy_mean"])
    page = Page(overview(pairs(table), target=target))
    assert "What meets the target" in page.text and "the test split was not read" in page.text
    rows = [row for row in page.rows if "2 of 3" in row or "0 of 3" in row]
    assert rows[0][:3] == ["cka", "2 of 3", "1"]
    assert rows[1] == ["random", "0 of 3", "none", *[""] * 6]
    assert "What meets the target" not in Page(overview(pairs(table))).text


def test_the_budget_of_given_weights_is_said(planted):
    folders = [*path(planted, [0.8]), planted.network(0, "scratch", BLOCKS[:1], test=0.7)]
    table = summarise(folders, origins={"scratch": ("scratch", "cka")})
    told = facts_on(table)
    assert (told["weights"].source, told["weights"].criterion) == ("cka", "scratch")
    assert told["weights"].accuracy == pytest.approx(0.7)
    assert told["done"].criteria == ["cka"]
    assert "given weights" not in Page(overview(pairs(table))).text
    text = Page(overview(pairs(table), given_weights=["resnet8"])).text
    assert "The baseline started from given weights" in text


def test_what_varies_are_networks_whose_seeds_ended_at_other_architectures():
    rows = [("kl", 1, 10), ("kl", 1, 10), ("random", 1, 10), ("random", 1, 20), ("random", 2, 5)]
    summary = pd.DataFrame(rows, columns=["criterion", "removed", "parameters"])
    summary = summary.assign(dataset="d", architecture="a", macs=100)
    assert varying(summary) == {("d", "a", "random", 1)}

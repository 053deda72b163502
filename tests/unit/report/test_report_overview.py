import json
import math

import numpy as np
import pandas as pd
import pytest
from html_reader import Page
from planted_results import BLOCKS, COUNTED, Planted, after_one_removal

from layer_pruning.report.answers_cost import emissions_of
from layer_pruning.report.over_seeds import common_removals
from layer_pruning.report.overview import families, overview, tables_of, write_answers
from layer_pruning.report.summary import summarise

TIED = {"baseline": [0.8, 0.8], "cka": [0.79, 0.80], "random": [0.80, 0.79]}
WON = {"baseline": [0.80, 0.81, 0.82], "cka": [0.78, 0.791, 0.802], "random": [0.7, 0.709, 0.721]}
KEPT, BEST = "Is accuracy kept?", "Which criterion is best?"
FASTER, LESS = "Is it faster?", "Does it take less energy?"
ROBUST, COST = "Is it more robust?", "What did pruning cost?"


def front(summary: pd.DataFrame, attacks=(), **options) -> str:
    """The front page of a summary, and of the files of attacks."""
    return overview(families(summary, tables_of(summary, attacks), **options))


def answers(summary: pd.DataFrame, attacks=(), **options) -> dict[str, str]:
    return Page(front(summary, attacks, **options)).answers


def test_a_winner_is_named_with_its_change_and_interval(planted):
    page = Page(front(after_one_removal(planted, WON)))
    assert page.answers[KEPT].startswith("Accuracy is lost. Test accuracy: 81.00 % before")
    assert "cka 79.10 %, −1.90 points [−2.09, −1.71] (lost); random 71.00 %" in page.answers[KEPT]
    assert page.answers[BEST].startswith("cka: shown to be better than the other one.")
    assert "Chosen on the validation split: cka, with 79.10 % on test" in page.answers[BEST]
    assert "no best" not in page.answers[BEST].lower()
    row = next(row for row in page.rows if row and row[0] == "random")
    assert row[3].startswith("71.00 % ± 1.05")
    assert row[4].startswith("−10.00 [")
    assert row[6] == "lost"
    # a reader finds the test, what it counts, and the file behind every bold word on accuracy
    for question in (KEPT, BEST):
        assert "3 seeds, 10000 test images; cka/removed-01/accuracy.json" in page.answers[question]
    assert "repeated measures over seeds, Dunnett" in page.answers[KEPT]


def test_what_is_not_shown_says_what_would_have_been(planted):
    said = answers(after_one_removal(planted, TIED))
    assert said[BEST].startswith("No best shown (a lead of ")
    assert "points would have been seen)." in said[BEST]
    assert "control" not in said[BEST]
    assert said[KEPT].startswith("It cannot be said with these seeds.")
    assert "0.5 points take " in said[KEPT] and "in four of five runs" in said[KEPT]


def test_a_criterion_that_is_better_by_a_point_and_one_that_is_not(planted, tmp_path):
    tests = {
        "baseline": [0.800, 0.811, 0.819],
        "better": [0.8105, 0.8205, 0.8295],
        "same": [0.8004, 0.8106, 0.8190],
    }
    found = families(after_one_removal(planted, tests))
    page = Page(overview(found))
    verdicts = {row[0]: row[6] for row in page.rows[1:4]}
    assert verdicts == {"baseline": "", "better": "higher", "same": "kept within 0.5 points"}
    assert page.answers[KEPT].startswith("It depends on the criterion: 1 higher, 1 kept within 0.5")
    assert page.answers[BEST].startswith("better: shown to be better than the other one.")
    write_answers(found, tmp_path / "answers.json")
    (record,) = json.loads((tmp_path / "answers.json").read_text())["families"]
    by_name = {answer["name"]: answer for answer in record["answers"]}
    own = by_name["accuracy"]
    assert (own["of"], own["unit"], own["n"]) == ("better", "points", "3 seeds, 10000 test images")
    assert own["low"] < own["number"] < own["high"]
    assert own["number"] == pytest.approx(1.02, abs=0.01)
    assert own["file"] == "better/removed-01/accuracy.json"
    assert by_name["energy"]["number"] is None and record["margin_points"] == 0.5


def test_a_tie_with_a_control_is_called_what_it_is(planted):
    summary = after_one_removal(planted, TIED)
    said = answers(summary, controls=["random"])
    assert "random being a control, it is not shown that the choice of the blocks" in said[BEST]
    assert "random looks at no similarity and serves as the control" in said["What was done?"]
    # among controls alone there is no such lesson
    assert "being a control" not in answers(summary, controls=["random", "cka"])[BEST]


def test_of_many_criteria_the_best_and_the_worst_are_named(planted):
    tests = {"baseline": [0.8, 0.8]}
    tests |= {name: [0.79 - 0.01 * k, 0.79] for k, name in enumerate("abcdef")}
    said = answers(after_one_removal(planted, tests))
    assert "a 79.00 %" in said[KEPT] and "f 76.50 %" in said[KEPT]
    assert "4 others between (see the table)" in said[KEPT]
    assert "c 78.00 %" not in said[KEPT]


def test_one_seed_speaks_of_one_network(planted):
    said = answers(after_one_removal(planted, {k: v[:1] for k, v in WON.items()}))
    assert said[KEPT].startswith("For this one trained network: it depends on the criterion")
    assert said[BEST].startswith("For this one trained network: cka")
    assert "over test images" in said[BEST] and "0.5 points take" not in said[BEST]


def test_a_baseline_near_chance_and_validation_above_test_are_warned_of(planted, tmp_path, capsys):
    chance = after_one_removal(planted, {"baseline": [0.11, 0.8], "cka": [0.12, 0.8]})
    text = Page(front(chance)).text
    assert "The baseline of seed 0 is right on 11.00 % of the test images, near the 10.00 %" in text
    assert "seed 1" not in text.split("What was done")[0]
    high = chance.assign(accuracy_validation=0.9)
    (found,) = families(high[high["seed"] == 1])
    (warning,) = found.warnings
    assert "has 90.00 % on validation and 80.00 % on test" in warning
    assert found.record()["warnings"] == [warning]
    write_answers([found], tmp_path / "answers.json")
    assert capsys.readouterr().err == f"warning: resnet8 on toy: {warning}\n"
    # of two classes, 70 % is far from the 50 % of chance
    two = chance.assign(chance_accuracy=0.5, accuracy_test=0.7, accuracy_test_interval_low=0.68)
    assert (
        families(two.assign(accuracy_validation=0.7, accuracy_test_interval_high=0.72))[0].warnings
        == ()
    )
    near = chance.assign(accuracy_validation=0.82)
    assert families(near[near["seed"] == 1])[0].warnings == ()


def test_as_much_training_without_pruning_stands_beside_accuracy(planted):
    more = {"continued": [0.805, 0.816, 0.824], "scratch": [0.75, 0.761, 0.769]}
    summary = after_one_removal(planted, WON | more)
    for name in more:
        summary.loc[summary["criterion"] == name, "made_by"] = name
    said = answers(summary)[KEPT]
    assert (
        "Against the unpruned network trained for as many epochs more (continued): cka −2.40"
        in said
    )
    assert "Against the same architecture from new weights (scratch): cka +3.10 points" in said
    # they pruned nothing, so they are no criteria
    assert "continued" not in answers(summary)[BEST]


def test_energy_is_called_an_estimate_where_it_is_one(planted):
    summary = after_one_removal(planted, WON)
    said = answers(summary)[COST]
    assert said.startswith("1 times the energy of training the baseline.")
    assert "Training the baseline took 500 Wh" in said and "took 500 Wh (100 g" in said
    assert "an estimate, not a measurement" in said
    for seed in range(3):
        planted.network(seed, method=COUNTED)
        for name in ("cka", "random"):
            planted.network(seed, name, BLOCKS[:1], kwh=0.25, method=COUNTED)
    folders = [planted.folder(s, n, n != "baseline") for n in WON for s in range(3)]
    energies = [planted.energy(planted.folder(s, "cka", 1), 1.5) for s in range(3)]
    ledgers = [planted.ledger(planted.folder(s, "cka", 1)) for s in range(3)]
    page = Page(front(summarise(folders, energies=energies, ledgers=ledgers)))
    assert page.answers[COST].startswith("0.5 times the energy")
    assert "took 250 Wh, choosing its blocks 100 J" in page.answers[COST]
    assert "measured by hardware counters" in page.answers[COST]
    assert "Earned back after 1 000 images." in page.answers[COST]
    assert page.answers[LESS].startswith(
        "Yes: 25.0 [20.0, 30.0] % less per image. Saved per image (measured by hardware counters)"
    )
    assert "Not measured for random." in page.answers[LESS]
    assert "estimate" not in page.answers[COST] + page.answers[LESS]


def test_the_energy_saved_lies_in_its_interval(planted):
    # the medians of both networks say 25 %, the savings of the paired rounds 30 to 40 %
    folders = [planted.network(0), planted.network(0, "cka", BLOCKS[:1])]
    energies = [planted.energy(planted.folder(0, "cka", 1), 1.5)]
    ledgers = [planted.ledger(planted.folder(0, "cka", 1), saving=(0.7, 0.6, 0.8))]
    page = Page(front(summarise(folders, energies=energies, ledgers=ledgers)))
    assert "35.0 [30.0, 40.0] % less per image" in page.answers[LESS]


def test_unmeasured_energy_is_said_with_its_reason_and_is_no_zero(planted):
    planted.network(0)
    folders = [planted.folder(0), planted.network(0, "cka", BLOCKS[:1], kwh=None)]
    page = Page(front(summarise(folders)))
    for question in (LESS, COST):
        assert page.answers[question] == "Energy: not measured."
    assert page.answers[FASTER] == "Time: not measured."
    assert "no counter in the cellar" in page.text
    row = next(row for row in page.rows if row and row[0] == "cka")
    assert row[-4:] == ["not measured"] * 4


def test_the_speed_up_stands_beside_what_was_promised_and_other_batch_sizes(planted):
    summary = after_one_removal(planted, WON)
    folders = [planted.folder(s, n, n != "baseline") for n in WON for s in range(3)]
    latencies = [planted.latency(planted.folder(s, "cka", 1), 1.2, 1.12) for s in range(3)]
    said = answers(summarise(folders, latencies=latencies))[FASTER]
    # one of fifteen hundreds of multiply-accumulates is gone
    assert said.startswith("Yes: 1.32 [1.31, 1.33] times as fast. Speed-up, measured side by side")
    assert "By their 95 % intervals, all 3 networks are faster" in said
    assert "promise 1.07; 1.23 of that is reached. Speed-up 1.20 at a batch of 1." in said
    latencies += [planted.latency(planted.folder(s, "random", 1), 0.9, 0.8) for s in range(3)]
    said = answers(summarise(folders, latencies=latencies))[FASTER]
    assert said.startswith("In part: 3 of 6 networks.")
    assert "3 of 6 are faster, 3 of 6 are slower" in said.replace("are not shown to be faster", "")
    assert "a batch of 64 images: cka 1.32 [1.31, 1.33]; random 0.99 [0.98, 1.00]. By" in said
    assert answers(summary)[FASTER] == "Time: not measured."
    assert "Other work on the machine used up to 0.2 cores meanwhile." in said
    said = answers(summarise(folders, latencies=latencies).assign(other_cores_during_latency=1.5))
    assert said[FASTER].startswith("Not measured well enough: the machine was busy.")
    assert "used up to 1.5 cores meanwhile. Measure again where nothing else runs" in said[FASTER]
    few = summarise(folders, latencies=latencies).assign(latency_interval_coverage=0.9375)
    assert answers(few)[FASTER].startswith("Not shown: too few repeats for a claim.")


def test_a_speed_up_has_an_interval_over_seeds(planted):
    after_one_removal(planted, WON)
    folders = [planted.folder(s, n, n != "baseline") for n in WON for s in range(3)]
    latencies = [
        planted.latency(planted.folder(s, "cka", 1), ratio, 1.0, batches=(64,))
        for s, ratio in enumerate((1.9, 2.0, 2.1))
    ]
    (found,) = families(summarise(folders, latencies=latencies))
    own = next(answer for answer in found.answers if answer.name == "speed")
    logs = np.log([1.9, 2.0, 2.1])
    half = 4.302653 * logs.std(ddof=1) / math.sqrt(3)
    assert own.low == pytest.approx(math.exp(logs.mean() - half), rel=1e-6)
    assert own.high == pytest.approx(math.exp(logs.mean() + half), rel=1e-6)
    assert own.verdict == "Yes: 2.00 [1.76, 2.26] times as fast."


def attacked(planted: Planted, after: list[int], other: list[int]) -> list:
    before = [1] * 40 + [0] * 60
    return [
        planted.attack(planted.folder(0), {0.1: before}),
        planted.attack(planted.folder(0, "cka", 1), {0.1: after}),
        planted.attack(planted.folder(0, "random", 1), {0.1: other}),
    ]


def test_robustness_says_how_much_and_whether_it_is_chance(planted):
    summary = after_one_removal(planted, {"baseline": [0.8], "cka": [0.8], "random": [0.8]})
    same = [0] + [1] * 39 + [0] * 60
    page = Page(front(summary, attacked(planted, [1] * 60 + [0] * 40, same)))
    said = page.answers[ROBUST]
    assert said.startswith("For this one trained network: in part: more robust in 1 of 2")
    assert "cka 1 of 1 more, 0 less; random 0 of 1 more, 0 less" in said
    assert "Largest change: fgsm linf at epsilon 0.1, where cka gets 60.0 %" in said
    assert "the baseline 40.0 %: +20.00 points [" in said and "without an attack 0.00" in said
    row = next(row for row in page.rows if row and row[0] == "random")
    assert any(cell.startswith("−1.00 [−") and "p" not in cell for cell in row)
    assert answers(summary)[ROBUST] == "Not tested. No network was attacked."


@pytest.mark.parametrize(
    ("after", "other", "verdict"),
    [
        ([1] * 60 + [0] * 40, [1] * 60 + [0] * 40, "yes: more robust throughout."),
        ([1] * 20 + [0] * 80, [1] * 20 + [0] * 80, "no: less robust throughout."),
        ([1] * 60 + [0] * 40, [1] * 20 + [0] * 80, "mixed: 1 more robust, 1 less robust, of 2"),
        ([1] * 20 + [0] * 80, [1] * 40 + [0] * 60, "no: less robust in 1 of 2 comparisons, more"),
        ([1] * 40 + [0] * 60, [1] * 40 + [0] * 60, "no change shown ("),
    ],
)
def test_robustness_has_a_verdict(planted, after, other, verdict):
    summary = after_one_removal(planted, {"baseline": [0.8], "cka": [0.8], "random": [0.8]})
    said = answers(summary, attacked(planted, after, other))[ROBUST]
    assert said.startswith(f"For this one trained network: {verdict}")


def test_seeds_that_disagree_are_no_more_robust(planted):
    """One training of two that gains by far made "more robust in 1 of 1", with [-131, +186]."""
    summary = after_one_removal(planted, {"baseline": [0.8, 0.8], "cka": [0.79, 0.8]})
    before, paths = [1] * 40 + [0] * 60, []
    for seed, after in enumerate(([1] * 90 + [0] * 10, [1] * 40 + [0] * 60)):
        paths += [planted.attack(planted.folder(seed), {0.1: before})]
        paths += [planted.attack(planted.folder(seed, "cka", 1), {0.1: after})]
    said = answers(summary, paths)[ROBUST]
    assert said.startswith("No change shown (") and "+25.00 points [−100.00, +100.00]" in said


def test_the_longer_training_of_pruned_networks_is_said(planted):
    summary = after_one_removal(planted, WON)
    assert "Pruned networks were trained for longer" in Page(front(summary)).text
    histories = [planted.history(planted.folder(seed), 30) for seed in range(3)]
    histories += [
        planted.history(planted.folder(seed, name, 1), 4)
        for seed in range(3)
        for name in ("cka", "random")
    ]
    text = Page(front(after_one_removal(planted, WON, histories=histories))).text
    assert "30 epochs for the baseline, 4 more for 1 removal." in text


def test_criteria_are_compared_where_all_of_them_arrived(planted):
    folders = [planted.network(0), planted.network(0, "random", BLOCKS[:1])]
    folders += [planted.network(0, "cka", BLOCKS[:k]) for k in (1, 2, 3)]
    summary = summarise(folders)
    assert common_removals(summary) == 1
    assert "Some went further (cka to 3)" in Page(front(summary)).text


def test_several_families_stand_at_a_glance_and_each_names_its_files(planted, tmp_path):
    won = after_one_removal(planted, WON)
    other = Planted(tmp_path / "more", BLOCKS, dataset="cifar10", architecture="resnet14")
    both = pd.concat([won, after_one_removal(other, TIED)], ignore_index=True)
    page = Page(front(both))
    assert "resnet8 on toy" in page.text and "resnet14 on cifar10" in page.text
    glance = dict(zip(page.rows[0], page.rows[1], strict=True))
    assert glance["dataset"] == "cifar10" and glance[BEST].startswith("No best shown (a lead of")
    won_at_a_glance = dict(zip(page.rows[0], page.rows[2], strict=True))[BEST]
    assert won_at_a_glance == "cka: shown to be better than the other one."
    assert "Numbers are from results/toy/resnet8/seed-{0,1,2}" in page.text
    assert page.titles["Test accuracy, mean ± sd"] == "from accuracy.json"
    assert Page(front(won)).rows[0][0] == "Criterion", "one alone needs no table of them"


def test_the_carbon_of_pruning_holds_that_of_choosing_the_blocks():
    shown = pd.DataFrame(
        {
            "training_energy_kwh": [2.0, 2.0, 0.0],
            "finetuning_energy_kwh": [1.0, 1.0, 0.0],
            "training_emissions_kg_co2e": [1.0, 1.0, 0.0],
            "finetuning_emissions_kg_co2e": [0.5, 0.5, 0.0],
            "scoring_energy_kwh": [4.0, math.nan, 1.0],
        }
    )
    # 0.5 kg a kWh: 7 kWh in all; where scoring is not known, and where nothing is
    assert emissions_of(shown).tolist() == [3.5, 1.5, 0.0]

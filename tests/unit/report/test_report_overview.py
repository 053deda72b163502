import json
import math
import re

import numpy as np
import pandas as pd
import pytest
from html_reader import Page
from planted_results import BLOCKS, COUNTED, Planted, after_one_removal, answers_on, facts_on

from layer_pruning.report.answers.cost import emissions_of
from layer_pruning.report.answers.notes import Notes
from layer_pruning.report.findings.cost import TOO_FEW
from layer_pruning.report.pages.charts import accuracy_chart
from layer_pruning.report.pages.main_table import markdown
from layer_pruning.report.pages.overview import overview, pairs, tables_of, write_answers
from layer_pruning.report.pages.sources import seeds_text
from layer_pruning.report.statistics.over_seeds import UNKNOWN, common_removals
from layer_pruning.report.summary import summarise

TIED = {"baseline": [0.8, 0.8], "cka": [0.79, 0.80], "random": [0.80, 0.79]}
WON = {"baseline": [0.80, 0.81, 0.82], "cka": [0.78, 0.791, 0.802], "random": [0.7, 0.709, 0.721]}
BEST = "Which criterion is best?"


def front(summary: pd.DataFrame, attacks=(), **options) -> str:
    """The front page of a summary, and of the files of attacks."""
    return overview(pairs(summary, tables_of(summary, attacks), **options))


def test_a_winner_is_named_with_its_change_and_interval(planted):
    summary = after_one_removal(planted, WON)
    answers = answers_on(summary)
    kept, best = answers["accuracy"].facts, answers["best"].facts
    assert kept.before == pytest.approx(0.81) and kept.counts == {"lost": 2}
    assert list(kept.criteria) == ["cka", "random"], "the best first"
    change = kept.criteria["cka"].change
    assert kept.criteria["cka"].accuracy == pytest.approx(0.791)
    ends = [100 * end for end in (change.mean, change.low, change.high)]
    assert ends == pytest.approx([-1.90, -2.09, -1.71], abs=0.005)
    assert (best.chosen, best.shown, best.better) == ("cka", True, [])
    assert best.accuracy == pytest.approx(0.791)
    row = next(row for row in Page(front(summary)).rows if row and row[0] == "random")
    assert row[3].startswith("71.00 % ± 1.05")
    assert row[4].startswith("−10.00 [")
    assert row[6] == "lost"
    # a reader finds the test, what it counts, and the file behind every bold word on accuracy
    for name, test in (("accuracy", "Dunnett"), ("best", "Tukey")):
        answer = answers[name]
        assert answer.n == "3 seeds, 10\u202f000 test images"
        assert answer.file == "cka/removed-01/accuracy.json"
        assert answer.test == f"repeated measures over seeds, {test}"


def test_answers_are_sentences(planted):
    """The words of the templates, whole, for one case; numbers are tested as facts."""
    answers = answers_on(after_one_removal(planted, WON), controls=["random"])
    told = {name: f"{answer.verdict} {answer.evidence}" for name, answer in answers.items()}
    assert told["done"] == (
        "1 of 5 residual blocks were removed from a trained network, one at a time, with "
        "fine-tuning after each. That takes away 6.7 % of its 1\u202f500 multiply-accumulates per "
        "image and 6.7 % of its 150 parameters. Which blocks go was chosen by 2 criteria (cka, "
        "random), in 3 independent trainings (seeds) each. <i>random</i> looks at no similarity "
        "and serves as the control."
    )
    power = told["accuracy"].partition(" With ")[2]
    assert told["accuracy"] == (
        "Accuracy is lost. Test accuracy: 81.00 % before; after pruning and fine-tuning cka "
        "79.10 %, −1.90 points [−2.09, −1.71] (lost); random 71.00 %, −10.00 points [−10.19, "
        f"−9.81] (lost). With {power}"
    )
    size = answers["accuracy"].facts.power.detectable
    assert power == (
        f"3 seeds, 10\u202f000 test images, a true difference of {100 * size:.2g} points would "
        "have been shown in four of five runs; 0.5 points take 2 seeds."
    )
    assert told["best"].startswith(
        "The best is cka, shown beside the other one. Chosen on the validation split: cka, with "
        "79.10 % on test. Its lead on test: random +8.10 points ["
    )
    assert told["speed"] == "Time: not measured. "
    assert told["robustness"] == "Not tested. No network was attacked."
    assert (
        told["cost"]
        == (
            "Fine-tuning alone: 1 times the energy of training the baseline. Training the baseline "
            "took 500 Wh; the 1 fine-tuning on the way to a network took 500 Wh (100 g CO₂e with "
            "the training); an estimate, not a measurement; what choosing the blocks took was not "
            "measured. "
        ).rstrip()
    )
    # an answer that stands behind others has no space too few or too many
    for text in told.values():
        assert "  " not in text and not re.search(r"[a-z]\.[A-Z]| [.,;)]|\( ", text), text


def test_what_is_not_shown_says_what_would_have_been(planted):
    answers = answers_on(after_one_removal(planted, TIED))
    best, kept = answers["best"].facts, answers["accuracy"].facts
    assert not best.shown and not best.better and not best.tied_controls
    size = f"{100 * best.power.detectable:.2g}"
    assert (
        answers["best"].verdict == f"No best shown (a lead of {size} points would have been seen)."
    )
    assert kept.counts == {UNKNOWN: 2} and kept.power.needed > 2
    assert answers["accuracy"].verdict == "It cannot be said with these seeds."


def test_a_criterion_that_is_better_by_a_point_and_one_that_is_not(planted, tmp_path):
    tests = {
        "baseline": [0.800, 0.811, 0.819],
        "better": [0.8105, 0.8205, 0.8295],
        "same": [0.8004, 0.8106, 0.8190],
    }
    found = pairs(after_one_removal(planted, tests))
    page = Page(overview(found))
    verdicts = {row[0]: row[6] for row in page.rows[1:4]}
    assert verdicts == {"baseline": "", "better": "higher", "same": "kept within 0.5 points"}
    told = {answer.name: answer for answer in found[0].answers}
    assert told["accuracy"].facts.counts == {"higher": 1, "kept within 0.5 points": 1}
    assert told["accuracy"].verdict == (
        "It depends on the criterion: 1 higher, 1 kept within 0.5 points."
    )
    assert told["best"].facts.shown
    write_answers(found, tmp_path / "answers.json")
    (record,) = json.loads((tmp_path / "answers.json").read_text())["families"]
    by_name = {answer["name"]: answer for answer in record["answers"]}
    own = by_name["accuracy"]
    assert (own["of"], own["unit"], own["n"]) == (
        "better",
        "points",
        "3 seeds, 10\u202f000 test images",
    )
    assert own["low"] < own["number"] < own["high"]
    assert own["number"] == pytest.approx(1.02, abs=0.01)
    assert own["file"] == "better/removed-01/accuracy.json"
    assert by_name["energy"]["number"] is None and record["margin_points"] == 0.5
    assert "facts" not in own


def test_a_tie_with_a_control_is_called_what_it_is(planted):
    summary = after_one_removal(planted, TIED)
    told = facts_on(summary, controls=["random"])
    assert told["best"].tied_controls == told["done"].controls == ["random"]
    # among controls alone there is no such lesson
    assert facts_on(summary, controls=["random", "cka"])["best"].tied_controls == []


def test_criteria_that_left_the_same_blocks_in_every_seed_are_named(planted):
    gone = {"baseline": [(), ()], "kl": [("stage1.block1",)] * 2, "cka": [("stage1.block1",)] * 2}
    gone["random"] = [("stage1.block1",), ("stage1.block2",)]
    summary = summarise(
        [
            planted.network(seed, name, blocks, test=0.8 - 0.01 * place - 0.001 * seed)
            for place, (name, of_seeds) in enumerate(gone.items())
            for seed, blocks in enumerate(of_seeds)
        ]
    )
    best = answers_on(summary)["best"]
    # both are the same on validation
    assert (best.facts.chosen, best.facts.same) == ("cka", ["kl"])
    assert "<i>kl</i> left the same blocks as cka in every seed." in best.evidence
    others = summary[summary["criterion"] != "kl"]
    assert "the same blocks" not in answers_on(others)["best"].evidence


def test_where_all_made_the_same_networks_there_is_nothing_to_compare(planted):
    same = {"baseline": [0.8, 0.81], "cka": [0.79, 0.78], "random": [0.79, 0.78]}
    best = answers_on(after_one_removal(planted, same), controls=["random"])["best"]
    assert best.verdict.endswith("All made the same networks.")
    assert best.facts.tied_controls == ["random"]
    assert "<i>random</i> left the same blocks as cka in every seed." in best.evidence


def test_of_many_criteria_the_best_and_the_worst_are_named(planted):
    tests = {"baseline": [0.8, 0.8]}
    tests |= {name: [0.79 - 0.01 * k, 0.79] for k, name in enumerate("abcdef")}
    answer = answers_on(after_one_removal(planted, tests))["accuracy"]
    assert list(answer.facts.criteria) == list("abcdef")
    named = re.findall(r"(\w) [\d.]+ %,", answer.evidence)
    assert named == ["a", "f"] and "4 others between (see the table)" in answer.evidence


def test_one_seed_speaks_of_one_network(planted):
    answers = answers_on(after_one_removal(planted, {k: v[:1] for k, v in WON.items()}))
    assert answers["accuracy"].verdict == (
        "For this one trained network: it depends on the criterion: "
        "1 cannot be said with these seeds, 1 lost."
    )
    said = answers["best"].verdict
    assert said == "For this one trained network: the best is cka, shown beside the other one."
    assert answers["best"].test == "over test images, Newcombe"
    assert answers["best"].facts.power.needed is None


def test_a_baseline_near_chance_and_validation_above_test_are_warned_of(planted, tmp_path, capsys):
    chance = after_one_removal(planted, {"baseline": [0.11, 0.8], "cka": [0.12, 0.8]})
    text = Page(front(chance)).text
    assert "The baseline of seed 0 is right on 11.00 % of the test images, near the 10.00 %" in text
    assert "seed 1" not in text.split("What was done")[0]
    high = chance.assign(accuracy_validation=0.9)
    (found,) = pairs(high[high["seed"] == 1])
    (warning,) = found.warnings
    assert "has 90.00 % on validation and 80.00 % on test" in warning
    assert found.record()["warnings"] == [warning]
    write_answers([found], tmp_path / "answers.json")
    assert capsys.readouterr().err == f"warning: resnet8 on toy: {warning}\n"
    # of two classes, 70 % is far from the 50 % of chance
    two = chance.assign(chance_accuracy=0.5, accuracy_test=0.7, accuracy_test_interval_low=0.68)
    assert (
        pairs(two.assign(accuracy_validation=0.7, accuracy_test_interval_high=0.72))[0].warnings
        == ()
    )
    near = chance.assign(accuracy_validation=0.82)
    assert pairs(near[near["seed"] == 1])[0].warnings == ()


def test_as_much_training_without_pruning_stands_beside_accuracy(planted):
    more = {"continued": [0.805, 0.816, 0.824], "scratch": [0.75, 0.761, 0.769]}
    summary = after_one_removal(planted, WON | more)
    for name in more:
        summary.loc[summary["criterion"] == name, "made_by"] = name
    told = facts_on(summary)
    beside = {one.other: (one.way, one.changes["cka"].mean) for one in told["accuracy"].beside}
    assert {name: way for name, (way, _) in beside.items()} == {name: name for name in more}
    assert [change for _, change in beside.values()] == pytest.approx([-0.024, 0.031])
    # they pruned nothing, so they are no criteria
    assert {"continued", "scratch"}.isdisjoint(told["best"].leads)
    # and each is said to be what it is
    page = Page(front(summary)).text
    assert "scratch: trained from new weights" in page
    assert "continued: the unpruned baseline, trained for as many epochs more" in page
    assert "| continued | 0, beside 1 | 3 |" in markdown(summary)
    assert "| scratch | 1 | 3 |" in markdown(summary)
    values = accuracy_chart(summary)["data"]["values"]
    assert {row["removed"] for row in values if row["criterion"] == "continued"} == {0}


def test_energy_is_called_an_estimate_where_it_is_one(planted):
    summary = after_one_removal(planted, WON)
    spent = facts_on(summary)["cost"].spent
    assert spent.share == (1, 1) and spent.training == spent.finetuning == (0.5, 0.5)
    assert spent.basis == ["estimate"] and spent.carbon == pytest.approx((0.1, 0.1))
    for seed in range(3):
        planted.network(seed, method=COUNTED)
        for name in ("cka", "random"):
            planted.network(seed, name, BLOCKS[:1], kwh=0.25, method=COUNTED)
    folders = [planted.folder(s, n, n != "baseline") for n in WON for s in range(3)]
    energies = [planted.energy(planted.folder(s, "cka", 1), 1.5) for s in range(3)]
    ledgers = [planted.ledger(planted.folder(s, "cka", 1)) for s in range(3)]
    answers = answers_on(summarise(folders, energies=energies, ledgers=ledgers))
    cost, energy = answers["cost"].facts, answers["energy"].facts
    assert cost.spent.finetuning == (0.25, 0.25) and cost.spent.basis == ["counter"]
    assert cost.spent.scoring == pytest.approx((100 / 3.6e6, 100 / 3.6e6))
    # of the other one it is not known what its choice took: it is in no range
    whole = (0.25 + 100 / 3.6e6) / 0.5
    assert cost.spent.share == pytest.approx((whole, whole), rel=1e-12)
    assert cost.spent.unscored == ["random"] and answers["cost"].number == pytest.approx(whole)
    assert "not measured for random, and the range is of the others." in answers["cost"].evidence
    for answer in answers.values():
        assert not answer.file or (planted.folder(0).parent / answer.file).is_file()
    assert (cost.earned.images, cost.earned.paid, cost.earned.judged) == ((1000, 1000), 3, 3)
    assert "took 250 Wh, choosing its blocks 100 J" in answers["cost"].evidence
    assert "Earned back after 1\u202f000 images." in answers["cost"].evidence
    assert energy.claim.says == "yes" and energy.basis == ["counter"]
    assert answers["energy"].verdict == "Yes: 25.0 [20.0, 30.0] % less per image."
    assert energy.unmeasured == ["random"]


def test_the_energy_saved_lies_in_its_interval(planted):
    # the medians of both networks say 25 %, the savings of the paired rounds 30 to 40 %
    folders = [planted.network(0), planted.network(0, "cka", BLOCKS[:1])]
    energies = [planted.energy(planted.folder(0, "cka", 1), 1.5)]
    ledgers = [planted.ledger(planted.folder(0, "cka", 1), saving=(0.7, 0.6, 0.8))]
    own = facts_on(summarise(folders, energies=energies, ledgers=ledgers))["energy"].found["cka"]
    assert (own.mean, own.low, own.high) == pytest.approx((35, 30, 40))


def test_unmeasured_energy_is_said_with_its_reason_and_is_no_zero(planted):
    planted.network(0)
    folders = [planted.folder(0), planted.network(0, "cka", BLOCKS[:1], kwh=None)]
    summary = summarise(folders)
    answers = answers_on(summary)
    assert answers["energy"].facts.claim is answers["cost"].facts.spent is None
    assert answers["energy"].verdict == answers["cost"].verdict == "Energy: not measured."
    assert answers["speed"].verdict == "Time: not measured."
    assert Notes.of(summary, 1).missing == [
        "energy of removed-01 not measured: no counter in the cellar"
    ]
    page = Page(front(summary))
    assert "no counter in the cellar" in page.text
    row = next(row for row in page.rows if row and row[0] == "cka")
    assert row[-4:] == ["not measured"] * 4


def test_the_speed_up_stands_beside_what_was_promised_and_other_batch_sizes(planted):
    summary = after_one_removal(planted, WON)
    folders = [planted.folder(s, n, n != "baseline") for n in WON for s in range(3)]
    latencies = [planted.latency(planted.folder(s, "cka", 1), 1.2, 1.12) for s in range(3)]
    answer = answers_on(summarise(folders, latencies=latencies))["speed"]
    speed = answer.facts
    assert answer.verdict == "Yes: 1.32 [1.31, 1.33] times as fast."
    assert speed.claim.counts == {"faster": 3} and (speed.batch, speed.mode) == (64, None)
    # one of fifteen hundreds of multiply-accumulates is gone
    assert speed.promised == pytest.approx((1500 / 1400, 1500 / 1400))
    assert speed.reached == pytest.approx((1.232, 1.232))
    assert speed.others == {1: pytest.approx((1.2, 1.2))} and speed.other_cores == 0.25
    assert not speed.busy
    latencies += [planted.latency(planted.folder(s, "random", 1), 0.9, 0.8) for s in range(3)]
    both = summarise(folders, latencies=latencies)
    claim = facts_on(both)["speed"].claim
    assert (claim.says, claim.yes, claim.total) == ("in part", 3, 6)
    assert claim.counts == {"faster": 3, "slower": 3}
    busy = answers_on(both.assign(other_cores_during_latency=1.5))["speed"]
    assert busy.facts.busy
    assert busy.verdict == "Not measured well enough: the machine was busy."
    assert "used up to 1.5 cores meanwhile. Measure again where nothing else runs" in busy.evidence
    few = facts_on(both.assign(latency_interval_coverage=0.9375))["speed"].claim
    assert few.says == "too few" and few.counts == {TOO_FEW: 6}
    assert facts_on(summary)["speed"].claim is None


def test_a_speed_up_has_an_interval_over_seeds(planted):
    after_one_removal(planted, WON)
    folders = [planted.folder(s, n, n != "baseline") for n in WON for s in range(3)]
    latencies = [
        planted.latency(planted.folder(s, "cka", 1), ratio, 1.0, batches=(64,))
        for s, ratio in enumerate((1.9, 2.0, 2.1))
    ]
    (found,) = pairs(summarise(folders, latencies=latencies))
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
    attacks = attacked(planted, [1] * 60 + [0] * 40, same)
    told = facts_on(summary, attacks)["robustness"]
    assert (told.count.more, told.count.less, told.count.total) == (1, 0, 2)
    assert {name: own.more for name, own in told.criteria.items()} == {"cka": 1, "random": 0}
    most = told.most
    assert (most["attack"], most["norm"], most["epsilon"]) == ("fgsm", "linf", 0.1)
    assert (most["criterion"], most["clean_difference"]) == ("cka", 0)
    assert (most["robust_accuracy"], most["other_robust_accuracy"]) == (0.6, 0.4)
    row = next(row for row in Page(front(summary, attacks)).rows if row and row[0] == "random")
    assert any(cell.startswith("−1.00 [−") and "p" not in cell for cell in row)
    assert facts_on(summary)["robustness"].count is None


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
    said = answers_on(summary, attacked(planted, after, other))["robustness"].verdict
    assert said.startswith(f"For this one trained network: {verdict}")


def test_seeds_that_disagree_are_no_more_robust(planted):
    """One training of two that gains by far made "more robust in 1 of 1", with [-131, +186]."""
    summary = after_one_removal(planted, {"baseline": [0.8, 0.8], "cka": [0.79, 0.8]})
    before, paths = [1] * 40 + [0] * 60, []
    for seed, after in enumerate(([1] * 90 + [0] * 10, [1] * 40 + [0] * 60)):
        paths += [planted.attack(planted.folder(seed), {0.1: before})]
        paths += [planted.attack(planted.folder(seed, "cka", 1), {0.1: after})]
    answer = answers_on(summary, paths)["robustness"]
    assert (answer.facts.count.more, answer.facts.count.less) == (0, 0)
    assert (answer.number, answer.low, answer.high) == pytest.approx((25, -100, 100))


def test_the_longer_training_of_pruned_networks_is_said(planted):
    summary = after_one_removal(planted, WON)
    assert Notes.of(summary, 1).training_epochs is None
    assert "Pruned networks were trained for longer" in Page(front(summary)).text
    histories = [planted.history(planted.folder(seed), 30) for seed in range(3)]
    histories += [
        planted.history(planted.folder(seed, name, 1), 4)
        for seed in range(3)
        for name in ("cka", "random")
    ]
    summary = after_one_removal(planted, WON, histories=histories)
    notes = Notes.of(summary, 1)
    assert (notes.training_epochs, notes.finetuning_epochs) == ((30, 30), (4, 4))
    assert "30 epochs for the baseline, 4 more for 1 removal." in Page(front(summary)).text


def test_criteria_are_compared_where_all_of_them_arrived(planted):
    folders = [planted.network(0), planted.network(0, "random", BLOCKS[:1])]
    folders += [planted.network(0, "cka", BLOCKS[:k]) for k in (1, 2, 3)]
    summary = summarise(folders)
    assert common_removals(summary) == 1
    answer = answers_on(summary)["done"]
    assert answer.facts.deeper == {"cka": 3}
    assert answer.evidence.endswith(" Some went further (cka to 3); compared is what all reached.")


def test_several_families_stand_at_a_glance_and_each_names_its_files(planted, tmp_path):
    won = after_one_removal(planted, WON)
    other = Planted(tmp_path / "more", BLOCKS, dataset="cifar10", architecture="resnet14")
    both = pd.concat([won, after_one_removal(other, TIED)], ignore_index=True)
    page = Page(front(both))
    assert "resnet8 on toy" in page.text and "resnet14 on cifar10" in page.text
    glance = dict(zip(page.rows[0], page.rows[1], strict=True))
    assert glance["dataset"] == "cifar10" and glance[BEST].startswith("No best shown (a lead of")
    won_at_a_glance = dict(zip(page.rows[0], page.rows[2], strict=True))[BEST]
    assert won_at_a_glance == "The best is cka, shown beside the other one."
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
    # 0.5 kg a kWh: 7 kWh in all; what is not known of scoring is no 0
    assert emissions_of(shown).tolist() == pytest.approx([3.5, math.nan, 0.0], nan_ok=True)
    # unless it is known of none, and then it is not in the sentence
    unscored = shown.assign(scoring_energy_kwh=math.nan)
    assert emissions_of(unscored).tolist()[:2] == [1.5, 1.5]


def test_no_name_of_a_user_becomes_html(planted):
    hostile = "<b>x</b>&'\"{{ 7 * 7 }}"
    summary = after_one_removal(planted, WON).replace({"criterion": {"cka": hostile}})
    (pair,) = pairs(summary, controls=[hostile])
    best = next(answer for answer in pair.answers if answer.name == "best")
    assert best.verdict == f"The best is {hostile}, shown beside the other one.", "this is text"
    assert "<b>" not in best.evidence and "&lt;b&gt;x" in best.evidence, "and this HTML"
    html = overview([pair])
    assert "<b>x" not in html and hostile in Page(html).text


def test_an_attack_with_a_name_of_its_own_is_found_by_it(planted):
    folders = [planted.network(0), planted.network(0, "cka", BLOCKS[:1])]
    met = {"baseline": ([1, 0] * 20, [1, 0] * 20), "cka": ([1, 0] * 20, [0] * 40)}
    files = []
    for folder, (linf, l2) in zip(folders, met.values(), strict=True):
        made = planted.attack(folder, {0.5: l2}, norm="L2")
        files += [made.rename(made.with_stem("fgsm_l2"))]
        files += [planted.attack(folder, {0.1: linf})]
    answer = answers_on(summarise(folders, files), files)["robustness"]
    assert (answer.number, answer.facts.most["norm"]) == (-50, "l2")
    assert answer.file == "cka/removed-01/attacks/fgsm_l2.json"


def test_a_last_phase_is_part_of_what_was_done(planted):
    folders = [planted.network(0), planted.network(0, "cka", BLOCKS[:1])]
    assert "last phase" not in answers_on(summarise(folders))["done"].evidence
    folders += [planted.network(0, "cka-final", BLOCKS[:1])]
    summary = summarise(folders, origins={"cka-final": ("final", "cka")})
    assert "A last phase of fine-tuning came after that." in answers_on(summary)["done"].evidence


def test_folders_of_one_seed_and_of_several_are_what_a_shell_finds(planted):
    assert (seeds_text([3]), seeds_text([1, 0])) == ("seed-3", "seed-{0,1}")


def test_the_energy_of_an_image_is_the_same_in_tables_and_answers(planted):
    folders = [planted.network(0), planted.network(0, "cka", BLOCKS[:1])]
    path = planted.energy(folders[1], 1.5)
    record = json.loads(path.read_text())
    # the median of paired savings, and the ratio of the medians, 25 %
    record["inference"]["saving_joules_per_image"] = 0.6
    path.write_text(json.dumps(record))
    row = summarise(folders, energies=[path]).iloc[-1]
    assert row["energy_reduction_percent"] == pytest.approx(30)

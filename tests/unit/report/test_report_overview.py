import math

import pandas as pd
import pytest
from html_reader import Page
from planted_results import BLOCKS, COUNTED, Planted, after_one_removal

from layer_pruning.report.answers_cost import emissions_of
from layer_pruning.report.over_seeds import common_removals
from layer_pruning.report.overview import overview
from layer_pruning.report.robustness import pooled_robustness
from layer_pruning.report.summary import summarise

TIED = {"baseline": [0.8, 0.8], "cka": [0.79, 0.80], "random": [0.80, 0.79]}
WON = {"baseline": [0.80, 0.81, 0.82], "cka": [0.78, 0.791, 0.802], "random": [0.7, 0.709, 0.721]}
KEPT, BEST = "Is accuracy kept?", "Which criterion is best?"
FASTER, LESS = "Is it faster?", "Does it take less energy?"
ROBUST, COST = "Is it more robust?", "What did pruning cost?"


def answers(summary: pd.DataFrame, *more, **options) -> dict[str, str]:
    return Page(overview(summary, *more, **options)).answers


def test_a_winner_is_named_with_its_change_and_interval(planted):
    page = Page(overview(after_one_removal(planted, WON)))
    # the t-interval of -2.0, -1.9 and -1.8 points, 4.303 x 0.1 / sqrt(3) on either side
    assert page.answers[KEPT].startswith("No: it is lower. Test accuracy: 81.00 % before")
    assert "cka 79.10 %, −1.90 points [−2.15, −1.65]; random 71.00 %" in page.answers[KEPT]
    assert page.answers[BEST].startswith("cka. The highest mean is that of cka, 79.10 %.")
    assert "beats the other one, significantly over 3 seeds" in page.answers[BEST]
    assert "tie" not in page.answers[BEST]
    row = next(row for row in page.rows if row and row[0] == "random")
    assert row[3].startswith("71.00 % ± 1.05")
    assert row[4].startswith("−10.00 [")
    assert row[5] == "lower"


def test_a_tie_is_said_as_a_tie(planted):
    said = answers(after_one_removal(planted, TIED))
    assert said[BEST].startswith("It is a tie.")
    assert "over 2 seeds it does not differ significantly from random" in said[BEST]
    assert "control" not in said[BEST]
    assert said[KEPT].startswith("No change shown.")
    # -1 and 0 points: the interval of two seeds is 12.706 x 0.707 / sqrt(2) wide on either side
    assert "the intervals do not rule out a loss of 6.85 points" in said[KEPT]


def test_a_tie_with_a_control_is_called_what_it_is(planted):
    summary = after_one_removal(planted, TIED)
    said = answers(summary, controls=["random"])
    assert "random being a control, it is not shown that the choice of the blocks" in said[BEST]
    assert "random looks at no similarity and serves as the control" in said["What was done?"]
    # among controls alone there is no such lesson
    assert "being a control" not in answers(summary, controls=["random", "cka"])[BEST]


def test_criteria_of_which_one_is_kept_depend(planted):
    tests = WON | {"same": [0.80, 0.811, 0.819]}
    said = answers(after_one_removal(planted, tests))
    assert said[KEPT].startswith("It depends on the criterion.")
    assert "(no significant difference)" in said[KEPT]
    assert "(significantly lower)" in said[KEPT]


def test_of_many_criteria_the_best_and_the_worst_are_named(planted):
    tests = {"baseline": [0.8, 0.8]}
    tests |= {name: [0.79 - 0.01 * k, 0.79] for k, name in enumerate("abcdef")}
    said = answers(after_one_removal(planted, tests))
    assert "a 79.00 %" in said[KEPT] and "f 76.50 %" in said[KEPT]
    assert "4 others between (see the table)" in said[KEPT]
    assert "c 78.00 %" not in said[KEPT]


def test_one_seed_claims_nothing(planted):
    said = answers(after_one_removal(planted, {k: v[:1] for k, v in WON.items()}))
    assert said[KEPT].startswith("One seed cannot tell.")
    assert said[BEST].startswith("One seed cannot tell.")
    assert "the order may be luck" in said[BEST] and "beats" not in said[BEST]


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
    page = Page(overview(summarise(folders, energies=energies, ledgers=ledgers)))
    assert page.answers[COST].startswith("0.5 times the energy")
    assert "took 250 Wh, choosing its blocks 100 J" in page.answers[COST]
    assert "measured by hardware counters" in page.answers[COST]
    assert "Earned back after 1 000 images." in page.answers[COST]
    assert page.answers[LESS].startswith(
        "Yes: 25.0 % less an image (measured by hardware counters)"
    )
    assert "Not measured for random." in page.answers[LESS]
    assert "estimate" not in page.answers[COST] + page.answers[LESS]


def test_unmeasured_energy_is_said_with_its_reason_and_is_no_zero(planted):
    planted.network(0)
    folders = [planted.folder(0), planted.network(0, "cka", BLOCKS[:1], kwh=None)]
    page = Page(overview(summarise(folders)))
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
    assert said.startswith("Yes: 1.32 times as fast. Measured side by side with the baseline at a")
    assert "a batch of 64 images. By their 95 % intervals, all 3 networks are faster" in said
    assert "promise 1.07; 1.23 of that is reached. Speed-up 1.20 at a batch of 1." in said
    latencies += [planted.latency(planted.folder(s, "random", 1), 0.9, 0.8) for s in range(3)]
    said = answers(summarise(folders, latencies=latencies))[FASTER]
    assert said.startswith("In part: 3 of 6 networks.")
    assert "3 of 6 are faster, 3 of 6 are slower" in said.replace("are not shown to be faster", "")
    assert "(speed-up: cka 1.32; random 0.99)" in said
    assert answers(summary)[FASTER] == "Time: not measured."
    assert "Other work on the machine used up to 0.2 cores meanwhile." in said
    said = answers(summarise(folders, latencies=latencies).assign(other_cores_during_latency=1.5))
    assert "used up to 1.5 cores meanwhile: do not rely on these times." in said[FASTER]


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
    paths = attacked(planted, [1] * 60 + [0] * 40, same)
    page = Page(overview(summary, pooled_robustness(paths)))
    said = page.answers[ROBUST]
    assert said.startswith("In part: more robust in 1 of 2 comparisons, less robust in none.")
    assert "cka 1 of 1 more, 0 less; random 0 of 1 more, 0 less" in said
    assert "Largest significant change: fgsm linf at epsilon 0.1, where cka gets 60.0 %" in said
    assert "the baseline 40.0 %: +20.00 points [" in said and "without an attack 0.00" in said
    row = next(row for row in page.rows if row and row[0] == "random")
    assert "−1.00, p 1" in row
    assert answers(summary)[ROBUST] == "Not tested. No network was attacked."


@pytest.mark.parametrize(
    ("after", "other", "verdict"),
    [
        ([1] * 60 + [0] * 40, [1] * 60 + [0] * 40, "Yes: more robust throughout."),
        ([1] * 20 + [0] * 80, [1] * 20 + [0] * 80, "No: less robust throughout."),
        ([1] * 60 + [0] * 40, [1] * 20 + [0] * 80, "Mixed: 1 more robust, 1 less robust, of 2"),
        ([1] * 20 + [0] * 80, [1] * 40 + [0] * 60, "No: less robust in 1 of 2 comparisons, more"),
        ([1] * 40 + [0] * 60, [1] * 40 + [0] * 60, "No difference shown, in 2 comparisons."),
    ],
)
def test_robustness_has_a_verdict(planted, after, other, verdict):
    summary = after_one_removal(planted, {"baseline": [0.8], "cka": [0.8], "random": [0.8]})
    assert answers(summary, pooled_robustness(attacked(planted, after, other)))[ROBUST].startswith(
        verdict
    )


def test_the_longer_training_of_pruned_networks_is_said(planted):
    summary = after_one_removal(planted, WON)
    assert "Pruned networks were trained for longer" in Page(overview(summary)).text
    histories = [planted.history(planted.folder(seed), 30) for seed in range(3)]
    histories += [
        planted.history(planted.folder(seed, name, 1), 4)
        for seed in range(3)
        for name in ("cka", "random")
    ]
    text = Page(overview(after_one_removal(planted, WON, histories=histories))).text
    assert "30 epochs for the baseline, 4 more for 1 removal." in text


def test_criteria_are_compared_where_all_of_them_arrived(planted):
    folders = [planted.network(0), planted.network(0, "random", BLOCKS[:1])]
    folders += [planted.network(0, "cka", BLOCKS[:k]) for k in (1, 2, 3)]
    summary = summarise(folders)
    assert common_removals(summary) == 1
    assert "Some went further (cka to 3)" in Page(overview(summary)).text


def test_several_families_stand_at_a_glance_and_each_names_its_files(planted, tmp_path):
    won = after_one_removal(planted, WON)
    other = Planted(tmp_path / "more", BLOCKS, dataset="cifar10", architecture="resnet14")
    both = pd.concat([won, after_one_removal(other, TIED)], ignore_index=True)
    page = Page(overview(both))
    assert "resnet8 on toy" in page.text and "resnet14 on cifar10" in page.text
    glance = dict(zip(page.rows[0], page.rows[1], strict=True))
    assert (glance["dataset"], glance[BEST]) == ("cifar10", "It is a tie.")
    assert dict(zip(page.rows[0], page.rows[2], strict=True))[BEST] == "cka."
    assert "Numbers are from results/toy/resnet8/seed-{0,1,2}" in page.text
    assert page.titles["Test accuracy, mean ± sd"] == "from accuracy.json"
    assert Page(overview(won)).rows[0][0] == "Criterion", "one alone needs no table of them"


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

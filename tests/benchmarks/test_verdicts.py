"""What docs/results.md says of differences: that of the report, row by row."""

import math
import sys

import numpy as np
import pandas as pd
import pytest

from layer_pruning.report.network_tables import read_csv
from layer_pruning.report.records import Network
from layer_pruning.report.statistics.paired import Outcome, compared
from shared_files import ROOT

# benchmarks are scripts, which import each other from their own folder
sys.path.append(str(ROOT / "benchmarks"))

import verdicts


def networks(**tests):
    """Rows of a baseline and of networks with one block gone, by name their accuracies by seed."""
    rows = []
    for name, values in tests.items():
        way = {"baseline": "baseline", "continued": "continued"}.get(name, "pruned")
        for seed, accuracy in enumerate(values):
            row = {"dataset": "d", "architecture": "a", "seed": seed, "criterion": name}
            row |= {"made_by": way, "beside": "", "removed": int(way != "baseline")}
            row |= {"blocks": name if way == "pruned" else "", "accuracy_validation": accuracy}
            # random choice ends at another architecture in every seed
            row |= {"macs": 100, "parameters": 10 + seed * (name == "random")}
            ends = {"low": accuracy - 0.01, "high": accuracy + 0.01}
            row |= {f"accuracy_test_interval_{end}": value for end, value in ends.items()}
            rows.append(row | {"accuracy_test": accuracy})
    return pd.DataFrame(rows)


def test_every_network_that_counts_stands_beside_the_baseline_and_each_other():
    rows = networks(
        baseline=[0.90, 0.91, 0.92],
        cka=[0.901, 0.9105, 0.9205],
        kl=[0.801, 0.8095, 0.8215],
        continued=[0.905, 0.914, 0.926],
    )
    _, _, *lines = verdicts.accuracy_verdicts(rows).splitlines()
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    said = {
        (name, other): (difference, verdict) for name, _, other, _, difference, verdict in cells
    }
    assert len(said) == 2 + 1 + 2 + 1
    assert said["kl", "baseline"][1] == "lost" and said["kl", "baseline"][0].startswith("**−9.93 [")
    assert said["cka", "kl"] == (said["cka", "kl"][0], "cka higher")
    assert said["cka", "baseline"][1] == "kept within 0.5 points"
    assert said["kl", "continued"][1] == "lower"
    assert {one[3] for one in cells} == {"3"}


def test_random_choice_widens_no_interval_but_its_own():
    steady = {"baseline": [0.90, 0.91, 0.92], "cka": [0.89, 0.901, 0.909]}
    steady["kl"] = [0.88, 0.889, 0.901]
    wide = steady | {"random": [0.80, 0.88, 0.85]}
    alone, beside = (verdicts.accuracy_verdicts(networks(**rows)) for rows in (steady, wide))
    assert "**+1.00 [" in alone and "| cka higher |" in beside
    assert "| random | 1 | baseline | 3 | −6.67 [" in beside
    assert "| cka | 1 | random | 3 | +5.67 [" in beside


def test_the_published_searches_say_what_is_one_network():
    text = verdicts.accuracy_verdicts(read_csv(ROOT / "docs" / "data" / "search.csv"))
    assert "| greedy | 4 | profiles | 5 | 0.00 | the same networks |" in text
    assert text.count("**−0.45 [−0.74, −0.17]**") == 2


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((0.01, 0.002, 0.018), "**+1.00 [+0.20, +1.80]**"),
        ((-0.01, -0.022, 0.002), "−1.00 [−2.20, +0.20]"),
        ((0.01, math.nan, math.nan), "+1.00"),
    ],
)
def test_a_difference_is_bold_where_its_interval_leaves_zero_out(ends, text):
    assert verdicts.told(*ends) == text


def test_attacks_have_a_column_each(planted_outcomes):
    table = compared(planted_outcomes, verdicts.ATTACK, "robust_accuracy")
    heading, _, line = verdicts.robustness_verdicts(table).splitlines()
    assert heading.endswith("| beside | seeds | fgsm, Linf 1/255 | pgd, L2 0.5 |")
    assert line.startswith("| cka | 1 | baseline | 3 | **+")


@pytest.fixture
def planted_outcomes(tmp_path):
    """Three seeds of a baseline and of a network that withstands more, two attacks."""
    generator, images = np.random.default_rng(0), np.arange(200)
    found = []
    for seed in range(3):
        for folder, share in (("baseline", 0.3), ("cka/removed-01", 0.7)):
            path = tmp_path / f"results/d/a/seed-{seed}/{folder}/attacks/x.json"
            network = Network.of(path.parents[1])
            for test in (("fgsm", "Linf", 1 / 255), ("pgd", "L2", 0.5)):
                right = (generator.random(200) < share).astype(float)
                found.append(Outcome(network, test, images, right, path))
    return found

import math
import re
import statistics

import pytest
from planted_results import BLOCKS

from layer_pruning.report.main_table import HEADINGS, latex, markdown
from layer_pruning.report.summary import summarise

SCORES = {"baseline": [0.80, 0.82, 0.81], "cka_debiased": [0.78, 0.79, 0.80]}


@pytest.fixture
def summary(planted):
    return summarise(
        [
            planted.network(seed, name, BLOCKS[:1] if name != "baseline" else (), test=test)
            for name, values in SCORES.items()
            for seed, test in enumerate(values)
        ]
    )


def test_the_markdown_table_has_the_means_and_the_paired_interval(summary):
    rows = [line.strip("| ").split(" | ") for line in markdown(summary).splitlines() if "|" in line]
    assert (
        tuple(rows[0]) == HEADINGS and len({len(row) for row in rows if "---" not in row[0]}) <= 2
    )
    row = next(row for row in rows if row[0] == "cka_debiased")
    mean, deviation = (f(SCORES["cka_debiased"]) for f in (statistics.mean, statistics.stdev))
    assert row[5] == f"{100 * mean:.2f} ± {100 * deviation:.2f}"
    changes = [
        100 * (a - b) for a, b in zip(SCORES["cka_debiased"], SCORES["baseline"], strict=True)
    ]
    half = (
        4.302653 * statistics.stdev(changes) / math.sqrt(3)
    )  # Student's t, two degrees of freedom
    low, high = statistics.mean(changes) - half, statistics.mean(changes) + half
    expected = f"{statistics.mean(changes):+.2f} [{low:+.2f}, {high:+.2f}]".replace("-", "−")
    assert row[6] == expected
    assert row[1] == "1" and row[2] == "3"


def test_the_latex_table_escapes_what_latex_reads(summary):
    text = latex(summary)
    assert r"cka\_debiased" in text and r"MACs saved, \%" in text
    assert not re.search(r"(?<!\\)[_&](?=\w)", text)
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert all(len(re.findall(r"(?<!\\)&", row)) == len(HEADINGS) - 1 for row in rows)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1

import math
import re
import shutil
import statistics
import subprocess

import pytest
from planted_results import BLOCKS

from layer_pruning.report.pages.main_table import LATEX, latex, markdown
from layer_pruning.report.summary import summarise

HEADINGS = (
    *("criterion", "blocks removed", "seeds", "MACs saved, %", "parameters saved, %"),
    *("test accuracy, %", "change, points"),
)
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


def test_what_was_measured_has_columns_and_what_was_not_has_none(planted, summary):
    assert "speed-up" not in markdown(summary)
    folders = [planted.folder(seed, "cka_debiased", 1) for seed in range(3)]
    base = [planted.folder(seed) for seed in range(3)]
    latencies = [planted.latency(folder, 1.2, 1.1) for folder in folders]
    energies = [planted.energy(folder, 2.2) for folder in folders]
    measured = summarise([*base, *folders], energies=energies, latencies=latencies)
    rows = [line.strip("|").split("|") for line in markdown(measured).splitlines() if "|" in line]
    assert [cell.strip() for cell in rows[0][-2:]] == ["speed-up", "energy per image saved, %"]
    assert [cell.strip() for cell in rows[2][-2:]] == ["", ""], "the baseline beside itself"
    # a larger batch is a tenth faster than 1.2; 2.2 J where the baseline takes 2
    assert [cell.strip() for cell in rows[3][-2:]] == ["1.32", "−10.00"]
    assert r"1.32 & $-$10.00 \\" in latex(measured)


def test_the_latex_table_escapes_what_latex_reads(summary):
    text = latex(summary)
    assert r"cka\_debiased" in text and r"& MACs & " in text and r"& saved, \% &" in text
    body = [line for line in text.splitlines() if not line.startswith("%")]
    assert not re.search(r"(?<!\\)[_&%#](?=\w)", "\n".join(body))
    rows = [line for line in body if line.endswith(r"\\")]
    assert all(len(re.findall(r"(?<!\\)&", row)) == len(HEADINGS) - 1 for row in rows)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1


def test_the_latex_table_has_the_interval_over_seeds(summary):
    row = next(line for line in latex(summary).splitlines() if line.startswith("cka"))
    assert re.search(r"\$-\$\d\.\d\d \[\$-\$\d\.\d\d, (\$-\$|\+)\d\.\d\d\]", row)
    assert r"79.00 $\pm$ 1.00" in row


@pytest.mark.parametrize("character", [*"%_&#${}~^", "\\"])
def test_any_name_is_text_to_latex(character):
    """Each is one of the ten that LaTeX reads as commands, and none is left as it was."""
    escaped = f"a{character}b".translate(LATEX)
    assert re.fullmatch(r"a\\(.|text\w+\{\})b", escaped)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
def test_latex_compiles_the_table(summary, tmp_path):
    document = r"\documentclass{article}\usepackage{booktabs}\begin{document}"
    (tmp_path / "t.tex").write_text(f"{document}\n{latex(summary)}\\end{{document}}\n")
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "t.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-1000:]
    assert (tmp_path / "t.pdf").stat().st_size > 1000

"""The example runs, and the README quotes it as it is."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import layer_pruning

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "digits.py"


def test_the_readme_quotes_the_example():
    section = (ROOT / "README.md").read_text().split("## As a library")[1].split("\n## ")[0]
    (quoted,) = re.findall(r"```py\n(.*?)```", section, re.DOTALL)
    source = EXAMPLE.read_text().split("# quoted in the README\n")[1]
    region = textwrap.dedent(source.split("    # end of the quotation")[0])
    assert quoted == f"import layer_pruning\n\n{region}"


def test_the_readme_and_the_guide_name_every_public_function():
    section = (ROOT / "README.md").read_text().split("## As a library")[1].split("\n## ")[0]
    guide = (ROOT / "docs" / "how-to" / "library.md").read_text()
    for name in set(layer_pruning.__all__) - {"ResidualNetwork"}:
        assert name in section and f"`{name}(" in guide, name


def lines_of(example, folder):
    """What an example prints when it is run as its first line says."""
    places = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, str(example)],
        cwd=folder,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(filter(None, places)), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_example_prunes_three_blocks_and_still_reads_digits(tmp_path):
    lines = lines_of(EXAMPLE, tmp_path)
    assert len(lines) == 3
    found = [re.fullmatch(r"less (\d): ([\d,]+) MACs, ([\d.]+) % correct", line) for line in lines]
    blocks, macs, correct = zip(*(match.groups() for match in found), strict=True)
    assert len(set(blocks)) == 3
    # two 3 × 3 convolutions from 16 channels to 16, on 8 × 8 pixels
    costs = [int(number.replace(",", "")) for number in macs]
    assert costs[0] - costs[1] == costs[1] - costs[2] == 2 * 9 * 16 * 16 * 64
    assert min(map(float, correct)) > 80


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "packages", "removals"),
    [
        ("with_timm", ["timm"], 1),
        ("with_trainer", ["transformers", "accelerate"], 1),
        ("with_lightning", ["lightning"], 1),
    ],
)
def test_the_loops_of_others_prune_and_still_read_digits(tmp_path, name, packages, removals):
    for package in packages:
        pytest.importorskip(package, reason=f"{package} is not installed")
    *_, last_row, gone = lines_of(ROOT / "examples" / f"{name}.py", tmp_path)
    blocks = gone.removeprefix("gone: ").split(", ")
    assert len(blocks) >= removals and all(blocks)
    # the last row of the history: accuracy far above one in ten
    assert float(last_row.split()[-1]) > 0.5

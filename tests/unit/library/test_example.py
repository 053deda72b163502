"""The example runs, and the README quotes it as it is."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

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


def test_the_example_prunes_three_blocks_and_still_reads_digits(tmp_path):
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    found = [re.fullmatch(r"less (\d): ([\d,]+) MACs, ([\d.]+) % correct", line) for line in lines]
    blocks, macs, correct = zip(*(match.groups() for match in found), strict=True)
    assert len(set(blocks)) == 3
    # two 3 × 3 convolutions from 16 channels to 16, on 8 × 8 pixels
    costs = [int(number.replace(",", "")) for number in macs]
    assert costs[0] - costs[1] == costs[1] - costs[2] == 2 * 9 * 16 * 16 * 64
    assert min(map(float, correct)) > 80

"""The reference says what there is: all of it, and nothing else."""

import json
import re
from pathlib import Path

import pytest
from documents import FILES, LINK, ROOT, anchors, prose

from layer_pruning.report.areas import area_names
from layer_pruning.report.calibration import COLUMNS as CALIBRATION_COLUMNS
from layer_pruning.report.cost import ENDS, latency_values
from layer_pruning.report.shift import COLUMNS as SHIFT_COLUMNS
from layer_pruning.report.shortcut import COLUMNS as SHORTCUT_COLUMNS
from layer_pruning.report.summary import AFTER_ATTACKS, BEFORE_ATTACKS, robust_column
from layer_pruning.scoring.catalog import METRIC_NAMES
from layer_pruning.similarity.catalog import CATALOG

OUTPUTS = ROOT / "docs" / "reference" / "outputs.md"
METRICS = ROOT / "docs" / "reference" / "metrics.md"


def first_cells(text: str) -> list[str]:
    """What is written as code in the first cells of all tables."""
    rows = re.findall(r"^\|([^|]*)\|", text, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def timing_columns(folder: Path) -> list[str]:
    """The columns of one latency, with ``{size}`` for the images in a batch."""
    ratios = [
        f"{name}{end}" for name in ("speed_up_ratio", "speed_up_over_macs_ratio") for end in ENDS
    ]
    timing = dict.fromkeys([*ratios, "seconds", "baseline_seconds", "peak_memory_bytes"], 1.0)
    record = {
        "timings": [timing | {"mode": "eager", "batch_size": 77}],
        "load": {"other_cores_during": 0.0},
    }
    (folder / "latency.json").write_text(json.dumps(record))
    names, _ = latency_values(folder / "latency.json")
    return [name.replace("77", "{size}") for name in names]


def test_every_column_of_the_summary_is_explained_and_no_other(tmp_path):
    explained = first_cells(OUTPUTS.read_text().split("## The columns of summary.csv")[1])
    attacked = robust_column("{attack}", "{norm}", 0.5).replace("0.5", "{epsilon}")
    columns = [*BEFORE_ATTACKS, attacked, *SHORTCUT_COLUMNS, *AFTER_ATTACKS]
    columns += [*timing_columns(tmp_path), "notes"]
    columns += [*area_names("{attack}", "{norm}"), *SHIFT_COLUMNS, "shifted_accuracy_{name}"]
    columns += CALIBRATION_COLUMNS
    missing = [name for name in columns if name not in explained]
    assert not missing, f"{OUTPUTS.name}: a row for {missing}, in the table of columns"
    assert sorted(explained) == sorted(columns)


def outputs_of_rules() -> set[str]:
    """The files that rules write, each below the folder of what it is about; logs left out."""
    found = set()
    for path in sorted((ROOT / "rules").glob("*.smk")):
        # attacks with and without shards; what is within a condition is indented once more
        text = path.read_text().replace("{ATTACK_JOB}", "{attack}/shard-{shard}")
        text = re.sub(r"^    (?=    )", "", text, flags=re.MULTILINE) + text
        for output in re.findall(r"^    output:\n((?:^ {8}.*\n)+)", text, re.MULTILINE):
            found |= set(re.findall(r'"((?:results|downloads|\{[A-Z]+\})/[^"]+)"', output))
    folders = r"^(results/figures|results|\{[A-Z]+\})/(baseline/)?"
    return {re.sub(folders, "", file.replace("{{", "{").replace("}}", "}")) for file in found}


def test_every_output_file_is_explained_and_no_other():
    explained = first_cells(OUTPUTS.read_text().split("## The columns of summary.csv")[0])
    written = outputs_of_rules()
    assert {"network.safetensors", "summary.csv", "attacks/{attack}.json"} <= written
    # named in prose
    written.discard("downloads/{kind}/{file}")
    missing = sorted(written - set(explained))
    assert not missing, f"{OUTPUTS.name}: a row for {missing}, in the tables of files"
    assert not set(explained) - written, "files that no rule writes"


def rules_with_a_gpu() -> set[str]:
    """Names of the rules that ask for one, themselves or as the rule that they use."""
    text = "\n".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    parts = re.split(r"^ *(?:use )?rule (.+?)(?: with)?:$", text, flags=re.MULTILINE)[1:]
    found: set[str] = set()
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        used, _, new = name.partition(" as ")
        if "gpu=1" in body or (new and used in found):
            found.add(new or used)
    return found


def test_a_profile_that_names_every_gpu_rule_names_each():
    text = (ROOT / "profiles" / "README.md").read_text()
    named = re.findall(r"^  (\w+): \{gpu_manufacturer", text, re.MULTILINE)
    assert {"train_baseline", "extract_activations"} <= set(named) == rules_with_a_gpu()


def test_every_similarity_metric_has_its_formula():
    headings = re.findall(r"^### (.+)$", METRICS.read_text(), re.MULTILINE)
    assert sorted(name for line in headings for name in line.split(", ")) == sorted(CATALOG)


def test_every_metric_of_a_criterion_is_in_the_manual():
    explained = first_cells((ROOT / "config" / "README.md").read_text())
    assert not [name for name in METRIC_NAMES if name not in explained]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for link in LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link

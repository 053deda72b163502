"""The reference says what there is: all of it, and nothing else."""

import re

import pytest
from documents import FILES, LINK, ROOT, anchors, prose

from layer_pruning.attacks.catalog import ATTACKS
from layer_pruning.consensus.catalog import AGGREGATIONS
from layer_pruning.models.architectures import TORCHVISION
from layer_pruning.report.catalog import FIGURES
from layer_pruning.report.columns import SUMMARY, reference, with_reference
from layer_pruning.scoring.catalog import (
    CRITERIA,
    FUNCTIONAL_METRICS,
    METRIC_NAMES,
    WEIGHT_METRICS,
)
from layer_pruning.similarity.catalog import CATALOG
from projects import rules_with_a_gpu

OUTPUTS = ROOT / "docs" / "reference" / "outputs.md"
METRICS = ROOT / "docs" / "reference" / "metrics.md"


def first_cells(text: str) -> list[str]:
    """What is written as code in the first cells of all tables."""
    rows = re.findall(r"^\|([^|]*)\|", text, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_the_table_of_columns_is_what_the_code_declares():
    text = OUTPUTS.read_text()
    assert reference() in text
    assert with_reference(text) == text, "make manual writes the table"
    assert with_reference(text.replace("multiply-accumulates", "something else", 9)) != text


def test_every_column_of_the_summary_is_explained_and_its_file_too():
    files = first_cells(OUTPUTS.read_text().split("## The columns of summary.csv")[0])
    for column in SUMMARY:
        assert column.about and column.source, column.name
        assert column.source.split(" of ")[0] in files or "." not in column.source, column.name
    names = [name for column in SUMMARY for name in column.names]
    assert len(set(names)) == len(names)


def outputs_of_rules() -> set[str]:
    """The files that rules write, each below the folder of what it is about; logs left out."""
    found = set()
    for path in sorted((ROOT / "rules").glob("*.smk")):
        text = path.read_text()
        # what is within a condition is indented once more
        text = re.sub(r"^    (?=    )", "", text, flags=re.MULTILINE) + text
        drawn = [name for name, entry in FIGURES.items() if entry.together]
        figure = 'f"{FIGURES}/{name}.svg"'
        text = text.replace(figure, ", ".join(figure.replace("{name}", each) for each in drawn))
        for output in re.findall(r"^    output:\n((?:^ {8}.*\n)+)", text, re.MULTILINE):
            found |= set(re.findall(r'"((?:results|downloads|\{[A-Z]+\})/[^"]+)"', output))
    folders = r"^(results/figures|results|\{[A-Z]+\})/(baseline/)?"
    return {re.sub(folders, "", file.replace("{{", "{").replace("}}", "}")) for file in found}


def test_every_output_file_is_explained_and_no_other():
    explained = first_cells(OUTPUTS.read_text().split("## The columns of summary.csv")[0])
    written = outputs_of_rules()
    assert {"network.safetensors", "summary.csv", "attacks/{attack}.json"} <= written
    # named in prose
    written -= {"downloads/{kind}/{file}", "downloads/hub/{repository}/{file}"}
    missing = sorted(written - set(explained))
    assert not missing, f"{OUTPUTS.name}: a row for {missing}, in the tables of files"
    assert not set(explained) - written, "files that no rule writes"


def test_a_profile_that_names_every_gpu_rule_names_each():
    text = (ROOT / "profiles" / "README.md").read_text()
    named = re.findall(r"^  (\w+): \{gpu_manufacturer", text, re.MULTILINE)
    assert {"train_baseline", "extract_activations"} <= set(named) == rules_with_a_gpu()


def test_every_similarity_metric_has_its_formula():
    headings = re.findall(r"^### (.+)$", METRICS.read_text(), re.MULTILINE)
    assert sorted(name for line in headings for name in line.split(", ")) == sorted(CATALOG)


def test_every_metric_of_predictions_or_weights_has_its_formula():
    text = METRICS.read_text()
    assert not [n for n in (*FUNCTIONAL_METRICS, *WEIGHT_METRICS) if f"`{n}`" not in text]


@pytest.mark.parametrize("names", [METRIC_NAMES, AGGREGATIONS, ATTACKS, TORCHVISION])
def test_everything_that_a_configuration_may_name_is_in_the_manual(names):
    named = re.findall(r"`([^`]+)`", prose(ROOT / "config" / "README.md"))
    assert not [name for name in names if name not in named]


def test_every_criterion_with_a_name_of_its_own_is_in_the_manual():
    explained = first_cells((ROOT / "config" / "README.md").read_text())
    assert not [name for name in CRITERIA if name not in explained]


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


def rows_of_results():
    section = (ROOT / "README.md").read_text().split("\n## Results\n")[1].split("\n## ")[0]
    return re.findall(
        r"^\| (\w[^|]*\|[^|]*)\| \[[^]]+\]\(([^)#]+)#[^)]+\) \|$", section, re.MULTILINE
    )


@pytest.mark.parametrize(("row", "page"), rows_of_results(), ids=lambda text: text[:20])
def test_every_figure_of_the_readme_is_measured_on_the_page_that_it_links_to(row, page):
    # a page may round no less than it was measured, and this quotes it as it stands
    there = (ROOT / page).read_text()
    decimals = re.findall(r"\d+\.\d+", row)
    assert decimals
    assert not [number for number in decimals if number not in there]


def test_the_readme_has_results():
    assert len(rows_of_results()) >= 4

"""The page that opens on its answers, and what a browser shows of it."""

import html
import json
import math
import re

import pandas as pd
import pytest
from html_reader import Page
from planted_report import FIRST_SCREEN, report_of

from layer_pruning.report.findings.robustness import robust_accuracy
from layer_pruning.report.pages.charts import accuracy_chart, robustness_chart
from layer_pruning.report.pages.front_page import answer_lines, caption_html, number_text
from layer_pruning.report.pages.network_page import network_page
from layer_pruning.report.records import BASELINE
from layer_pruning.report.summary import summarise
from layer_pruning.report.wording import joules_text


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return report_of(tmp_path_factory.mktemp("report"))


def test_the_page_opens_on_a_line_for_each_answer(made):
    text, answers, *_ = made
    lines = re.findall(r'<li data-answer="(\w+)">(.*?)</li>', text, re.DOTALL)
    assert [name for name, _ in lines][: len(FIRST_SCREEN)] == list(FIRST_SCREEN)
    told = {answer["name"]: answer for answer in answers["families"][0]["answers"]}
    for name, line in lines:
        said = html.unescape(line)
        assert told[name]["verdict"][1:] in said
        assert number_text(told[name]) in said
    # before any of it there are a heading, links to what follows, and nothing else
    assert text.index('data-answer="done"') < text.index("<h3>") if "<h3>" in text else True


def test_a_number_links_to_its_file_and_to_its_network(made, tmp_path):
    page = Page(made[0])
    assert any(link.endswith("seed-0/cka/removed-02/accuracy.json") for link in page.loaded)
    assert any(link.endswith("seed-0/cka/removed-02/network.html") for link in page.loaded)


def test_the_page_loads_nothing_and_keeps_its_scripts_whole(made):
    text = made[0]
    loaded = [link for link in Page(text).loaded if "//" in link]
    assert not [link for link in loaded if not link.startswith("data:")]
    for data in re.findall(r'<script type="application/json".*?>(.*?)</script>', text, re.DOTALL):
        spec = json.loads(data)
        assert "layer" in spec or "spec" in spec
    assert "&lt;/script&gt; more" in text


def test_the_lines_of_the_terminal_are_those_of_the_page(made):
    lines = answer_lines(made[1])
    assert lines[0] == "resnet8 on toy"
    assert [line.split()[0] for line in lines[1:7]] == [
        *("Pruned", "Accuracy", "Speed", "Energy", "Robustness", "Cost")
    ]


@pytest.mark.parametrize(
    ("number", "low", "high", "unit", "text"),
    [
        (-1.25, -2.0, -0.5, "points", "−1.25 points [−2.00, −0.50]"),
        (1.5, 1.2, 1.8, "times as fast", "1.50 times as fast [1.20, 1.80]"),
        (40.0, None, None, "% of multiply-accumulates", "40.00 % of multiply-accumulates"),
        (None, None, None, "", ""),
    ],
)
def test_numbers_have_one_sign_a_unit_and_an_interval(number, low, high, unit, text):
    assert number_text({"number": number, "low": low, "high": high, "unit": unit}) == text


def test_captions_are_paragraphs_with_emphasis_and_code():
    assert caption_html("A *b* ``c<d``.\n\nE.") == (
        "<p>A <em>b</em> <code>c&lt;d</code>.</p><p>E.</p>"
    )


def test_charts_hold_every_network_with_its_interval(tmp_path):
    *_, folders, attacks = report_of(tmp_path)
    values = accuracy_chart(summarise(folders))["data"]["values"]
    own = [row for row in values if row["removed"] > 0]
    assert len(own) == 3 * 2 * 2
    assert {"low", "high", "seed", "criterion"} <= own[0].keys()
    # curves of both criteria start at the baseline of their seed
    assert len(values) == len(own) + 3 + 2 * 3
    points = robustness_chart(robust_accuracy(attacks))["data"]["values"]
    assert {row["epsilon"] for row in points} == {0.0, 0.1, 0.2}
    assert all(math.isfinite(row["accuracy"]) for row in points)


def test_curves_of_many_criteria_look_different(tmp_path):
    *_, folders, _ = report_of(tmp_path)
    summary = summarise(folders)
    row = summary[summary["criterion"] != BASELINE].iloc[:1]
    many = pd.concat([row.assign(criterion=f"c{number:02}") for number in range(20)])
    encoding = accuracy_chart(pd.concat([summary, many]))["layer"][0]["encoding"]
    colours, dashes = (encoding[name]["scale"] for name in ("color", "strokeDash"))
    assert colours["domain"] == dashes["domain"]
    looks = set(zip(colours["range"], map(tuple, dashes["range"]), strict=True))
    assert len(looks) == len(colours["domain"])


def test_the_page_of_a_network_draws_its_blocks_and_links_its_files(tmp_path):
    *_, folders, attacks = report_of(tmp_path)
    folder, attack = folders[-1], attacks[-1]
    record = json.loads(attack.read_text())
    shown = {"epsilon": 0.1, "label": 0, "taken_for": 1, "clean_png": "QQ", "attacked_png": "Qg"}
    attack.write_text(json.dumps(record | {"examples": [shown]}))
    files = [attack, folder / "accuracy.json"]
    page = network_page(folder, "../../report.html", files, ["cat", "<b>dog"])
    assert "cat taken for &lt;b&gt;dog" in page and "data:image/png;base64,Qg" in page
    assert page.count('<li class="gone">') == 2 and "removal 2" in page
    assert page.count("<li>stage1.block") == 2
    read = Page(page)
    assert {"attacks/fgsm.json", "accuracy.json", "../../report.html"} <= set(read.loaded)
    assert next(r for r in read.rows if "0.1" in r)[:3] == ["fgsm Linf", "0.1", "25.00 %"]
    assert "Training" not in page, "there is no history"
    assert "of 10\u202f000 images" in page


@pytest.mark.parametrize(
    ("joules", "text"),
    [(0.00123, "1.23 mJ"), (0.5, "500 mJ"), (1.0, "1 J"), (1234.5, "1\u202f230 J")],
)
def test_the_energy_of_an_image_has_a_unit_and_no_exponent(joules, text):
    assert joules_text(joules) == text

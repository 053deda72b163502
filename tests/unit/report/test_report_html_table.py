import json
import re
import shutil
import subprocess

import pandas as pd
import pytest
from html_reader import Page
from planted_results import BLOCKS, after_one_removal

from layer_pruning.report.findings.cost import cost_claims
from layer_pruning.report.html_page import rendered, write_html
from layer_pruning.report.html_table import table
from layer_pruning.report.pages.overview import overview, pairs
from layer_pruning.report.pages.table_pages import cost_page, summary_page
from layer_pruning.report.summary import summarise

WON = {"baseline": [0.80, 0.81, 0.82], "cka": [0.78, 0.791, 0.802], "random": [0.7, 0.709, 0.721]}


def test_a_table_shows_and_sorts_by_its_numbers():
    frame = pd.DataFrame(
        {
            "criterion": ["cka", "<b>"],
            "macs": [1234567, 12],
            "accuracy_test": [0.91234, float("nan")],
            "difference_mean": [-0.0123, 0.004],
            "finetuning_energy_kwh": [0.012346, float("nan")],
            "p_value": [1e-9, 0.5],
            "selected": [True, False],
            "break_even_images": [float("inf"), 2.0],
        }
    )
    page = Page(table(frame))
    assert page.rows[1][:6] == [
        *("cka", "1\u202f234\u202f567", "91.23 %", "−1.23", "0.01235", "< 0.0001"),
    ]
    assert page.rows[2][:7] == ["<b>", "12", "", "+0.40", "not measured", "0.5", ""]
    numbers = [None, 1234567, 0.91234, -0.0123, 0.012346, 1e-9, 1, float("inf")]
    assert [None if key is None else float(key) for key in page.keys[1]] == numbers
    assert page.keys[1][-1] == "Infinity", "as JavaScript reads it"
    assert page.keys[2][2] == page.keys[2][4] == ""


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("macs_reduction_percent", "MACs saved (%)"),
        ("finetuning_emissions_kg_co2e", "fine-tuning emissions (kg CO₂e)"),
        ("speed_up_over_macs_ratio", "speed-up over MACs ratio"),
        ("inference_joules_per_image", "inference J per image"),
    ],
)
def test_headings_are_words_with_units(name, read):
    assert Page(table(pd.DataFrame({name: [1.0]}))).rows[0] == [read]


def test_an_interval_stands_behind_its_value():
    missing = float("nan")
    frame = pd.DataFrame(
        {
            "speed_up_ratio": [1.5, 1.2],
            "speed_up_ratio_interval_low": [1.4, missing],
            "speed_up_ratio_interval_high": [1.6, missing],
            "accuracy_mean": [0.8, missing],
            "accuracy_interval_low": [0.7, missing],
            "accuracy_interval_high": [0.9, missing],
            "interval_low": [1, 2],
        }
    )
    page = Page(table(frame))
    assert page.rows == [
        ["speed-up", "accuracy mean", "interval low"],
        ["1.50 [1.40, 1.60]", "80.00 % [70.00 %, 90.00 %]", "100.00 %"],
        ["1.20", "", "200.00 %"],
    ]
    assert page.keys[1][0] == "1.5", "it sorts by the value"


# As much of a browser's document as the script of a page touches: one table, read from JSON.
DOCUMENT = """
const {heads, rows, clicks} = JSON.parse(require("fs").readFileSync(0, "utf8"));
function element(attributes, text) {
  return {attributes, textContent: text,
    getAttribute: name => attributes[name] ?? null, hasAttribute: name => name in attributes,
    setAttribute(name, value) { attributes[name] = value },
    removeAttribute(name) { delete attributes[name] }};
}
const body = {rows: rows.map(cells => ({cells: cells.map(([v, text]) =>
    element(v === null ? {} : {"data-v": v}, text))})),
  appendChild(row) { this.rows = this.rows.filter(other => other !== row).concat([row]) }};
const row = {parentNode: {parentNode: {tBodies: [body]}}};
row.cells = heads.map(numeric => Object.assign(
    element(numeric ? {"data-numeric": ""} : {}, ""), {parentNode: row}));
const buttons = row.cells.map(head => ({parentNode: head,
  addEventListener(kind, listener) { this[kind] = listener }}));
globalThis.document = {querySelectorAll: selector => selector === "th button" ? buttons : []};
"""
OUTCOME = """
for (const column of clicks) buttons[column].click();
console.log(JSON.stringify([body.rows.map(row => row.cells[0].textContent),
  row.cells.map(head => head.getAttribute("aria-sort"))]));
"""


def clicked(frame: pd.DataFrame, *columns: int) -> tuple[list[str], list[str | None]]:
    """The first column, and which way each heading says that rows run, after clicks on headings."""
    html = table(frame)
    page = Page(html)
    given = {
        "heads": ["data-numeric" in head for head in re.findall(r"<th [^>]*>", html)],
        "rows": [
            list(zip(keys, texts, strict=True))
            for keys, texts in zip(page.keys[1:], page.rows[1:], strict=True)
        ],
        "clicks": columns,
    }
    done = subprocess.run(
        ["node", "-e", DOCUMENT + str(rendered("page.js")) + OUTCOME],
        input=json.dumps(given),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    order, directions = json.loads(done.stdout)
    return order, directions


@pytest.mark.skipif(shutil.which("node") is None, reason="the script of a page is run by node")
def test_a_click_sorts_numbers_as_numbers_and_leaves_what_is_missing_last():
    frame = pd.DataFrame(
        {
            "criterion": ["b10", "b9", "", "a", "c"],
            "macs": [9.0, 10.0, float("nan"), -1.0, 10.0],
            "p_value": [1e-9, 0.5, 0.04, float("nan"), float("inf")],
        }
    )
    assert clicked(frame)[0] == ["b10", "b9", "", "a", "c"]
    up = (["a", "b10", "b9", "c", ""], [None, "ascending", None])
    assert clicked(frame, 1) == up
    # of equal rows the first stays first, and what is missing stays last
    assert clicked(frame, 1, 1) == (["b9", "c", "b10", "a", ""], [None, "descending", None])
    assert clicked(frame, 1, 1, 1) == (["a", "b10", "b9", "c", ""], [None, "ascending", None])
    assert clicked(frame, 2)[0] == ["b10", "", "b9", "c", "a"]
    # texts as people sort them: nine before ten
    assert clicked(frame, 1, 0) == (["a", "b9", "b10", "c", ""], ["ascending", None, None])
    assert clicked(frame, 0, 0)[0] == ["c", "b10", "b9", "a", ""]


def test_headings_are_buttons_that_a_keyboard_reaches():
    html = table(pd.DataFrame({"criterion": ["cka"], "macs": [1]}))
    assert html.count('<button type="button">') == html.count("<th ") == 2


@pytest.mark.parametrize("make", ["overview", "summary_page"])
def test_pages_load_nothing_from_elsewhere(planted, make):
    summary = after_one_removal(planted, WON)
    html = {
        "overview": lambda: overview(pairs(summary)),
        "summary_page": lambda: summary_page(summary),
    }[make]()
    assert Page(html).loaded == []
    assert not re.search(r"https?:|@import|url\(", html)


def test_pages_are_written_whole(planted, tmp_path):
    html = summary_page(after_one_removal(planted, WON))
    write_html(html, tmp_path / "new" / "page.html")
    assert (tmp_path / "new" / "page.html").read_text(encoding="utf-8") == html
    assert html.endswith("</html>\n")


def test_the_interval_of_a_difference_stands_behind_it_in_points():
    frame = pd.DataFrame(
        {"difference": [0.0274], "interval_low": [-0.0174], "interval_high": [0.1]}
    )
    html = table(frame)
    assert "+2.74 [−1.74, +10.00]" in html and "interval low" not in html


def test_a_summary_of_many_columns_makes_no_warning(planted):
    """Warnings are errors here: of columns set one by one, pandas says that they are in pieces."""
    epsilons = {round(0.001 * place, 3): [1, 0] for place in range(1, 121)}
    folders = [planted.network(0), planted.network(0, "cka", BLOCKS[:1])]
    attacks = [planted.attack(folder, epsilons) for folder in folders]
    batches = range(1, 60)
    latencies = [planted.latency(folders[1], 1.2, 0.9, batches=batches)]
    ledgers = [planted.ledger(folders[1])]
    summary = summarise(folders, attacks, latencies=latencies, ledgers=ledgers)
    assert len(summary.columns) > 200
    assert len(Page(summary_page(summary)).rows) == 3
    assert len(cost_claims(summary).columns) > 60 and len(Page(cost_page(summary)).rows) == 2

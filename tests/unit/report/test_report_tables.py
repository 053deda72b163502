import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from planted_results import BLOCKS, COUNTED, Planted

from layer_pruning.report.html_page import write_html
from layer_pruning.report.html_table import table, table_page
from layer_pruning.report.over_seeds import common_removals
from layer_pruning.report.overview import overview
from layer_pruning.report.robustness import pooled_robustness
from layer_pruning.report.summary import summarise
from layer_pruning.report.summary_page import summary_page


class Page(HTMLParser):
    """The text of a page, the rows of its tables, and what it would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.keys: list[list[str | None]] = []
        self.loaded: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.text = re.sub(r"\s+", " ", "".join(self.words))

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.loaded += [named[key] for key in ("src", "href") if named.get(key)]
        if tag in ("link", "iframe", "img"):
            self.loaded.append(tag)
        if tag == "tr":
            self.rows.append([])
            self.keys.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.keys[-1].append(named.get("data-v"))
        self.cell = tag in ("td", "th") or (tag == "button" and self.rows != [])

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.cell = False

    def handle_data(self, data):
        self.words.append(data)
        if getattr(self, "cell", False):
            self.rows[-1][-1] += data


def results(planted: Planted, tests: dict[str, list[float]], **more) -> pd.DataFrame:
    return summarise(
        [
            planted.network(seed, name, BLOCKS[:1] if name != "baseline" else (), test=test)
            for name, values in tests.items()
            for seed, test in enumerate(values)
        ],
        **more,
    )


TIED = {"baseline": [0.8, 0.8], "cka": [0.79, 0.80], "random": [0.80, 0.79]}
WON = {"baseline": [0.80, 0.81, 0.82], "cka": [0.78, 0.791, 0.802], "random": [0.7, 0.709, 0.721]}


def test_a_table_shows_and_sorts_by_its_numbers():
    frame = pd.DataFrame(
        {
            "criterion": ["cka", "<b>"],
            "macs": [1234567, 12],
            "accuracy_test": [0.91234, float("nan")],
            "difference_mean": [-0.0123, 0.004],
            "finetuning_energy_kwh": [0.012346, float("nan")],
            "p_holm": [1e-9, 0.5],
        }
    )
    page = Page(table(frame))
    assert page.rows[1] == [
        *("cka", "1\u202f234\u202f567", "91.23 %", "−1.23", "0.01235", "< 0.0001"),
    ]
    assert page.rows[2] == ["<b>", "12", "", "+0.40", "not measured", "0.5"]
    assert page.keys[1] == [None, "1234567", "0.91234", "-0.0123", "0.012346", "1e-09"]
    assert page.keys[2][2] == page.keys[2][4] == ""


@pytest.mark.parametrize("make", ["overview", "summary_page", "table_page"])
def test_pages_load_nothing_from_elsewhere(planted, make):
    summary = results(planted, WON)
    html = {
        "overview": lambda: overview(summary),
        "summary_page": lambda: summary_page(summary),
        "table_page": lambda: table_page(summary, "x", "note"),
    }[make]()
    assert Page(html).loaded == []
    assert not re.search(r"https?:|@import|url\(", html)


def test_a_winner_is_named_with_its_change_and_interval(planted):
    page = Page(overview(results(planted, WON)))
    assert "Highest mean after pruning: cka, 79.10 %, −1.90 points" in page.text
    assert "(significantly lower)" in page.text
    assert "beats every other criterion (1), significantly over 3 seeds" in page.text
    assert "tie:" not in page.text
    row = next(row for row in page.rows if row and row[0] == "random")
    assert row[3].startswith("71.00 % ± 1.05")
    assert row[4].startswith("−10.00 [")
    assert row[5] == "lower"


def test_a_tie_is_said_as_a_tie(planted):
    text = Page(overview(results(planted, TIED))).text
    assert "It is a tie: over 2 seeds, it does not differ significantly" in text
    assert "beats" not in text


def test_one_seed_claims_nothing(planted):
    text = Page(overview(results(planted, {k: v[:1] for k, v in WON.items()}))).text
    assert "With one seed nothing can be said" in text
    assert "one seed: no interval" in text
    assert "beats" not in text


def test_energy_is_called_an_estimate_where_it_is_one(planted):
    summary = results(planted, WON)
    assert (
        "0.5 kWh (1 times as much; 0.1 kg CO2e in all), an estimate" in Page(overview(summary)).text
    )
    for seed in range(3):
        planted.network(seed, method=COUNTED)
        for name in ("cka", "random"):
            planted.network(seed, name, BLOCKS[:1], kwh=0.25, method=COUNTED)
    folders = [planted.folder(s, n, n != "baseline") for n in WON for s in range(3)]
    energies = [planted.energy(planted.folder(s, "cka", 1), 1.5) for s in range(3)]
    text = Page(overview(summarise(folders, energies=energies))).text
    assert "another 0.25 kWh (0.5 times as much" in text
    assert "measured by hardware counters" in text
    assert "estimate" not in text
    assert "Inference energy an image: −25.0 % against the baseline" in text
    assert "not measured for random" in text


def test_unmeasured_energy_is_said_with_its_reason_and_is_no_zero(planted):
    planted.network(0)
    folders = [planted.folder(0), planted.network(0, "cka", BLOCKS[:1], kwh=None)]
    page = Page(overview(summarise(folders)))
    assert "Training and fine-tuning: not measured throughout" in page.text
    assert "Inference: not measured" in page.text
    assert "no counter in the cellar" in page.text
    row = next(row for row in page.rows if row and row[0] == "cka")
    assert row[-4:] == ["not measured"] * 4


def test_robustness_says_how_much_and_whether_it_is_chance(planted):
    summary = results(planted, {"baseline": [0.8], "cka": [0.8], "random": [0.8]})
    before = [1] * 40 + [0] * 60
    paths = [
        planted.attack(planted.folder(0), {0.1: before}),
        planted.attack(planted.folder(0, "cka", 1), {0.1: [1] * 60 + [0] * 40}),
        planted.attack(planted.folder(0, "random", 1), {0.1: [0, *before[1:]]}),
    ]
    page = Page(overview(summary, pooled_robustness(paths)))
    assert "1 significantly more robust, 0 less, 1 without a significant difference" in page.text
    assert "Largest significant change: +20.00 points" in page.text
    assert "cka under fgsm linf at epsilon 0.1 (without attack: 0.00)" in page.text
    row = next(row for row in page.rows if row and row[0] == "random")
    assert "−1.00, p 1" in row
    assert "No network was attacked" in Page(overview(summary)).text


def test_the_longer_training_of_pruned_networks_is_said(planted):
    summary = results(planted, WON)
    assert "Pruned networks were trained for longer" in Page(overview(summary)).text
    histories = [planted.history(planted.folder(seed), 30) for seed in range(3)]
    histories += [
        planted.history(planted.folder(seed, name, 1), 4)
        for seed in range(3)
        for name in ("cka", "random")
    ]
    text = Page(overview(results(planted, WON, histories=histories))).text
    assert "30 epochs for the baseline, 4 more for 1 removal." in text


def test_criteria_are_compared_where_all_of_them_arrived(planted):
    folders = [planted.network(0), planted.network(0, "random", BLOCKS[:1])]
    folders += [planted.network(0, "cka", BLOCKS[:k]) for k in (1, 2, 3)]
    summary = summarise(folders)
    assert common_removals(summary) == 1
    assert "Some went further (cka to 3)" in Page(overview(summary)).text


def test_every_family_and_the_sources_are_on_the_page(planted, tmp_path):
    other = Planted(tmp_path / "more", BLOCKS, dataset="cifar10", architecture="resnet14")
    both = pd.concat([results(planted, WON), results(other, TIED)], ignore_index=True)
    page = Page(overview(both, sources=["config: config.yaml"]))
    assert "toy, resnet8" in page.text
    assert "cifar10, resnet14" in page.text
    assert "From toy/resnet8/seed-{0,1,2}/{network}: accuracy: accuracy.json" in page.text
    assert "config: config.yaml" in page.text


def test_pages_are_written_whole(planted, tmp_path):
    html = summary_page(results(planted, WON))
    write_html(html, tmp_path / "new" / "page.html")
    assert (tmp_path / "new" / "page.html").read_text(encoding="utf-8") == html
    assert html.endswith("</html>\n")

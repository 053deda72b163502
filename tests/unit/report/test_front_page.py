"""The page that opens on its answers, and what a browser shows of it."""

import html
import json
import math
import re
import shutil
import subprocess

import pytest
from html_reader import Page
from planted_results import Planted

from layer_pruning.report.assembly import pair_sections
from layer_pruning.report.charts import accuracy_chart, robustness_chart
from layer_pruning.report.figures.accuracy import accuracy_figure
from layer_pruning.report.figures.style import save
from layer_pruning.report.front_page import answer_lines, caption_html, front_page, number_text
from layer_pruning.report.network_page import network_page
from layer_pruning.report.overview import pairs, tables_of, write_answers
from layer_pruning.report.robustness import robust_accuracy
from layer_pruning.report.summary import summarise
from layer_pruning.report.table_pages import summary_page

FIRST_SCREEN = ("done", "accuracy", "speed", "energy", "robustness", "cost")
CAPTION = "What it shows. *Curves* are ``means``.\n\nAnd </script> more."


def report_of(folder, steps=2, criteria=("cka", "random"), seeds=(0, 1, 2)):
    """The HTML of a report of planted results, and the folder of one of their networks."""
    planted = Planted(folder, [f"stage1.block{n}" for n in range(1, steps + 3)])
    folders, attacks = [], []
    for seed in seeds:
        folders.append(planted.network(seed, test=0.9))
        attacks.append(planted.attack(folders[-1], {0.1: [1, 1, 0, 0] * 5, 0.2: [1, 0, 0, 0] * 5}))
        for place, criterion in enumerate(criteria):
            for step in range(1, steps + 1):
                accuracy = 0.9 - 0.001 * (1 + place) * step + 0.0005 * seed
                gone = planted.blocks[:step]
                folders.append(planted.network(seed, criterion, gone, test=accuracy))
            outcomes = {0.1: [1, 0, 0, 0] * 5, 0.2: [0, 0, 0, 0] * 5}
            attacks.append(planted.attack(folders[-1], outcomes))
    summary = summarise(folders, attacks)
    write_answers(pairs(summary, tables_of(summary, attacks)), folder / "answers.json")
    answers = json.loads((folder / "answers.json").read_text())
    drawn = folder / "figures" / planted.dataset / planted.architecture / "accuracy.svg"
    drawn.parent.mkdir(parents=True)
    save(accuracy_figure(summary), drawn)
    (folder / "accuracy.rst").write_text(CAPTION)
    pages = [folder / "network.html" for folder in folders]
    captions = {"accuracy": folder / "accuracy.rst"}
    parts = pair_sections(answers, summary, [drawn], attacks, pages, captions)
    tables = {"All networks": summary_page(summary)}
    return front_page(parts, tables), answers, folders, attacks


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


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
MEASURE = """<script>window.addEventListener("load",function(){setTimeout(function(){
var found={};document.querySelectorAll("[data-answer]").forEach(function(line){
var box=line.getBoundingClientRect();
found[line.dataset.answer]=[box.left,box.top,box.right,box.bottom]});
found.picture=document.querySelector("figure").getBoundingClientRect().top;
found.width=document.documentElement.scrollWidth;
var out=document.createElement("pre");out.id="measured";out.textContent=JSON.stringify(found);
document.body.appendChild(out)},500)})</script>"""


def measured(path, width, height):
    """Where a browser puts the answers, in pixels, and how wide the page is."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--window-size={width},{height}", "--virtual-time-budget=4000", "--dump-dom"]
    done = subprocess.run([*command, path.as_uri()], capture_output=True, text=True, timeout=300)
    return json.loads(re.search(r'<pre id="measured">(.*?)</pre>', done.stdout)[1])


@pytest.mark.long
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
@pytest.mark.parametrize("steps", [2, 20])
def test_a_browser_shows_the_answers_on_its_first_screen(tmp_path, steps):
    criteria = ("cka", "consensus", "random") if steps > 2 else ("cka", "random")
    text, *_ = report_of(tmp_path, steps, criteria)
    path = tmp_path / "report.html"
    path.write_text(text.replace("</body>", f"{MEASURE}</body>"))
    found = measured(path, 1440, 900)
    for name in FIRST_SCREEN:
        left, top, right, bottom = found[name]
        assert 0 <= left < right <= 1440 and 0 <= top < bottom <= 900, name
    assert found["picture"] < 400
    phone = measured(path, 500, 900)
    assert phone["width"] <= 500, "nothing is wider than a phone"
    assert phone["accuracy"][3] <= 900

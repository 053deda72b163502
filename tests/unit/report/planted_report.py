"""A report of planted results."""

import json

from planted_results import Planted

from layer_pruning.report.figures.accuracy import accuracy_figure
from layer_pruning.report.figures.style import save
from layer_pruning.report.pages.assembly import pair_sections
from layer_pruning.report.pages.front_page import front_page
from layer_pruning.report.pages.overview import pairs, tables_of, write_answers
from layer_pruning.report.pages.table_pages import summary_page
from layer_pruning.report.summary import summarise

FIRST_SCREEN = ("done", "accuracy", "speed", "energy", "robustness", "cost")
"""The answers, in their order."""
CAPTION = "What it shows. *Curves* are ``means``.\n\nAnd </script> more."


def report_of(folder, steps=2, criteria=("cka", "random"), seeds=(0, 1, 2), library=""):
    """The HTML of a report of planted results, its answers, and the networks and attacks of it."""
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
    return front_page(parts, tables, library=library), answers, folders, attacks

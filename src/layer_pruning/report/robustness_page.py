"""The page of the report with all tables on robustness."""

from collections.abc import Sequence
from pathlib import Path

from layer_pruning.report.areas import compared_areas
from layer_pruning.report.attack_checks import attack_warnings
from layer_pruning.report.html_page import page
from layer_pruning.report.html_table import table
from layer_pruning.report.robustness import compared_robustness
from layer_pruning.report.shift import compared_shift
from layer_pruning.report.sources import titles_of_one

ATTACKS = "attacks/{attack}.json"
TITLE = "Robustness: each network and its baseline on the same images"


def robustness_page(attacks: Sequence[str | Path], corruptions: Sequence[str | Path]) -> str:
    """A whole HTML page.

    A row a network, each beside its baseline: ``attacks`` are files ``{network}/attacks/*.json``,
    ``corruptions`` files ``{network}/corruptions.json``. A table without rows is a sentence.
    """
    parts = [f"<h1>{TITLE}</h1>"]
    for heading, about, frame, file, empty in (
        (
            "Under attack",
            "",
            compared_robustness(attacks, pooled=False),
            ATTACKS,
            "No network was attacked.",
        ),
        (
            "Area under the robustness curve",
            "From the accuracy without an attack to the largest epsilon, divided by it; only areas "
            "over the same epsilons are comparable.",
            compared_areas(attacks, pooled=False),
            ATTACKS,
            "No network was attacked.",
        ),
        (
            "Corrupted and newly collected images",
            "Plain mean over corruptions and severities. The mean corruption error is relative to "
            "the baseline of the same seed, which has 100 %. Corruptions that are built in are not "
            "comparable with the official CIFAR-10-C and ImageNet-C.",
            compared_shift(corruptions, pooled=False),
            "corruptions.json",
            "No network was tested on other images.",
        ),
        (
            "Warnings of the attacks",
            "What speaks against trusting a robust accuracy.",
            attack_warnings(attacks),
            ATTACKS,
            "There are none.",
        ),
    ):
        parts.append(f"<h2>{heading}</h2>")
        if frame.empty:
            parts.append(f"<p>{empty}</p>")
            continue
        parts.append(f"<p>{about}</p>" if about else "")
        parts.append(table(frame, titles=titles_of_one(frame, file)))
    return page(TITLE, "\n".join(parts))

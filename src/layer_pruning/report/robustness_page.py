"""The page of the report with all tables on robustness."""

import pandas as pd

from layer_pruning.report.html_page import page
from layer_pruning.report.html_table import table
from layer_pruning.report.sources import titles_of_one

ATTACKS = "attacks/{attack}.json"
TITLE = "Robustness: each network and its baseline on the same images"


def robustness_page(
    paired: pd.DataFrame, areas: pd.DataFrame, shift: pd.DataFrame, warnings: pd.DataFrame
) -> str:
    """A whole HTML page.

    ``paired``, ``areas``, ``shift`` and ``warnings`` as made by ``paired_robustness``,
    ``robust_areas``, ``paired_shift`` and ``attack_warnings``. A table without rows is a sentence.
    """
    parts = [f"<h1>{TITLE}</h1>"]
    for heading, about, frame, file, empty in (
        ("Under attack", "", paired, ATTACKS, "No network was attacked."),
        (
            "Area under the robustness curve",
            "From the accuracy without an attack to the largest epsilon, divided by it; only areas "
            "over the same epsilons are comparable.",
            areas,
            ATTACKS,
            "No network was attacked.",
        ),
        (
            "Corrupted and newly collected images",
            "Plain mean over corruptions and severities. The mean corruption error is relative to "
            "the baseline of the same seed, which has 100 %. Corruptions that are built in are not "
            "comparable with the official CIFAR-10-C and ImageNet-C.",
            shift,
            "corruptions.json",
            "No network was tested on other images.",
        ),
        (
            "Warnings of the attacks",
            "What speaks against trusting a robust accuracy.",
            warnings,
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

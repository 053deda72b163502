"""What the report shows: how each is called, where it stands, and which answers it proves.

No matplotlib: the rules and the pages read this. :mod:`.figures.all` draws the figures.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A figure, or a page of tables."""

    heading: str
    category: str
    """Where Snakemake's own report has it, and what it calls it there."""
    label: str
    proves: tuple[str, ...] = ()
    """The answers that stand beside it, by name."""
    together: bool = True
    """Whether one job draws it with the others of its data set and architecture."""
    kind: str = "figure"
    """What Snakemake's own report calls its label."""
    caption: str = ""
    """The file in ``workflow/report`` that explains it, where that has not its name."""


OVERVIEW, ACCURACY, BLOCKS, AGREEMENT = (
    "0 Overview",
    "1 Accuracy",
    "2 Removed blocks",
    "3 Agreement of the metrics",
)
ROBUSTNESS, COST = "4 Robustness", "5 Cost"

FIGURES = {
    "accuracy": Entry(
        "Accuracy against what is saved",
        ACCURACY,
        "accuracy against MACs",
        ("accuracy", "best", "weights"),
        together=False,
    ),
    "pareto": Entry("What accuracy costs", ACCURACY, "what accuracy costs", ("speed", "energy")),
    "robustness": Entry(
        "Accuracy under attack", ROBUSTNESS, "robust accuracy against epsilon", ("robustness",)
    ),
    "corruptions": Entry("Other images", ROBUSTNESS, "accuracy on corrupted images", ("shift",)),
    "shortcut": Entry(
        "Shortcut learning", ROBUSTNESS, "shortcut learning", ("shortcut",), together=False
    ),
    "latency": Entry("Time against multiply-accumulates", COST, "time against MACs"),
    "ledger": Entry(
        "What it cost, and when that is earned", COST, "energy ledger and break-even", ("cost",)
    ),
    "removals": Entry("Which block went when", BLOCKS, "which block went when"),
    "agreement": Entry("Do the metrics agree?", AGREEMENT, "agreement"),
    "calibration": Entry("Do probabilities mean what they say?", ACCURACY, "calibration"),
    "ranks": Entry("Ranks of all blocks", AGREEMENT, "ranks", together=False),
}
"""In the order of the page: most asked for first."""

TABLES = {
    "overview": Entry("Criteria side by side", OVERVIEW, "what came out", kind="table"),
    "robustness": Entry(
        "Robustness, every comparison",
        ROBUSTNESS,
        "paired differences to the baseline",
        caption="robustness_tables",
    ),
    "cost": Entry("Time and energy", COST, "cheaper in time and energy?"),
    "summary": Entry("All networks", OVERVIEW, "all networks", kind="table"),
    "provenance": Entry("How it was made", OVERVIEW, "how it was made", kind="table"),
}
"""Pages about the whole run, in the order of the report."""
OF_A_PAIR = {
    "shortcut": Entry("Shortcut learning", ROBUSTNESS, "shortcut learning, table"),
}
"""Pages of tables about one data set and architecture."""

"""The pages of the report that are tables: of networks, costs, robustness and shortcut learning."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from layer_pruning.report.findings.areas import compared_areas
from layer_pruning.report.findings.attack_checks import attack_warnings
from layer_pruning.report.findings.cost import cost_claims
from layer_pruning.report.findings.robustness import compared_robustness
from layer_pruning.report.findings.shift import compared_shift
from layer_pruning.report.findings.shortcut import compared_shortcuts, outcomes
from layer_pruning.report.html_page import rendered
from layer_pruning.report.html_table import table
from layer_pruning.report.pages.sources import columns_by_file, titles, titles_of_one, with_folders
from layer_pruning.report.records import Place

ATTACKS = "attacks/{attack}.json"


def summary_page(summary: pd.DataFrame) -> str:
    """A page with one row a network, without the long list of the blocks that it kept."""
    return _of_networks("summary.html", "All networks", summary.drop(columns="blocks"))


def cost_page(summary: pd.DataFrame) -> str:
    """A page with one row for every network whose latency and energy were measured."""
    claims = cost_claims(summary)
    if claims.empty:
        return rendered("cost_unknown.html", title="Cost")
    return _of_networks("cost.html", "Cost of inference: pruned network and baseline", claims)


def robustness_page(
    attacks: Sequence[str | Path],
    corruptions: Sequence[str | Path],
    on_the_way: Collection[Place] = (),
) -> str:
    """A page with a row a network, each beside its baseline; a table without rows is a sentence.

    ``attacks`` are files ``{network}/attacks/*.json``, ``corruptions`` files
    ``{network}/corruptions.json``, and ``on_the_way`` as of ``paired.compared``.
    """
    how = {"pooled": False, "on_the_way": on_the_way}
    return rendered(
        "robustness.html",
        title="Robustness: each network and its baseline on the same images",
        attacked=_of_one(compared_robustness(attacks, **how), ATTACKS),
        areas=_of_one(compared_areas(attacks, **how), ATTACKS),
        shifted=_of_one(compared_shift(corruptions, **how), "corruptions.json"),
        warnings=_of_one(attack_warnings(attacks), ATTACKS),
    )


def shortcut_page(paths: Sequence[str | Path], **places: Collection[Place]) -> str:
    """A page about one data set and architecture: comparisons with the baseline, all networks.

    ``paths`` are files ``{network}/shortcut.json``, and ``places`` those ``on_the_way`` and
    ``varying`` of ``paired.compared``.
    """
    frame = outcomes(paths)
    tables = {
        "pooled": compared_shortcuts(paths, **places),
        "by_seed": compared_shortcuts(paths, pooled=False, **places),
        "networks": frame.drop(columns=["dataset", "architecture"]),
    }
    return rendered(
        "shortcut.html",
        title=f"{frame.iloc[0]['dataset']}, {frame.iloc[0]['architecture']}: shortcut learning",
        **{
            name: _of_one(rows.dropna(axis=1, how="all"), "shortcut.json")
            for name, rows in tables.items()
        },
    )


def _of_networks(template: str, title: str, rows: pd.DataFrame) -> str:
    """A page of one table with a row a network."""
    rows = with_folders(rows)
    made = table(rows, titles=titles(rows))
    return rendered(template, title=title, table=made, files=columns_by_file(rows))


def _of_one(rows: pd.DataFrame, file: str) -> Markup:
    """A table whose numbers are all from files of one name; empty without rows."""
    return table(rows, titles=titles_of_one(rows, file)) if len(rows) else Markup()

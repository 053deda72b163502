"""All figures about the networks of one data set and architecture, from the files they rest on."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from layer_pruning.report.figures.agreement import agreement_figure
from layer_pruning.report.figures.calibration import calibration_figure
from layer_pruning.report.figures.corruptions import corruptions_figure
from layer_pruning.report.figures.latency import latency_figure
from layer_pruning.report.figures.ledger import ledger_figure
from layer_pruning.report.figures.pareto import pareto_figure
from layer_pruning.report.figures.removals import removals_figure
from layer_pruning.report.figures.robustness import robustness_figure
from layer_pruning.report.findings.calibration import reliability
from layer_pruning.report.findings.cost import latency_table, ledger_table
from layer_pruning.report.findings.robustness import robust_accuracy
from layer_pruning.report.findings.shift import corruption_accuracies
from layer_pruning.report.network_tables import read_csv
from layer_pruning.report.published import published_points
from layer_pruning.report.records import read_json, read_rankings

Paths = Iterable[str | Path]


def figures_of(
    dataset: str,
    architecture: str,
    *,
    summary: str | Path,
    attacks: Paths,
    corruptions: Paths,
    calibrations: Paths,
    rankings: Paths,
    starts: Paths,
    latencies: Paths,
    ledgers: Paths,
    published: str | Path,
    setting: Mapping[str, Any],
) -> dict[str, Figure]:
    """The figures by name, all but that of the accuracy.

    ``summary`` is ``summary.csv``; the others are the JSON files of this data set and architecture
    whose names they bear: ``attacks/{attack}.json``, ``corruptions.json`` and so on. Each may be
    empty, and its figure then says what was not done. ``published`` is a table as
    :func:`layer_pruning.report.published.published_points` reads it, and ``setting`` says which of
    its points belong here (``dataset`` and ``network``), and whether they are about the
    ``same_images``.
    """
    table = read_csv(summary)
    table = table[(table["dataset"] == dataset) & (table["architecture"] == architecture)]
    points = published_points(published, setting["dataset"], setting["network"])
    timed = latency_table(latencies)
    return {
        "pareto": pareto_figure(table, timed, points, setting["same_images"]),
        "removals": removals_figure(table),
        "agreement": agreement_figure(read_rankings(rankings), list(map(read_json, starts))),
        "robustness": robustness_figure(robust_accuracy(attacks)),
        "corruptions": corruptions_figure(corruption_accuracies(corruptions)),
        "calibration": calibration_figure(reliability(calibrations)),
        "ledger": ledger_figure(ledger_table(ledgers)),
        "latency": latency_figure(timed),
    }

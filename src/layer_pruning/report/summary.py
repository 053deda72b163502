"""One row a network: what the files of the other stages say, in one table."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from layer_pruning.report.columns import TEXT
from layer_pruning.report.columns import in_order as ordered_columns
from layer_pruning.report.findings.areas import area_columns
from layer_pruning.report.findings.calibration import calibration_columns
from layer_pruning.report.findings.cost import latency_values, ledger_values
from layer_pruning.report.findings.shift import shift_columns
from layer_pruning.report.findings.shortcut import shortcut_columns
from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import BASELINE, Network, records_of
from layer_pruning.report.selection import selected
from layer_pruning.report.summary_rows import (
    add_columns,
    add_inference,
    add_predictions,
    add_robust_accuracies,
    epochs_of,
    making,
    what_it_is,
)


def summarise(
    network_folders: Iterable[str | Path],
    attacks: Iterable[str | Path] = (),
    energies: Iterable[str | Path] = (),
    histories: Iterable[str | Path] = (),
    *,
    latencies: Iterable[str | Path] = (),
    ledgers: Iterable[str | Path] = (),
    block_latencies: Iterable[str | Path] = (),
    corruptions: Iterable[str | Path] = (),
    calibrations: Iterable[str | Path] = (),
    shortcuts: Iterable[str | Path] = (),
    carbon_intensity_g_per_kwh: float | None = None,
    origins: Mapping[str, tuple[str, str]] | None = None,
    blocks_per_step: int = 1,
    searched: Collection[str] = (),
    target: Mapping[str, float] | None = None,
    counting: Iterable[str | Path] | None = None,
) -> pd.DataFrame:
    """One row a network, sorted.

    The columns are those of :data:`layer_pruning.report.columns.SUMMARY`.

    ``network_folders`` hold accuracy.json, complexity.json and emissions.json; their baselines and
    the networks on the way to them hold complexity.json and emissions.json. ``attacks``
    (``attacks/{attack}.json``), ``energies`` (``energy.json``), ``histories``
    (``history.csv``), ``latencies`` (``latency.json``), ``ledgers`` (``ledger.json``),
    ``corruptions`` (``corruptions.json``), ``calibrations`` (``calibration.json``), ``shortcuts``
    (``shortcut.json``) and ``block_latencies`` (``savings/latency.json`` of baselines) are files of
    these folders. Nothing
    else is read: what an earlier run left behind cannot enter. A network listed twice counts once.

    Accuracies are fractions. What was not measured is NaN and ``notes`` says why. Training columns
    are those of the baseline, and fine-tuning columns sums over all fine-tunings on the way,
    ``blocks_per_step`` removals apart, 0 for the baseline; on the way to what the criteria
    ``searched`` found there is none but the last. A criterion in ``origins`` stands beside
    another, and says how its networks were made: ``final`` (a last phase of fine-tuning after those
    on the other's path), ``scratch`` (from new weights in the shape that the other left: its
    training columns are its own, and it was never fine-tuned) or ``continued`` (the baseline
    trained for longer, which is its fine-tuning).

    ``target`` is what networks should reach, and ``selected`` says which were chosen by it, see
    :func:`layer_pruning.report.selection.selected`.

    ``counting`` are the folders of the networks that count, all of them by default.

    Emissions are energy times ``carbon_intensity_g_per_kwh``, whatever it was when a job ran, so
    that all of them are at one intensity; without it, they are those recorded.

    Raises ValueError for a file of an unlisted network or a record that contradicts its path.
    """
    networks = {folder: Network.of(folder) for folder in dict.fromkeys(map(Path, network_folders))}
    epochs = {path.parent: epochs_of(path) for path in map(Path, histories)}
    intensity = carbon_intensity_g_per_kwh
    on_path = {network.criterion: ("pruned", network.criterion) for network in networks.values()}
    ways = on_path | {BASELINE: (BASELINE, BASELINE)} | dict(origins or {})
    counts = None if counting is None else set(map(Path, counting))
    rows = {}
    for folder, network in networks.items():
        way = ways[network.criterion]
        # what a search found was made from the baseline, by one fine-tuning
        step = max(network.removed, 1) if way[1] in searched else blocks_per_step
        rows[folder] = what_it_is(network) | making(network, epochs, intensity, way, step)
        rows[folder]["counts"] = counts is None or folder in counts
    robust = add_robust_accuracies(rows, attacks)
    add_inference(rows, energies)
    for columns in (
        area_columns(attacks),
        shift_columns(corruptions),
        calibration_columns(calibrations),
        shortcut_columns(shortcuts),
        {one.folder: latency_values(record, path) for one, record, path in records_of(latencies)},
        {one.folder: ledger_values(record, path) for one, record, path in records_of(ledgers)},
    ):
        add_columns(rows, columns)
    add_predictions(rows, block_latencies)
    frame = _frame(rows.values(), [*robust, *(name for row in rows.values() for name in row)])
    return in_order(frame.assign(selected=selected(frame, target or {})))


def _frame(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> pd.DataFrame:
    """The rows as a table, with numbers as numbers; text that is not there is empty."""
    found = pd.DataFrame(list(rows), columns=ordered_columns(names))
    columns = {name: found[name] for name in map(str, found)}
    columns["notes"] = found["notes"].map("; ".join)
    for name, values in columns.items():
        columns[name] = (
            values.astype(object).where(values.notna(), "")
            if name in TEXT
            else pd.to_numeric(values)
        )
    # of all columns at once: set one by one they would lie in as many pieces of memory
    return pd.DataFrame(columns)

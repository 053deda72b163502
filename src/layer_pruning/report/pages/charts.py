"""Charts to look into, as Vega-Lite specifications: plain data, drawn by the reader's browser."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from layer_pruning.report.figures.style import criterion_styles
from layer_pruning.report.records import BASELINE

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
"""A name, which nothing fetches."""
SAVED = {
    "macs_reduction_percent": "Multiply-accumulates saved (%)",
    "parameters_reduction_percent": "Parameters saved (%)",
    "energy_reduction_percent": "Energy per image saved (%)",
}


def accuracy_chart(summary: pd.DataFrame, across: str = "macs_reduction_percent") -> Spec:
    """Test accuracy of every network of one data set and architecture against what it saves.

    ``summary`` as made by :func:`layer_pruning.report.summary.summarise`, ``across`` one of SAVED.
    """
    kept = summary[[across, "accuracy_test"]].notna().all(axis=1)
    rows = [
        {
            "criterion": str(row["criterion"]),
            "seed": int(row["seed"]),
            "removed": 0 if row["made_by"] == "continued" else int(row["removed"]),
            "saved": _rounded(row[across]),
            "accuracy": _rounded(100 * row["accuracy_test"]),
            "low": _rounded(100 * row["accuracy_test_interval_low"]),
            "high": _rounded(100 * row["accuracy_test_interval_high"]),
        }
        for _, row in summary[kept].iterrows()
    ]
    return _scatter(
        _with_start(rows),
        x=("saved", SAVED[across]),
        y=("accuracy", "Test accuracy (%)"),
        removed=True,
    )


def robustness_chart(robust: pd.DataFrame) -> Spec:
    """Accuracy under attack against epsilon, of one data set and architecture.

    ``robust`` as made by ``robustness.robust_accuracy``; a panel an
    attack.
    """
    rows = [
        {
            "criterion": str(row["criterion"]),
            "seed": int(row["seed"]),
            "removed": int(row["removed"]),
            "test": f"{row['attack']} {row['norm']}",
            "epsilon": _rounded(row["epsilon"]),
            "accuracy": _rounded(100 * row["robust_accuracy"]),
            "low": _rounded(100 * row["interval_low"]),
            "high": _rounded(100 * row["interval_high"]),
        }
        for _, row in robust.iterrows()
    ]
    return _scatter(
        rows,
        x=("epsilon", "Epsilon"),
        y=("accuracy", "Robust accuracy (%)"),
        panels="test",
    )


def _with_start(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """With the baseline of each seed as the start of every curve."""
    curves = sorted({row["criterion"] for row in rows} - {BASELINE})
    start = [dict(row) for row in rows if row["criterion"] == BASELINE]
    return [
        *map(dict, rows),
        *(row | {"criterion": curve} for curve in curves for row in start),
    ]


def _dash(line: Any) -> list[float]:
    """A line style of Matplotlib as lengths of dashes and gaps, in pixels of the page."""
    return [1, 0] if line == "-" else [2 * length for length in line[1]]


def _scatter(
    rows: Sequence[Mapping[str, Any]],
    *,
    x: tuple[str, str],
    y: tuple[str, str],
    panels: str = "",
    removed: bool = False,
) -> Spec:
    """Points of single networks with their intervals, and a curve a criterion through the means.

    A click on an entry of a legend switches criteria and seeds off and on; shift adds one.
    """
    names = sorted({str(row["criterion"]) for row in rows} - {BASELINE})
    styles = criterion_styles(names)
    colours = ["#767676"] + [styles[name]["color"] for name in names]
    colour = {
        "field": "criterion",
        "type": "nominal",
        "scale": {"domain": [BASELINE, *names], "range": colours},
        "title": "Criterion",
    }
    # colours come again from the seventh criterion on, with other lines, as in print
    dashes = [[1, 0]] + [_dash(styles[name]["linestyle"]) for name in names]
    dash = colour | {"scale": {"domain": [BASELINE, *names], "range": dashes}}
    shown = {"and": [{"param": "criteria", "empty": True}, {"param": "seeds", "empty": True}]}
    place = {"field": x[0], "type": "quantitative", "title": x[1], "axis": {"tickCount": 6}}
    height = {"field": y[0], "type": "quantitative", "title": y[1], "scale": {"zero": False}}
    tip = [
        {"field": "criterion", "title": "network"},
        {"field": "removed", "title": "blocks removed"},
        {"field": "seed"},
        {"field": x[0], "title": x[1]},
        {"field": y[0], "title": y[1], "format": ".2f"},
        {"field": "low", "title": "95 % from", "format": ".2f"},
        {"field": "high", "title": "to", "format": ".2f"},
    ]
    fade = {"condition": {"test": shown, "value": 0.9}, "value": 0.04}
    layers: list[Spec] = [
        {
            # the first layer's colour makes the legend, which only a switch in it listens to
            "params": [_switch("criteria", "criterion")],
            "mark": {"type": "line", "strokeWidth": 2},
            "transform": [{"filter": {"param": "seeds", "empty": True}}],
            "encoding": {
                "x": place,
                "y": height | {"aggregate": "mean"},
                "color": colour,
                "strokeDash": dash,
                "opacity": {"condition": {"param": "criteria", "value": 1}, "value": 0.05},
            },
        },
        {
            "mark": {"type": "rule"},
            "encoding": {
                "x": place,
                "y": {"field": "low", "type": "quantitative", "title": y[1]},
                "y2": {"field": "high"},
                "color": colour,
                "opacity": {"condition": {"test": shown, "value": 0.25}, "value": 0.02},
            },
        },
        {
            "params": [_switch("seeds", "seed")],
            "mark": {"type": "point", "filled": True, "size": 55},
            "encoding": {
                "x": place,
                "y": height,
                "color": colour,
                "shape": {"field": "seed", "type": "nominal", "title": "Seed"},
                "opacity": fade,
                "tooltip": tip,
            },
        },
    ]
    if removed:
        # a network's place differs by seed, and the curve goes through the means of both
        layers[0]["transform"] += [
            {
                "aggregate": [
                    {"op": "mean", "field": x[0], "as": x[0]},
                    {"op": "mean", "field": y[0], "as": y[0]},
                ],
                "groupby": ["criterion", "removed"],
            }
        ]
        layers[0]["encoding"]["y"] = height
        layers[0]["encoding"]["order"] = {"field": "removed", "type": "quantitative"}
    spec: Spec = {"$schema": SCHEMA, "data": {"values": list(rows)}}
    if panels:
        unit: Spec = {"width": 300, "height": 230, "layer": layers}
        return spec | {"facet": {"field": panels, "title": None}, "columns": 2, "spec": unit}
    fit = {"type": "fit-x", "contains": "padding"}
    return spec | {"width": "container", "height": 330, "autosize": fit, "layer": layers}


def _switch(name: str, field: str) -> Spec:
    return {"name": name, "select": {"type": "point", "fields": [field]}, "bind": "legend"}


def _rounded(value: Any) -> float | None:
    return None if pd.isna(value) else float(f"{float(value):.6g}")

"""The page of the report on what inference costs."""

import pandas as pd

from layer_pruning.report.cost import cost_claims
from layer_pruning.report.html_page import page
from layer_pruning.report.html_table import table_page
from layer_pruning.report.records import NOT_MEASURED
from layer_pruning.report.sources import with_folders


def cost_page(summary: pd.DataFrame) -> str:
    """A page with one row for every network whose latency and energy were measured."""
    note = (
        "Is it cheaper, by how much in time and in energy, and not only in multiply-accumulates? "
        "Ratios are of the first mode and the largest batch size; speed up over macs is the "
        "speed-up divided by the ratio of multiply-accumulates, 1 where time falls as they do. "
        "A network is called faster, or less in energy, where the 95 % interval says so. "
        "Break-even is the number of images after which the saving has earned scoring and "
        "fine-tuning. "
        "Carbon is saved in the same proportion as energy, as all of it is at one intensity."
    )
    claims = cost_claims(summary)
    if claims.empty:
        return page("Cost", f"<h1>Cost</h1><p>Latency and energy: {NOT_MEASURED}.</p>")
    return table_page(with_folders(claims), "Cost of inference: pruned network and baseline", note)

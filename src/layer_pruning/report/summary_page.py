"""The page of the report with one row a network."""

import pandas as pd

from layer_pruning.report.html_table import table_page


def summary_page(summary: pd.DataFrame, title: str = "All networks") -> str:
    """A page with one row a network, without the long list of the blocks that it kept."""
    note = "Accuracies are of the test split where not said otherwise; click a heading to sort."
    return table_page(summary.drop(columns="blocks"), title, note)

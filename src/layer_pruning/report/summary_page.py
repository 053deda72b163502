"""The page of the report with one row a network."""

import pandas as pd

from layer_pruning.report.html_table import table_page
from layer_pruning.report.sources import with_folders


def summary_page(summary: pd.DataFrame, title: str = "All networks") -> str:
    """A page with one row a network, without the long list of the blocks that it kept."""
    note = (
        "Accuracies are of the test split where not said otherwise. The last column names the "
        "folder that the numbers of a row are from, and each heading the file, where the pointer "
        "rests on it; the list below the table says the same. A click on a heading sorts."
    )
    return table_page(with_folders(summary.drop(columns="blocks")), title, note)

# How an output gets into Snakemake's own report.
from layer_pruning.report.catalog import TABLES


def in_report(file, catalogue, name, **labels):
    """An output that Snakemake's own report shows, as its entry in a catalogue of pages says."""
    entry, of_pair = catalogue[name], {"subcategory": "{dataset} {architecture}"}
    return report(
        file,
        caption=f"../workflow/report/{entry.caption or name}.rst",
        category=entry.category,
        labels={entry.kind: entry.label} | labels,
        **({} if catalogue is TABLES else of_pair),
    )

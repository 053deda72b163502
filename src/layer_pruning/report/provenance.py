"""Which files the numbers of the report are from."""

from html import escape

import pandas as pd


def provenance(summary: pd.DataFrame, attacked: bool) -> str:
    """A line of HTML on one data set and architecture: where its numbers are from."""
    first = summary.iloc[0]
    seeds = ",".join(str(seed) for seed in sorted(summary["seed"].unique()))
    root = f"{first['dataset']}/{first['architecture']}/seed-{{{seeds}}}/{{network}}"
    files = {
        "accuracy": "accuracy.json (test split; Wilson intervals of single networks)",
        "MACs, parameters, blocks": "complexity.json",
        "energy of training and fine-tuning": "emissions.json, added up along the path",
    }
    if attacked:
        files["robustness"] = "attacks/*.json (one outcome an image)"
    if (summary["inference_energy_basis"] != "").any():
        files["energy of inference"] = "energy.json"
    if (summary["break_even"] != "").any():
        files["energy of scoring and attacks, break-even"] = "ledger.json"
    if summary["speed_up_ratio"].notna().any():
        files["latency"] = "latency.json"
    if summary["training_epochs"].notna().any():
        files["epochs"] = "history.csv"
    lines = "; ".join(
        f"{escape(what)}: <code>{escape(file)}</code>" for what, file in files.items()
    )
    return f'<p class="sources">From <code>{escape(root)}</code>: {lines}.</p>'

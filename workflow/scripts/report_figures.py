"""The figures of one data set and architecture."""

from layer_pruning.job import job

from layer_pruning.report import cost_figures, figures, shift_figures
from layer_pruning.report.calibration import reliability
from layer_pruning.report.cost import latency_table, ledger_table
from layer_pruning.report.network_tables import read_csv
from layer_pruning.report.records import read_rankings
from layer_pruning.report.robustness import robust_accuracy
from layer_pruning.report.shift import corruption_accuracies

with job(snakemake.log[0]):
    summary = read_csv(snakemake.input.summary)
    for name in ("dataset", "architecture"):
        summary = summary[summary[name] == snakemake.wildcards[name]]
    drawn = {
        "accuracy": figures.accuracy(summary),
        "removals": figures.removals(summary),
        "agreement": figures.agreement(read_rankings(snakemake.input.rankings)),
        "robustness": figures.robustness(robust_accuracy(snakemake.input.attacks)),
        "corruptions": shift_figures.corruptions(
            corruption_accuracies(snakemake.input.corruptions)
        ),
        "calibration": shift_figures.calibration(reliability(snakemake.input.calibrations)),
        "energy": figures.energy(summary),
        "ledger": cost_figures.ledger(ledger_table(snakemake.input.ledgers)),
        "latency": cost_figures.latency(latency_table(snakemake.input.latencies)),
    }
    for name, figure in drawn.items():
        figures.save(figure, snakemake.output[name])

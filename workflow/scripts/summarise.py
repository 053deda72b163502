"""One table of all networks: accuracy, cost, robustness and energy."""

from layer_pruning.runtime.script import job

from layer_pruning.energy.record import EnergySettings, carbon_intensity
from layer_pruning.report.network_tables import write_csv
from layer_pruning.report.summary import summarise

with job(snakemake.log[0]) as logger:
    params, files = snakemake.params, dict(snakemake.input.items())
    files.pop("records")
    intensity = carbon_intensity(EnergySettings.of(params.energy))
    keys = ("origins", "blocks_per_step", "searched", "target", "counting")
    options = {key: params[key] for key in keys}
    summary = summarise(params.networks, carbon_intensity_g_per_kwh=intensity, **files, **options)
    write_csv(summary, snakemake.output[0])
    logger.info("%d networks", len(summary))

"""One table of all networks: accuracy, cost, robustness and energy."""

from layer_pruning.script import job

from layer_pruning.energy.record import EnergySettings, carbon_intensity
from layer_pruning.report.areas import area_columns
from layer_pruning.report.calibration import calibration_columns
from layer_pruning.report.network_tables import write_csv
from layer_pruning.report.shift import shift_columns
from layer_pruning.report.shortcut import with_shortcuts
from layer_pruning.report.summary import summarise

with job(snakemake.log[0]) as logger:
    params = snakemake.params
    summary = summarise(
        params.networks,
        attacks=snakemake.input.attacks,
        energies=snakemake.input.energies,
        histories=snakemake.input.histories,
        latencies=snakemake.input.latencies,
        ledgers=snakemake.input.ledgers,
        further=(
            area_columns(snakemake.input.attacks),
            shift_columns(snakemake.input.corruptions),
            calibration_columns(snakemake.input.calibrations),
        ),
        block_latencies=snakemake.input.block_latencies,
        **{key: params[key] for key in ("origins", "blocks_per_step", "target")},
        carbon_intensity_g_per_kwh=carbon_intensity(EnergySettings.of(params.energy)),
    )
    write_csv(with_shortcuts(summary, snakemake.input.shortcuts), snakemake.output[0])
    logger.info("%d networks", len(summary))

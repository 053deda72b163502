"""What a pruned network cost in energy, what it saves, and after how many images it pays back."""

from layer_pruning.runtime.script import job

from layer_pruning.energy.job_usage import read_usage
from layer_pruning.energy.ledger import energy_ledger, read_inference
from layer_pruning.energy.record import EnergySettings, read_record
from layer_pruning.runtime.record_files import write_record_file

with job(snakemake.log[0]) as logger:
    files, params = snakemake.input, snakemake.params
    usages = {name: [read_usage(path) for path in files[name]] for name in ("scoring", "attacks")}
    ledger = energy_ledger(
        read_record(*files.training),
        [read_record(path) for path in files.finetuning],
        usages,
        read_inference(files.energy),
        EnergySettings(params.country, params.carbon_intensity, tracking_mode=params.tracking_mode),
    )
    write_record_file(snakemake.output[0], ledger)
    logger.info("%(verdict)s, %(images)s images", ledger["break_even"])

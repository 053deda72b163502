"""Score every candidate block of a network by every metric of a criterion."""

from layer_pruning.runtime.script import job

from layer_pruning.activations.features import read_activations
from layer_pruning.energy.job_usage import usage_recorded
from layer_pruning.models.candidates import Limits
from layer_pruning.models.network_file import read_network
from layer_pruning.scoring.probe import Unseen
from layer_pruning.scoring.savings import read_savings
from layer_pruning.scoring.scores import score, write_scores

with job(snakemake.log[0]) as logger, usage_recorded(snakemake.output.usage):
    files, params = snakemake.input, snakemake.params
    header, tensors = read_network(files.network)
    if seen := files.get("activations"):
        probe = read_activations(seen)
    else:
        probe = Unseen(header.candidates(Limits.of(params)))
    draw = params.draw.format(**snakemake.wildcards)
    given = {"header": header, "tensors": tensors, "draw": draw}
    scores = score(params.metrics, probe, **given, savings=read_savings(files.get("savings", [])))
    write_scores(snakemake.output[0], scores)
    logger.info("%d blocks by %s", len(probe.blocks), ", ".join(scores))

"""The best sets of as many blocks as the step says, grown from those of one block less."""

from layer_pruning.runtime.script import job

from layer_pruning.activations.features import read_activations
from layer_pruning.consensus.catalog import Aggregation
from layer_pruning.consensus.ranking import read_ranking, write_ranking
from layer_pruning.data.image_file import read_data
from layer_pruning.energy.job_usage import usage_recorded
from layer_pruning.models.candidates import Limits
from layer_pruning.models.configured import network_of
from layer_pruning.searching.beam import expand
from layer_pruning.searching.ranking import score_by
from layer_pruning.searching.sets import named_set

with job(snakemake.log[0]), usage_recorded(snakemake.output.usage):
    params, config, files = snakemake.params, snakemake.config, snakemake.input
    data, intact = read_data(files.data), read_activations(files.activations)
    kept = [named_set(name) for name in read_ranking(files.ranking).order[: params.beam]]
    network = network_of(files.network, config, snakemake.wildcards.architecture)
    by = score_by(params.metrics, network.header)
    given = (network, kept, lambda chosen: data.part("train", chosen)[0], intact)
    ranking = expand(*given, score=by, how=Aggregation.of(params), limits=Limits.of(params))
    write_ranking(ranking, snakemake.output.ranking)

"""All depth profiles with as many removals as the step says, ranked with their norms renewed."""

from layer_pruning.runtime.script import job

from layer_pruning.activations.features import read_activations
from layer_pruning.consensus.catalog import Aggregation
from layer_pruning.consensus.ranking import removal_order, write_ranking
from layer_pruning.data.image_file import read_data
from layer_pruning.energy.job_usage import usage_recorded
from layer_pruning.models.candidates import Limits
from layer_pruning.models.configured import network_of
from layer_pruning.searching.profiles import profiles_of, score_profiles
from layer_pruning.searching.ranking import score_by

with job(snakemake.log[0]), usage_recorded(snakemake.output.usage):
    params, config, files = snakemake.params, snakemake.config, snakemake.input
    names, data = snakemake.wildcards, read_data(files.data)
    network = network_of(files.network, config, names.architecture)
    wanted = (int(names.step), Limits.of(params), removal_order(files.ranking))
    sets = profiles_of(network, *wanted, target=params.target, latencies=files.latency)
    by = score_by(params.metrics, network.header)
    given = (lambda chosen: data.part("train", chosen)[0], read_activations(files.activations))
    ranking = score_profiles(network, sets, *given, score=by, how=Aggregation.of(params))
    write_ranking(ranking, snakemake.output.ranking)

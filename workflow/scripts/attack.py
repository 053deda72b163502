"""Attack a network on the fixed subset of test images, at every epsilon, or join its shards."""

from layer_pruning.runtime.script import job

from layer_pruning.attacks.evaluation import attack_network
from layer_pruning.attacks.result import join_files, write_result
from layer_pruning.data.image_file import read_data
from layer_pruning.data.splits import fixed_subset
from layer_pruning.energy.job_usage import usage_recorded
from layer_pruning.models.configured import network_of

files, params, config = snakemake.input, snakemake.params, snakemake.config
usage = usage_recorded(snakemake.output.usage, files.get("usages", ()))
with job(snakemake.log[0]) as logger, usage:
    if shards := files.get("shards"):
        join_files(snakemake.output.result, shards)
    else:
        data = read_data(files.data)
        chosen = fixed_subset(len(data.labels_of("test")), params.images, params.seed)
        chosen = chosen[slice(*params.shard)]
        given = {key: params[key] for key in ("attack", "norm", "epsilons", "seed", "batch_size")}
        given["progress"] = lambda done, total, text: logger.info("%d of %d: %s", done, total, text)
        network = network_of(files.network, config, snakemake.wildcards.architecture)
        result = attack_network(network, *data.part("test", chosen), **given)
        write_result(snakemake.output.result, result | {"image_indices": chosen.tolist()})

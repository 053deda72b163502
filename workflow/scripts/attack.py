"""Attack a network on the fixed subset of test images, at every epsilon."""

from layer_pruning.runtime.script import job

import torch

from layer_pruning.attacks.evaluation import attack_network
from layer_pruning.attacks.result import write_result
from layer_pruning.data.image_file import read_data
from layer_pruning.data.splits import fixed_subset
from layer_pruning.energy.job_usage import usage_recorded
from layer_pruning.models.configured import network_of
from layer_pruning.models.fused import fused

with job(snakemake.log[0]) as logger, usage_recorded(snakemake.output.usage):
    given, config, names = snakemake.params, snakemake.config, snakemake.wildcards
    data = read_data((files := snakemake.input).data)
    rows = fixed_subset(len(data.labels_of("test")), given.images, given.seed)[slice(*given.shard)]
    result = attack_network(
        fused(network_of(files.network, config, names.architecture)),
        *map(torch.from_numpy, data.part("test", rows)),
        progress=lambda done, total, text: logger.info("%d of %d: %s", done, total, text),
        **{key: given[key] for key in ("attack", "norm", "epsilons", "seed", "batch_size")},
    )
    write_result(snakemake.output[0], result | {"image_indices": rows.tolist()})

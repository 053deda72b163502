"""Attack a network on the fixed subset of test images, at every epsilon."""

from layer_pruning.script import job

import torch

from layer_pruning.attacks.evaluation import attack_network
from layer_pruning.attacks.result import write_result
from layer_pruning.data.image_file import read_data
from layer_pruning.data.splits import fixed_subset
from layer_pruning.devices import select_device
from layer_pruning.energy.job_usage import usage_recorded
from layer_pruning.models.residual import load_network

with job(snakemake.log[0]) as logger, usage_recorded(snakemake.output.usage):
    params = snakemake.params
    data = read_data(snakemake.input.data)
    chosen = fixed_subset(len(data.labels_of("test")), params.images, params.seed)
    chosen = chosen[slice(*params.shard)]
    device = select_device(snakemake.config["device"], snakemake.config["threads"])
    kind = snakemake.config["architectures"][snakemake.wildcards.architecture]
    result = attack_network(
        load_network(snakemake.input.network, device, build=kind.get("build")),
        *(torch.from_numpy(values).to(device) for values in data.part("test", chosen)),
        progress=lambda done, total, text: logger.info("%d of %d: %s", done, total, text),
        **{key: params[key] for key in ("attack", "norm", "epsilons", "seed", "batch_size")},
    )
    write_result(snakemake.output[0], result | {"image_indices": chosen.tolist()})

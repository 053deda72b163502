"""Small networks for tests."""

import torch

from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.residual import ResidualNetwork, new_network


def header(name: str = "resnet14", *, classes: int = 10, shape=(1, 8, 8), **options):
    return NetworkHeader.of(
        name,
        options,
        input_shape=shape,
        mean=(0.3,) * shape[0],
        std=(0.25,) * shape[0],
        class_names=tuple(str(label) for label in range(classes)),
    )


def random_network(name: str = "resnet14", seed: int = 0, **options) -> ResidualNetwork:
    """A network whose norms have seen data: random statistics, scales and shifts.

    Parameters that start as one constant, such as a residual scale near zero, are drawn as well.
    """
    network = new_network(header(name, **options), seed)
    generator = torch.Generator().manual_seed(seed + 1)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor in (module.weight.data, module.running_var):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
            for tensor in (module.bias.data, module.running_mean):
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
    for parameter in network.parameters():
        if (parameter == parameter.flatten()[0]).all():
            parameter.data += 0.2 * torch.randn(parameter.shape, generator=generator)
    return network.eval()

"""Stochastic gradient descent."""

import torch
from torch import Tensor, nn
from torch.optim.sgd import sgd

from layer_pruning.training.recipe import Recipe


class NesterovSGD:
    """PyTorch's functional SGD with Nesterov momentum and its buffers by parameter name.

    The function rather than the class: building ``torch.optim.SGD`` imports the compiler, a second
    in each of a workflow's many short jobs, and buffers by name are what a resume state needs.
    """

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        self.recipe = recipe
        self.parameters = {n: p for n, p in network.named_parameters() if p.requires_grad}
        self.buffers: dict[str, Tensor | None] = dict.fromkeys(self.parameters)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move every parameter that has a gradient against it, and clear the gradients.

        What is frozen (``requires_grad`` false) or took no part in the loss stays as it is: weight
        decay would shrink it, and momentum would move it on.
        """
        for decays in (True, False):
            # norms and biases are the parameters of one dimension
            moved = {n: p for n, p in self.parameters.items() if p.grad is not None}
            names = [n for n, p in moved.items() if (p.ndim > 1) == decays]
            buffers = [self.buffers[name] for name in names]
            parameters: list[Tensor] = [moved[name] for name in names]
            gradients = [p.grad for p in parameters if p.grad is not None]
            if not names:
                continue
            sgd(
                parameters,
                gradients,
                buffers,
                foreach=True,
                weight_decay=self.recipe.weight_decay if decays else 0.0,
                momentum=self.recipe.momentum,
                lr=learning_rate,
                dampening=0.0,
                nesterov=self.recipe.momentum > 0,
                maximize=False,
            )
            self.buffers.update(zip(names, buffers, strict=True))
        for parameter in self.parameters.values():
            parameter.grad = None

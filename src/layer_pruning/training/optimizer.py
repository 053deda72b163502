"""How parameters move: stochastic gradient descent, or AdamW.

PyTorch's functions rather than its classes: building one of ``torch.optim``'s classes imports the
compiler, seconds in each of a workflow's many short jobs, and buffers by name are what a resume
state needs.
"""

from abc import ABC, abstractmethod
from collections import defaultdict

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from layer_pruning.training.layers import layer_factors
from layer_pruning.training.recipe import Recipe
from layer_pruning.training.weight_decay import decaying


def optimizer_of(network: nn.Module, recipe: Recipe) -> "Optimizer":
    """The optimizer that ``recipe`` names, for the parameters of ``network`` that are trained."""
    return {"sgd": NesterovSGD, "adamw": AdamW}[recipe.optimizer](network, recipe)


class Optimizer(ABC):
    """Moves the parameters of a network, each at its layer's rate and with its weight decay."""

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        self.recipe = recipe
        self.parameters = {n: p for n, p in network.named_parameters() if p.requires_grad}
        factors = layer_factors(network, recipe.layer_decay)
        decays = self.decays(network)
        self.groups: dict[tuple[bool, float], list[str]] = defaultdict(list)
        """Names of the parameters that move alike, by decay and factor of the rate."""
        for name in self.parameters:
            self.groups[name in decays, factors[name]].append(name)
        self.buffers: dict[str, dict[str, Tensor]] = {kind: {} for kind in self.kinds}

    kinds: tuple[str, ...]
    """What is remembered of every parameter."""

    @abstractmethod
    def decays(self, network: nn.Module) -> set[str]:
        """Names of the parameters that weight decay is for."""

    @abstractmethod
    def update(self, names: list[str], *, learning_rate: float, weight_decay: float) -> None:
        """Move parameters, all of which have a gradient, against it."""

    def gradients(self, names: list[str]) -> list[Tensor]:
        """The gradients of parameters that have one."""
        return [grad for name in names if (grad := self.parameters[name].grad) is not None]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move every parameter that has a gradient against it, and clear the gradients.

        What is frozen (``requires_grad`` false) or took no part in the loss stays as it is: weight
        decay would shrink it, and momentum would move it on.
        """
        if self.recipe.gradient_clipping > 0:
            clip_grad_norm_(self.parameters.values(), self.recipe.gradient_clipping)
        for (decays, factor), names in self.groups.items():
            if moved := [name for name in names if self.parameters[name].grad is not None]:
                self.update(
                    moved,
                    learning_rate=learning_rate * factor,
                    weight_decay=self.recipe.weight_decay if decays else 0.0,
                )
        for parameter in self.parameters.values():
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        """What a later process needs to go on: every buffer as ``kind/parameter``."""
        return {
            f"{kind}/{name}": buffer
            for kind, buffers in self.buffers.items()
            for name, buffer in buffers.items()
        }

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put the buffers of :meth:`state` back, each beside its parameter and laid out like it."""
        for key, tensor in tensors.items():
            kind, name = key.split("/", 1)
            # numbers of steps stay on the CPU
            if kind != "steps":
                tensor = torch.empty_like(self.parameters[name]).copy_(tensor)
            self.buffers[kind][name] = tensor


class NesterovSGD(Optimizer):
    """Stochastic gradient descent with Nesterov momentum. Decay is part of the gradient."""

    kinds = ("momentum",)

    def decays(self, network: nn.Module) -> set[str]:
        """All but norms and biases, which are the parameters of one dimension."""
        return {name for name, parameter in self.parameters.items() if parameter.ndim > 1}

    def update(self, names: list[str], *, learning_rate: float, weight_decay: float) -> None:
        """Move parameters against their gradients."""
        momentum = self.buffers["momentum"]
        buffers = [momentum.get(name) for name in names]
        parameters: list[Tensor] = [self.parameters[name] for name in names]
        sgd(
            parameters,
            self.gradients(names),
            buffers,
            foreach=True,
            weight_decay=weight_decay,
            momentum=self.recipe.momentum,
            lr=learning_rate,
            dampening=0.0,
            nesterov=self.recipe.momentum > 0,
            maximize=False,
        )
        momentum.update({n: b for n, b in zip(names, buffers, strict=True) if b is not None})


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101)."""

    kinds = ("steps", "mean", "square")

    def decays(self, network: nn.Module) -> set[str]:
        """The weights of layers (:func:`layer_pruning.training.weight_decay.decaying`)."""
        return decaying(network)

    def update(self, names: list[str], *, learning_rate: float, weight_decay: float) -> None:
        """Move parameters against their gradients."""
        parameters: list[Tensor] = [self.parameters[name] for name in names]
        for name, parameter in zip(names, parameters, strict=True):
            if name not in self.buffers["steps"]:
                # counted on the CPU, which spares a GPU a wait a step
                self.buffers["steps"][name] = torch.tensor(0.0)
                self.buffers["mean"][name] = torch.zeros_like(parameter)
                self.buffers["square"][name] = torch.zeros_like(parameter)
        steps, means, squares = ([self.buffers[k][n] for n in names] for k in self.kinds)
        first, second = self.recipe.betas
        adamw(
            parameters,
            self.gradients(names),
            means,
            squares,
            [],
            steps,
            foreach=True,
            amsgrad=False,
            beta1=first,
            beta2=second,
            lr=learning_rate,
            weight_decay=weight_decay,
            eps=1e-8,
            maximize=False,
        )

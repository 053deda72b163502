"""What a user's module computes before it is wrapped, to compare with afterwards."""

import copy
import logging
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from layer_pruning.models.head import logits_of
from layer_pruning.models.residual import ResidualNetwork

logger = logging.getLogger(__name__)

HOLDERS = {"DataParallel": "module", "DistributedDataParallel": "module"}
HOLDERS |= {"OptimizedModule": "_orig_mod"}


def check_wrappable(module: nn.Module, name: str) -> None:
    """Raise ValueError in one line for a module that nothing can be found out about."""
    if name in HOLDERS:
        raise ValueError(f"{name}: wrap the network that it holds: wrap(module.{HOLDERS[name]}, …)")
    if isinstance(module, torch.jit.ScriptModule):
        raise ValueError(f"{name}: a script has no modules of Python: wrap what it was made from")
    kinds = {p.dtype for p in module.parameters() if p.is_floating_point()} - {torch.float32}
    if kinds:
        kind = str(kinds.pop()).removeprefix("torch.")
        raise ValueError(
            f"{name}: it has weights of {kind}; wrap(module.float(), …) would be right"
        )


def copied(module: nn.Module) -> nn.Module:
    """A deep copy of ``module``.

    Weights that are computed from others, as by weight norm or a pruning mask, are plain
    attributes, which can only be copied without the history of their computation.
    """
    for part in module.modules():
        for name, value in vars(part).items():
            if isinstance(value, Tensor) and value.grad_fn is not None:
                vars(part)[name] = value.detach()
    return copy.deepcopy(module)


@dataclass(frozen=True)
class Behaviour:
    """Logits of a module on images that are normalised already."""

    images: Tensor
    in_evaluation: Tensor
    in_training: Tensor | None
    """Drawn from one seed, on a copy; None where the module cannot train on such images."""

    @classmethod
    def of(cls, module: nn.Module, images: Tensor, name: str) -> "Behaviour":
        """What ``module``, in evaluation mode, computes. Raises ValueError where it cannot."""
        try:
            with torch.no_grad():
                evaluated = logits_of(module(images))
                alone = torch.cat([logits_of(module(image)) for image in images.split(1)])
        except Exception as error:
            shape = " × ".join(map(str, images.shape[1:]))
            reason = " ".join(str(error).split())
            raise ValueError(f"{name}: it cannot take images of {shape}: {reason}") from error
        if (alone - evaluated).abs().max() > 1e-2 * evaluated.abs().max():
            logger.warning(
                "%s: its logits for an image depend on the other images of the batch", name
            )
        return cls(images, evaluated, _trained(module, images))

    def check(self, network: ResidualNetwork, name: str) -> None:
        """Raise ValueError in one line unless ``network`` computes the same."""
        images = self.images * network.std + network.mean
        with torch.no_grad():
            pairs = {"evaluation": (self.in_evaluation, network(images))}
        if self.in_training is not None:
            trained = _trained(network, images)
            pairs |= {"training": (self.in_training, trained if trained is not None else None)}
        for mode, (expected, computed) in pairs.items():
            if computed is None or not _close(expected, computed):
                raise ValueError(
                    f"{name}: in {mode} mode, it does not compute the same again; state that "
                    "changes from call to call, or chance that no seed governs, may be why"
                )


def _close(expected: Tensor, computed: Tensor) -> bool:
    expected, computed = expected.nan_to_num(), computed.nan_to_num()
    return bool((expected - computed).abs().max() <= 1e-3 * expected.abs().max() + 1e-6)


def _trained(module: nn.Module, images: Tensor) -> Tensor | None:
    """Logits in training mode, drawn from a seed, of a copy: norms change as they train."""
    copy_of = copied(module).train()
    devices = [images.device] if images.is_cuda else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        torch.manual_seed(0)
        try:
            return logits_of(copy_of(images))
        # a norm of one value a channel, say
        except Exception:
            return None

"""What a user's module computes before it is wrapped, to compare with afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from layer_pruning.models.copies import copied
from layer_pruning.models.head import logits_of
from layer_pruning.models.holders import HOLDERS
from layer_pruning.models.residual import ResidualNetwork
from layer_pruning.models.steadiness import check_float32
from layer_pruning.runtime.random_draws import seeded


def check_wrappable(module: nn.Module, name: str) -> None:
    """Raise ValueError in one line for a module that nothing can be found out about."""
    if not isinstance(module, nn.Module):
        raise ValueError(f"{name}: a torch.nn.Module would be right")
    if name in HOLDERS:
        raise ValueError(f"{name}: wrap the network that it holds: wrap(module.{HOLDERS[name]}, …)")
    if isinstance(module, torch.jit.ScriptModule):
        raise ValueError(f"{name}: a script has no modules of Python: wrap what it was made from")
    check_trainable(module, name)
    try:
        check_float32(module)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def check_trainable(module: nn.Module, name: str) -> None:
    """Raise ValueError in one line for weights that PyTorch lets nobody train."""
    if any(tensor.is_inference() for tensor in (*module.parameters(), *module.buffers())):
        raise ValueError(
            f"{name}: the module was made inside torch.inference_mode(), and can never be trained: "
            "make it outside, or inside torch.no_grad()"
        )


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
            with _seeded(images):
                evaluated = logits_of(module(images))
        except Exception as error:
            shape = " × ".join(map(str, images.shape[1:]))
            reason = " ".join(str(error).split())
            raise ValueError(f"{name}: it cannot take images of {shape}: {reason}") from error
        return cls(images, evaluated, _trained(module, images))

    def check(self, network: ResidualNetwork, name: str) -> None:
        """Raise ValueError in one line unless ``network`` computes the same."""
        images = self.images * network.std + network.mean
        with _seeded(images):
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
    trained = copied(module).train()
    try:
        with _seeded(images):
            return logits_of(trained(images))
    # a norm of one value a channel, say
    except Exception:
        return None


@contextmanager
def _seeded(images: Tensor) -> Iterator[None]:
    """Draw from a seed, without gradients; the global generators are left as they were."""
    with seeded(0, images.device), torch.no_grad():
        yield

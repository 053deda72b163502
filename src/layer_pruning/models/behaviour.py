"""What a module computes, to compare with what it computes later, or in another process."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from layer_pruning.models.copies import copied
from layer_pruning.models.head import logits_of
from layer_pruning.models.holders import HOLDERS
from layer_pruning.models.residual import ResidualNetwork
from layer_pruning.models.steadiness import check_float32, differ
from layer_pruning.runtime.named_function import users_code
from layer_pruning.runtime.random_draws import drawn_images, seeded


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
            with users_code(), _seeded(images):
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


def drawn_behaviour(network: nn.Module, input_shape: tuple[int, ...]) -> dict[str, Tensor]:
    """Logits of drawn images, by the mode: what the code of ``network`` makes of its weights.

    They are computed on the CPU, by a copy: seeded, so that they are the same in every process but
    for rounding. Parameters that are one constant are drawn, since a scale or a classifier of
    zeros hides what the code does before it. A mode in which they differ from call to call all the
    same, or which cannot take so few images, is left out.
    """
    # after the copy: a module may keep what it has seen of the device that it was on
    own = copied(network).cpu().to(memory_format=torch.contiguous_format).eval()
    _draw_constants(own)
    images = drawn_images(4, input_shape)

    def evaluated() -> Tensor:
        with _seeded(images):
            return logits_of(own(images))

    def in_each_mode() -> dict[str, Tensor | None]:
        with _others_seeded():
            return {"evaluation": evaluated(), "training": _trained(own, images)}

    once, again = in_each_mode(), in_each_mode()
    return {
        mode: logits
        for mode, logits in once.items()
        if logits is not None and (other := again[mode]) is not None and not differ(logits, other)
    }


@contextmanager
def _others_seeded() -> Iterator[None]:
    """Seed what draws besides PyTorch, such as a layer that Python's chance leaves out."""
    # the generators that a user's code finds, for better or worse
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002


@torch.no_grad()
def _draw_constants(module: nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        if parameter.is_floating_point() and parameter.numel():
            drawn = 0.2 * torch.randn(parameter.shape, generator=generator, dtype=torch.float32)
            if (parameter == parameter.flatten()[0]).all():
                parameter.add_(drawn)


def behaves_otherwise(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Whether two behaviours, see :func:`drawn_behaviour`, are those of different networks.

    Other threads, instructions and libraries change evaluation by 1e-6 of the largest logit, and
    training, whose norms may divide by next to nothing, by 1e-4 at most.
    """
    if one.keys() != other.keys():
        return True
    tolerances = {"evaluation": 1e-4, "training": 1e-3}
    return any(differ(one[mode], other[mode], tolerances[mode]) for mode in one)


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

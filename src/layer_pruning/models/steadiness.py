"""Whether a network computes in float32, and the same for an image whatever goes with it."""

import torch
from torch import Tensor, nn

from layer_pruning.runtime.random_draws import drawn_images


def check_float32(body: nn.Module) -> None:
    """Raise ValueError, naming it and the remedy, for a parameter or buffer of another precision.

    Integers pass: they count, or index.
    """
    for name, tensor in (*body.named_parameters(), *body.named_buffers()):
        real = tensor.is_floating_point() or tensor.is_complex()
        if real and tensor.dtype != torch.float32:
            kind = str(tensor.dtype).removeprefix("torch.")
            raise ValueError(
                f"{name} is {kind}, and networks compute in float32 here: module.float() would be "
                "right (training and scoring have their own 'precision')"
            )


@torch.no_grad()
def unsteadiness(network: nn.Module, input_shape: tuple[int, ...]) -> str | None:
    """What is said of a network, in evaluation mode, whose logits are not those of an image alone.

    It is sent a few random images twice, and one by one; None where only rounding differs.
    Accuracy, distances and robustness of such a network are those of one draw or one batch.
    """
    device = next(network.parameters()).device
    images = drawn_images(4, input_shape).to(device)
    # the global generators are left as they were
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        logits, again = network(images), network(images)
        alone = torch.cat([network(image[None]) for image in images])
    if differ(logits, again):
        return (
            "its logits of the same images differ from one call to the next: something in it is "
            "drawn at random in evaluation mode, such as functional.dropout without training=False"
        )
    if differ(logits, alone):
        return (
            "its logits of an image depend on the other images of the batch, as a batch norm "
            "without running statistics makes them"
        )
    return None


def differ(one: Tensor, other: Tensor, tolerance: float = 1e-3) -> bool:
    """Whether logits are others by more than ``tolerance`` of the largest one.

    The default is far above the rounding of sums, far below what a draw or another batch does.
    Logits of −∞, of masked classes, are equal where they are both.
    """
    finite = one[one.isfinite()].abs()
    allowed = tolerance * float(finite.max()) if finite.numel() else 0.0
    same = one.shape == other.shape
    return not (same and torch.allclose(one, other, rtol=0.0, atol=allowed, equal_nan=True))

"""From an architecture to the plain module that computes it: images in, logits out."""

from typing import Any

from torch import nn

from layer_pruning.models.cifar import CifarBody, initialise
from layer_pruning.models.specifications import (
    Architecture,
    CifarResNet,
    HuggingFaceNetwork,
    OwnNetwork,
    Shape,
    TimmNetwork,
    TorchvisionNetwork,
)
from layer_pruning.models.steadiness import check_float32
from layer_pruning.runtime.named_function import named_function, one_line, users_code
from layer_pruning.runtime.random_draws import seeded


def new_body(architecture: Architecture, *, input_shape: Shape, classes: int) -> nn.Module:
    """The module of ``architecture``, in evaluation mode, with weights that mean nothing yet.

    Raises ValueError in one line where it cannot be built for images of ``input_shape``.
    """
    if isinstance(architecture, CifarResNet):
        return CifarBody(architecture, input_shape[0], classes).eval()
    if isinstance(architecture, TorchvisionNetwork):
        return _torchvision_body(architecture.network, input_shape, classes).eval()
    if isinstance(architecture, TimmNetwork | HuggingFaceNetwork):
        # timm and transformers take seconds to import: only where such a network is used
        from layer_pruning.models.hub import named_body

        return named_body(architecture, input_shape, classes).eval()
    if isinstance(architecture, OwnNetwork):
        return _own_body(architecture, input_shape, classes).eval()
    raise ValueError(
        f"nothing says how to build a {architecture.module}: it was a module of the user's own; "
        "load the file with layer_pruning.load(path, module=...) and one like it"
    )


def drawn_body(
    architecture: Architecture, *, input_shape: Shape, classes: int, seed: int
) -> nn.Module:
    """As :func:`new_body`, with weights drawn from ``seed`` as the network's own code draws them.

    The global generator of random numbers is left as it was.
    """
    with seeded(seed):
        body = new_body(architecture, input_shape=input_shape, classes=classes)
    if isinstance(architecture, CifarResNet):
        initialise(body, seed)
    return body


def _torchvision_body(name: str, input_shape: Shape, classes: int) -> nn.Module:
    # a second to import, so only where such a network is used
    from torchvision.models import get_model

    channels, height, width = input_shape
    if channels not in (1, 3):
        raise ValueError(f"{name} takes images of one or three channels, not {channels}")
    arguments: dict[str, Any] = {"num_classes": classes}
    if name.startswith("vit_"):
        patch = int(name.rsplit("_", 1)[1])
        if height != width or height % patch:
            raise ValueError(
                f"{name} takes square images of a multiple of {patch} pixels, "
                f"not {height} × {width}"
            )
        arguments["image_size"] = height
    return get_model(name, weights=None, **arguments)


def _own_body(architecture: OwnNetwork, input_shape: Shape, classes: int) -> nn.Module:
    build = named_function(architecture.build)
    arguments = dict(architecture.build_arguments)
    try:
        with users_code():
            body = build(num_classes=classes, input_shape=tuple(input_shape), **arguments)
    except Exception as error:
        given = ", ".join(["num_classes", "input_shape", *arguments])
        raise ValueError(
            f"{architecture.build} failed when called with {given}: {one_line(error)}"
        ) from error
    if not isinstance(body, nn.Module):
        raise ValueError(
            f"{architecture.build} returned a {type(body).__name__}, not a torch.nn.Module"
        )
    try:
        check_float32(body)
    except ValueError as error:
        raise ValueError(f"{architecture.build}: {error}") from error
    return body

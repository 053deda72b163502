"""Keys of networks."""

from typing import Annotated, Literal

from annotated_types import MaxLen, MinLen
from pydantic import Field, JsonValue

from layer_pruning.configuration.keys.values import Count, Number, Positive, Settings, Text, Whole


class Architecture(Settings):
    """A network by a name of the user's, and what it starts from."""

    network: str | None = None
    """The known network that the name stands for. The name itself by default."""
    depth: Whole | None = None
    """For a CIFAR ResNet: layers with weights on the main path, 6n + 2. Taken from the name by
    default."""
    widths: Annotated[list[Count], MinLen(3), MaxLen(3)] = [16, 32, 64]
    """For a CIFAR ResNet: channels of the three stages."""
    shortcut: Literal["parameter_free", "projection"] = "parameter_free"
    """For a CIFAR ResNet: shortcut of blocks that change shape, `parameter_free` (option A) or
    `projection` (option B)."""
    build: str | None = None
    """A network of your own, `package.module:function`: the function is called with `num_classes`,
    `input_shape` and `arguments`, and returns a `torch.nn.Module`."""
    arguments: dict[str, JsonValue] | None = None
    """What `build` is called with beside `num_classes` and `input_shape`; what a network of timm is
    created with (`drop_path_rate`); keys of the configuration of one of transformers (`depths`)."""
    granularity: Literal["block", "sublayer"] | None = None
    """Not for CIFAR ResNets. `block`: what goes is a block. `sublayer`: where a block consists of
    parts that are residual on their own (attention, feed-forward), each of them is a block. Empty:
    `block`."""
    weights: Text | None = None
    """What the baseline's training starts from: `torchvision` (its pretrained weights),
    `pretrained` (those of timm or of the hub, fetched once below `downloads/hub/`) or a
    `.safetensors` file. Empty: new weights for each seed."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """The SHA-256 that the fetched weights have to have, beside `weights: pretrained`. Empty: what
    the hub tells of them."""
    names: dict[str, str] | None = None
    """For weights whose tensors have other names than those here: regular expressions and what they
    become, applied to every name in turn. A tensor whose name becomes empty, or ends in a dot, is
    left out: `{"total_ops$": ""}`."""
    new_classifier: bool = False
    """`true` draws a new classifier instead of taking that of the weights, for other classes."""
    mean: Annotated[list[Number], MinLen(1)] | None = None
    """Mean of each channel by which images in [0, 1] are normalised. Empty: what the weights were
    trained with where they say so, and else the mean of the training images."""
    std: Annotated[list[Positive], MinLen(1)] | None = None
    """Standard deviation of each channel, beside `mean`."""

"""From a name in a configuration to the architecture that it stands for. Imports no torch."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from layer_pruning.models.hub_files import CONFIGURATION, hub_path, told
from layer_pruning.models.specifications import (
    GRANULARITIES,
    Architecture,
    CifarResNet,
    FoundNetwork,
    HuggingFaceNetwork,
    OwnNetwork,
    Shape,
    TimmNetwork,
    TorchvisionNetwork,
    WrappedModule,
)
from layer_pruning.models.starts import START_OPTIONS

TORCHVISION = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "wide_resnet50_2",
    "resnext50_32x4d",
    "mobilenet_v2",
    "convnext_tiny",
    "vit_b_16",
    "swin_t",
)
"""Networks of torchvision, by their names there."""


SOURCES = ("timm/", "hf/")
"""What names of networks of optional packages begin with."""

NO_SIZES = (
    *("model_type", "architectures", "transformers_version", "torch_dtype", "dtype"),
    *("id2label", "label2id", "num_labels", "problem_type", "_name_or_path"),
)
"""Keys of a hub's ``config.json`` that do not say what a network is built like."""


def architecture(
    name: str, options: Mapping[str, Any] | None = None, input_shape: Shape | None = None
) -> Architecture:
    """The architecture called ``name``.

    ``resnet{6n + 2}`` is a CIFAR ResNet, unless torchvision has a network of that name; any name
    is one with ``depth``, ``widths`` and ``shortcut`` among its ``options``. ``network`` says
    which known network a name of one's own stands for. ``timm/…`` and ``hf/…`` are networks of
    optional packages (:mod:`layer_pruning.models.hub`). ``build`` with ``arguments`` is a user's
    own network. ``granularity`` is that of the blocks to find. ``input_shape`` is that of the
    data, (3, 224, 224) by default; CIFAR ResNets have the same blocks whatever it is. Raises
    ValueError naming what is wrong.
    """
    given = {
        key: value
        for key, value in (options or {}).items()
        if value is not None and key not in (*START_OPTIONS, "family")
    }
    found: dict[str, Any] = {"input_shape": input_shape or FoundNetwork.input_shape}
    if "granularity" in given:
        found["granularity"] = given.pop("granularity")
        if found["granularity"] not in GRANULARITIES:
            raise ValueError(f"{name}: granularity: should be one of {', '.join(GRANULARITIES)}")
    if (options or {}).get("family") == "wrapped":
        return WrappedModule(given["module"], **found)
    if "build" in given or ":" in name:
        build = given.pop("build", name)
        arguments = given.pop("arguments", {})
        if given:
            raise ValueError(
                f"{name}: 'build' takes no {', '.join(given)}; what the function is to be called "
                "with goes into 'arguments'"
            )
        return OwnNetwork(build, arguments, **found)
    called = given.pop("network", name)
    if called.startswith(SOURCES):
        arguments = given.pop("arguments", {})
        if given:
            raise ValueError(
                f"{name}: {called} takes no {', '.join(given)}; what it is to be built with goes "
                "into 'arguments'"
            )
        return _of_package(called, arguments, found)
    if "arguments" in given:
        raise ValueError(f"{name}: 'arguments' are for a network of your own; 'build' is missing")
    if called in TORCHVISION and "depth" not in given:
        if given:
            raise ValueError(
                f"{name}: {called} of torchvision takes no {', '.join(given)}; "
                "a CIFAR ResNet has a depth, such as 'depth: 56'"
            )
        return TorchvisionNetwork(called, **found)
    if "granularity" in found:
        raise ValueError(f"{name}: granularity: blocks of a CIFAR ResNet are no sums of halves")
    return _cifar_resnet(called, given)


def _of_package(
    called: str, arguments: dict[str, Any], found: dict[str, Any]
) -> TimmNetwork | HuggingFaceNetwork:
    """A network of timm or transformers; a repository of the hub is read from its files here.

    What the network file keeps of it is all of the configuration, so that it needs no other file.
    """
    if called.startswith("timm/"):
        return TimmNetwork(called, arguments, **found)
    repository = called.removeprefix("hf/")
    if "/" not in repository:
        return HuggingFaceNetwork(called, arguments, **found)
    settings = told(repository, CONFIGURATION)
    kind = settings.get("model_type")
    if not isinstance(kind, str) or not kind:
        raise ValueError(
            f"{hub_path(repository, CONFIGURATION)}: its 'model_type' should say which network of "
            f"transformers it is, such as swin, not {kind!r}"
        )
    kept = {key: value for key, value in settings.items() if key not in NO_SIZES}
    return HuggingFaceNetwork(f"hf/{kind}", kept | arguments, repository, **found)


def published_name(network: Architecture) -> str:
    """The name under which others publish results of a network; empty where they cannot.

    CIFAR ResNets of other widths than the usual ones are not the networks that others mean.
    """
    if isinstance(network, TorchvisionNetwork):
        return network.network
    if isinstance(network, CifarResNet) and network.widths == CifarResNet.widths:
        name = f"resnet{network.depth}"
        return "" if name in TORCHVISION else name
    return ""


def _cifar_resnet(name: str, options: dict[str, Any]) -> CifarResNet:
    match = re.fullmatch(r"resnet(\d+)", name)
    if "depth" not in options:
        if match is None:
            known = [*TORCHVISION, *(f"resnet{depth}" for depth in (20, 32, 44, 56, 110))]
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise ValueError(
                f"'{name}' is unknown: {hint}known are {', '.join(TORCHVISION)}, resnet20, "
                "resnet32 … (6n + 2), timm/…, hf/…, and any other name with a 'depth', 'network' "
                "or 'build'"
            )
        options["depth"] = int(match[1])
    elif match is not None and int(match[1]) != options["depth"]:
        raise ValueError(f"'{name}' says another depth than its option depth: {options['depth']}")
    return CifarResNet(**options)

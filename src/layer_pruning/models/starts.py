"""What a run may start from, checked before it does. Imports no torch."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from layer_pruning.models.specifications import (
    Architecture,
    HuggingFaceNetwork,
    NamedNetwork,
    Record,
    TimmNetwork,
    TorchvisionNetwork,
)
from layer_pruning.runtime.whereabouts import right_path

START_OPTIONS = ("weights", "sha256", "names", "new_classifier", "mean", "std")
"""Options of an architecture that say what a run starts from, not what the network is."""

PRETRAINED = "pretrained"
"""Says that a network starts from the weights that its own source has of it."""

PICKLES = (".pth", ".pt", ".bin", ".pkl", ".pickle", ".ckpt", ".tar")


def pretrained_record(network: NamedNetwork) -> Record:
    """What timm or the hub say of a network. Raises ValueError in one line where it is unknown."""
    # timm and transformers take seconds to import: only where such a network is named
    from layer_pruning.models.hub import record_of

    return record_of(network)


def started_from(options: Mapping[str, Any], name: str) -> str:
    """In words, which weights the training of architecture ``name`` starts from."""
    weights = options.get("weights")
    if not weights:
        return "new weights"
    if weights in (PRETRAINED, "torchvision"):
        return f"{weights} weights of {options.get('network') or name}"
    return str(weights)


def check_start(name: str, options: Mapping[str, Any], network: Architecture) -> None:
    """Raise ValueError in one line where the start options of ``name`` cannot work.

    They are ``weights``, ``sha256``, ``names``, ``new_classifier``, ``mean`` and ``std``.
    """
    given = {key: options[key] for key in START_OPTIONS if options.get(key) is not None}
    if ("mean" in given) != ("std" in given):
        raise ValueError(f"{name}: give both 'mean' and 'std', or none of them")
    if len(given.get("mean", ())) != len(given.get("std", ())):
        raise ValueError(f"{name}: 'mean' and 'std' should have one number a channel")
    if "weights" not in given:
        if useless := [key for key in ("sha256", "names", "new_classifier") if given.get(key)]:
            raise ValueError(f"{name}: {' and '.join(useless)} without 'weights' to start from")
        return
    if given.get("sha256") and given["weights"] != PRETRAINED:
        raise ValueError(f"{name}: sha256 is for 'weights: {PRETRAINED}', which are fetched")
    for pattern, replacement in given.get("names", {}).items():
        _check_replacement(name, pattern, replacement)
    if given.get("names") and given["weights"] == "torchvision":
        raise ValueError(f"{name}: names: torchvision's weights have the names of the network")
    check_weights(given["weights"], network)


def _check_replacement(name: str, pattern: str, replacement: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{name}: names: '{pattern}' is no pattern: {error}") from error
    try:
        # an alternative that matches nothing tries the replacement: a group may stay empty
        re.sub(f"{pattern}|\\Z", replacement, "")
    # a reference to a group that the pattern lacks is an IndexError where it has a name
    except (re.error, IndexError) as error:
        raise ValueError(
            f"{name}: names: '{replacement}' cannot replace '{pattern}': {error}"
        ) from error


def check_weights(weights: str, network: Architecture) -> None:
    """Raise ValueError, or FileNotFoundError, in one line unless ``weights`` may be read."""
    if weights == "torchvision":
        if not isinstance(network, TorchvisionNetwork):
            raise ValueError("weights: torchvision has none for this network")
        return
    if weights == PRETRAINED:
        if not isinstance(network, TimmNetwork | HuggingFaceNetwork):
            raise ValueError(
                "weights: 'pretrained' is for networks of timm and of the hub; 'torchvision' is "
                "for those of torchvision"
            )
        return
    suffix = Path(weights).suffix.lower()
    if suffix in PICKLES:
        safe = Path(weights).with_suffix(".safetensors")
        raise ValueError(
            f"weights: {weights} is a pickle, which can run code when it is opened; convert it "
            'once with: python -c "import torch; from safetensors.torch import save_file; '
            f"save_file(torch.load('{weights}', weights_only=True), '{safe}')\""
        )
    if suffix != ".safetensors":
        raise ValueError(
            f"weights: {weights} should be 'torchvision', 'pretrained' or a .safetensors file"
        )
    if not Path(weights).is_file():
        right = right_path(weights, "give the path of one")
        raise FileNotFoundError(f"weights: there is no file {weights}; {right}")
    if {"{", "}"} & set(weights):
        raise ValueError(
            f"weights: {weights}: Snakemake reads braces in a name as a wildcard; rename the file"
        )
    # a tenth of a second that few configurations need
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="numpy"):
            pass
    except SafetensorError as error:
        raise ValueError(
            f"weights: {weights} is not a readable .safetensors file ({error}); a pickle that is "
            "called one is not opened"
        ) from error

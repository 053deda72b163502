"""What a baseline starts from: new weights, torchvision's, or those of a ``.safetensors`` file."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from layer_pruning.models.architectures import architecture
from layer_pruning.models.head import tensors_of_layer
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.network_file import FORMAT, read_network
from layer_pruning.models.rebuilding import check_rebuilt
from layer_pruning.models.residual import ResidualNetwork, new_network, put_tensors
from layer_pruning.models.specifications import (
    HuggingFaceNetwork,
    OwnNetwork,
    TimmNetwork,
    TorchvisionNetwork,
)
from layer_pruning.models.starts import PRETRAINED, check_weights
from layer_pruning.models.steadiness import unsteadiness
from layer_pruning.runtime.access import check_opens

logger = logging.getLogger(__name__)

# what wrappers for several devices and the compiler put in front of every name
WRAPPERS = re.compile(r"^(module\.|_orig_mod\.)+")


@dataclass(frozen=True)
class Weights:
    """Tensors by their names here, and the normalisation that they were trained with if known."""

    tensors: dict[str, Tensor]
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


def start_network(header: NetworkHeader, options: Mapping[str, Any], seed: int) -> ResidualNetwork:
    """The network of ``header`` with the weights that the ``options`` of its architecture name.

    ``weights`` is ``torchvision``, ``pretrained`` (of timm or the hub, fetched before) or a
    ``.safetensors`` file: a network file of this workflow, or anyone's state dict. ``names`` maps
    regular expressions to what they become here, applied to every name of the file in turn; a
    tensor is left out where nothing stays of its name, or of the part behind the last dot. With
    ``new_classifier`` the classifier is drawn from ``seed``; so is all else without ``weights``.
    ``mean`` and ``std`` are the normalisation; those that the weights bring along are used where
    none are given, and else the header's.

    Raises ValueError or FileNotFoundError in one line where the weights do not fit, and ValueError
    for a network of a user's own that is another one whenever it is built
    (:func:`layer_pruning.models.rebuilding.check_rebuilt`).
    """
    weights = options.get("weights")
    if weights is None:
        return _checked(new_network(header, seed), seed)
    network_kind = architecture(header.architecture, header.arguments, header.input_shape)
    check_weights(weights, network_kind)
    if weights == PRETRAINED:
        return _pretrained(header, options, seed)
    if weights == "torchvision":
        assert isinstance(network_kind, TorchvisionNetwork)
        start = _torchvision_weights(network_kind.network)
    else:
        start = _file_weights(Path(weights), (options.get("names") or {}) | network_kind.renamed)
    if start.mean is not None and start.std is not None and not options.get("mean"):
        header = replace(header, mean=start.mean, std=start.std)
    network = _checked(new_network(header, seed), seed)
    _load(network, start.tensors, str(weights), new_classifier=bool(options.get("new_classifier")))
    logger.info(
        "starting from %s, normalised with mean %s and standard deviation %s",
        weights,
        header.mean,
        header.std,
    )
    return network


def _pretrained(header: NetworkHeader, options: Mapping[str, Any], seed: int) -> ResidualNetwork:
    """A network of timm or of the hub with the weights that were fetched for it."""
    from layer_pruning.models.hub import pretrained_tensors, record_of

    kind = architecture(header.architecture, options, header.input_shape)
    assert isinstance(kind, TimmNetwork | HuggingFaceNetwork)
    record = record_of(kind)
    if record.mean is not None and record.std is not None and not options.get("mean"):
        header = replace(header, mean=record.mean, std=record.std)
    network = new_network(header, seed)
    tensors = _renamed(
        f"weights: {record.repository}",
        pretrained_tensors(kind, network.body),
        options.get("names") or {},
    )
    new_classifier = bool(options.get("new_classifier"))
    _load(network, tensors, record.repository, new_classifier=new_classifier)
    logger.info(
        "starting from %s, normalised as it was trained: %s, %s",
        record.repository,
        header.mean,
        header.std,
    )
    return network


def _checked(network: ResidualNetwork, seed: int) -> ResidualNetwork:
    """``network``, drawn from ``seed``, where its state dict holds all that was drawn.

    A line in the log says where its logits depend on chance or on their batch.
    """
    header = network.header
    kind = architecture(header.architecture, header.arguments, header.input_shape)
    if not isinstance(kind, OwnNetwork):
        return network
    said = unsteadiness(network.eval(), header.input_shape)
    if said is not None:
        logger.warning("%s: %s", header.architecture, said)
    # after it has run: what it draws when it first runs is then its own
    check_rebuilt(network, seed)
    return network.train()


def _torchvision_weights(name: str) -> Weights:
    """Torchvision's weights of a network, downloaded once into its cache."""
    # a second to import, so only where such a network is used
    from torchvision.models import get_model_weights

    entry: Any = get_model_weights(name).DEFAULT
    try:
        tensors = entry.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except OSError as error:
        file = entry.url.rsplit("/", 1)[1]
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise ValueError(
            f"weights: torchvision's weights of {name} could not be downloaded "
            f"({' '.join(str(error).split())}): put {file} from {entry.url} into {folder}"
        ) from error
    preset = entry.transforms()
    return Weights(dict(tensors), tuple(preset.mean), tuple(preset.std))


def _file_weights(path: Path, names: Mapping[str, str]) -> Weights:
    """Weights of a ``.safetensors`` file, with ``names`` applied where it is a foreign one."""
    check_opens(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    # PyTorch may lack the type of a tensor
    except (SafetensorError, AttributeError, TypeError, KeyError) as error:
        raise ValueError(
            f"weights: {path} is not a readable .safetensors file ({error})"
        ) from error
    if metadata.get("format") == FORMAT:
        # by the reader of network files, which compares checksums
        header, arrays = read_network(path)
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        if header.removed_blocks:
            raise ValueError(
                f"weights: {path} lacks {', '.join(header.removed_blocks)}: a baseline starts from "
                "a network that is not pruned"
            )
        return Weights(tensors, header.mean, header.std)
    unwrapped = {name: WRAPPERS.sub("", name) for name in tensors}
    return Weights(_renamed(f"weights: {path}", tensors, names, unwrapped))


def _renamed(
    source: str,
    tensors: Mapping[str, Tensor],
    names: Mapping[str, str],
    first: Mapping[str, str] | None = None,
) -> dict[str, Tensor]:
    """Tensors with ``names`` applied to their names, or to what ``first`` makes of these.

    Raises ValueError where two would be called the same.
    """
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        new = first[name] if first else name
        for pattern, replacement in names.items():
            new = _replaced(pattern, replacement, new)
        if not new or new.endswith("."):
            continue
        if new in renamed:
            raise ValueError(f"{source}: two tensors would be called {new}")
        renamed[new] = tensor
    return renamed


def _replaced(pattern: str, replacement: str, name: str) -> str:
    try:
        return re.sub(pattern, replacement, name)
    # a reference to a group that the pattern lacks is an IndexError where it has a name
    except (re.error, IndexError) as error:
        raise ValueError(
            f"weights: names: '{replacement}' cannot replace '{pattern}': {error}"
        ) from error


def _check_kind(source: str, name: str, wanted: Tensor, tensor: Tensor) -> None:
    """Raise ValueError unless the numbers of ``tensor`` can stand where ``wanted`` is."""
    if wanted.is_floating_point():
        fits = tensor.dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    else:
        fits = not (tensor.is_floating_point() or tensor.is_complex())
    if not fits:
        kind, right = (str(one.dtype).removeprefix("torch.") for one in (tensor, wanted))
        raise ValueError(
            f"weights: {source}: {name} is {kind}, which cannot be read as {right}; weights saved "
            "as float32, float16 or bfloat16 would be right"
        )


def _load(
    network: ResidualNetwork, tensors: dict[str, Tensor], source: str, *, new_classifier: bool
) -> None:
    """Put ``tensors`` into ``network``, less the classifier where a new one was asked for."""
    wanted = network.body.state_dict()
    heads = network.classifier_names()
    layers = {path: network.body.get_submodule(path) for path in heads}
    classifier = {name for path in heads for name in tensors_of_layer(layers[path], path)}
    if new_classifier:
        # that of the file may be computed in another way, and have other tensors
        of_heads = tuple(f"{path}." for path in heads)
        tensors = {name: value for name, value in tensors.items() if not name.startswith(of_heads)}
        tensors |= {name: wanted[name] for name in classifier}
    # a counter that evaluation never reads, and that older files lack
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}
    missing = sorted(set(wanted) - set(tensors) - counters)
    unwanted = sorted(set(tensors) - set(wanted))
    if missing or unwanted:
        parts = [
            f"{what} {', '.join(names[:3])}{' …' if len(names) > 3 else ''}"
            for what, names in (("it lacks", missing), ("it also has", unwanted))
            if names
        ]
        raise ValueError(
            f"weights: {source} does not fit {network.header.architecture}: {' and '.join(parts)}; "
            "'names' can map names to those here, and leave one out that becomes ''"
        )
    for name, tensor in tensors.items():
        _check_kind(source, name, wanted[name], tensor)
        if not torch.isfinite(tensor).all():
            raise ValueError(
                f"weights: {source}: {name} holds values that are not finite; weights of a run "
                "that did not diverge would be right"
            )
        here, there = tuple(wanted[name].shape), tuple(tensor.shape)
        if here == there:
            continue
        if name in classifier and here[1:] == there[1:]:
            raise ValueError(
                f"weights: {source} has {there[0]} classes and the data {here[0]}; "
                "'new_classifier: true' draws a new classifier"
            )
        raise ValueError(f"weights: {source}: {name} has shape {there}, not {here}")
    put_tensors(network.body, wanted | tensors)

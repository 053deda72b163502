"""Networks of timm and transformers: built by their names, and the files that the hub has of them.

Both packages are optional and take seconds to import, so only where such a network is used.
"""

import difflib
import functools
import importlib
import inspect
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from layer_pruning.models.hub_files import CONFIGURATION, PREPROCESSING, WEIGHTS, hub_path, told
from layer_pruning.models.specifications import (
    HuggingFaceNetwork,
    NamedNetwork,
    Record,
    Shape,
    TimmNetwork,
)
from layer_pruning.runtime.named_function import one_line

# what transformers takes for a network without a record of its own: those of ImageNet
IMAGE_SIZE = 224


def record_of(network: NamedNetwork) -> Record:
    """What timm or the hub say of a network. Raises ValueError in one line where it is unknown."""
    if isinstance(network, TimmNetwork):
        return _timm_record(network.network)
    settings = _configuration(network)
    size = getattr(settings, "image_size", None) or IMAGE_SIZE
    sides = [size, size] if isinstance(size, int) else size
    if not (isinstance(sides, list | tuple) and len(sides) == 2 and all(map(_is_size, sides))):
        raise _unfit(network, f"image_size: {size!r} should be one whole number of pixels, or two")
    height, width = sides
    mean, std = _preprocessing(network.repository)
    classes = settings.num_labels
    if network.repository:
        labels = told(network.repository, CONFIGURATION).get("id2label")
        if labels is not None and not isinstance(labels, dict):
            raise _unfit(network, f"id2label: {str(labels)[:80]} should be an object, or left out")
        classes = len(labels or range(classes))
    return Record(network.repository, (3, height, width), classes, mean, std)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _unfit(network: HuggingFaceNetwork, wrong: str) -> ValueError:
    """What is wrong with a configuration, with the file that has it or the name of the network."""
    repository = network.repository
    where = hub_path(repository, CONFIGURATION) if repository else network.network
    return ValueError(f"{where}: {wrong}")


def named_body(network: NamedNetwork, input_shape: Shape, classes: int) -> nn.Module:
    """The module of a network with new weights. Raises ValueError where it cannot be built."""
    if input_shape[0] not in (1, 3):
        raise ValueError(
            f"{network.network} takes images of one or three channels, not {input_shape[0]}"
        )
    try:
        if isinstance(network, TimmNetwork):
            return _timm_body(network, input_shape, classes)
        return _transformers_body(network, input_shape, classes)
    except ValueError:
        raise
    except Exception as error:
        shape = " × ".join(map(str, input_shape))
        raise ValueError(
            f"{network.network} cannot be built for images of {shape} with "
            f"{dict(network.build_arguments) or 'no arguments'}: {one_line(error)}"
        ) from error


def pretrained_tensors(network: NamedNetwork, body: nn.Module) -> dict[str, Tensor]:
    """The pretrained weights of a network as ``body`` takes them, from the file of the hub here.

    Those of timm by its own conversion, which brings position embeddings to the size of other
    images. Raises ValueError in one line where there is no such file.
    """
    path = hub_path(record_of(network).repository, WEIGHTS)
    try:
        tensors = dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise ValueError(f"weights: {path} cannot be read ({one_line(error)})") from error
    if isinstance(network, TimmNetwork):
        convert = getattr(inspect.getmodule(type(body)), "checkpoint_filter_fn", None)
        tensors = dict(convert(tensors, body)) if convert else tensors
    return tensors


def _package(name: str, network: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ValueError(
            f"{network}: the package {name} is not installed here; pip install "
            f"'layer-pruning[{name}]' (pip install -e '.[{name}]' in the checkout) gets it"
        ) from error


def _unknown(network: str, package: Any, known: list[str]) -> ValueError:
    prefix, name = network.split("/", 1)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean '{prefix}/{near[0]}'?" if near else ""
    return ValueError(f"'{network}' is unknown to {package.__name__} {package.__version__}{hint}")


def _timm(network: str) -> tuple[Any, str]:
    """The package, and the name of a network that it has."""
    timm, name = _package("timm", network), network.removeprefix("timm/")
    base, _, tag = name.partition(".")
    if not timm.is_model(base):
        raise _unknown(network, timm, timm.list_models())
    tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{base}.*")]
    if tag and tag not in tags:
        raise _unknown(network, timm, [f"{base}.{known}" for known in tags])
    return timm, name


def _timm_record(network: str) -> Record:
    timm, name = _timm(network)
    record = timm.get_pretrained_cfg(name, allow_unregistered=False) or timm.PretrainedCfg()
    return Record(
        repository=record.hf_hub_id or "",
        input_shape=tuple(record.input_size),
        classes=record.num_classes,
        mean=tuple(record.mean),
        std=tuple(record.std),
    )


def _timm_body(network: TimmNetwork, input_shape: Shape, classes: int) -> nn.Module:
    timm, name = _timm(network.network)
    arguments: dict[str, Any] = {"num_classes": classes, **network.build_arguments}
    record = timm.get_pretrained_cfg(name)
    if record is not None and record.fixed_input_size and "img_size" not in arguments:
        arguments["img_size"] = tuple(input_shape[1:])
    body: nn.Module = timm.create_model(name, pretrained=False, **arguments)
    return body


@functools.cache
def _transformers(network: str) -> Any:
    return _package("transformers", network)


def _configuration(network: HuggingFaceNetwork) -> Any:
    transformers = _transformers(network.network)
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES as CLASSIFIERS,
    )

    kind = network.network.removeprefix("hf/")
    if kind not in CLASSIFIERS:
        raise _unknown(network.network, transformers, sorted(CLASSIFIERS))
    try:
        return CONFIG_MAPPING[kind](**network.build_arguments)
    # each type of model checks its own keys in its own way, or fails on them
    except Exception as error:
        raise _unfit(
            network, f"transformers cannot configure a {kind} so ({one_line(error)[:300]})"
        ) from error


def _preprocessing(repository: str) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Mean and standard deviation that a network was trained with, where its file is here."""
    if not repository or not Path(hub_path(repository, PREPROCESSING)).is_file():
        return None, None
    said = told(repository, PREPROCESSING)
    mean, std = (said.get(key) for key in ("image_mean", "image_std"))
    if mean is None or std is None:
        return None, None
    for key, values in {"image_mean": mean, "image_std": std}.items():
        if not isinstance(values, list) or not all(type(v) in (int, float) for v in values):
            raise ValueError(
                f"{hub_path(repository, PREPROCESSING)}: {key}: {str(values)[:80]} should be a "
                "list of numbers, one a channel"
            )
    if len(mean) != len(std):
        raise ValueError(
            f"{hub_path(repository, PREPROCESSING)}: image_mean and image_std should have as many "
            "numbers"
        )
    return tuple(mean), tuple(std)


def _transformers_body(network: HuggingFaceNetwork, input_shape: Shape, classes: int) -> nn.Module:
    transformers, settings = _transformers(network.network), _configuration(network)
    settings.num_labels = classes
    if hasattr(settings, "image_size") and "image_size" not in network.build_arguments:
        settings.image_size = _size_like(settings.image_size, input_shape[1:])
    body: nn.Module = transformers.AutoModelForImageClassification.from_config(settings)
    return body


def _size_like(given: Any, size: tuple[int, int]) -> Any:
    """A size as a configuration writes it: one number for squares, or two."""
    return size[0] if isinstance(given, int) and size[0] == size[1] else list(size)

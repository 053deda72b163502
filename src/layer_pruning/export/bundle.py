"""The folder of an exported network: its files, checked, and the manifest that describes them."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from layer_pruning import __version__
from layer_pruning.configuration.opset import check_opset
from layer_pruning.export.card import model_card
from layer_pruning.export.formats import RUNS, run_module, traced, write_onnx, write_pt2
from layer_pruning.export.parity import TOLERANCE, in_two_batches, parity
from layer_pruning.models.copies import copied
from layer_pruning.models.holders import held
from layer_pruning.models.images import checked_images
from layer_pruning.models.residual import ResidualNetwork, load_network, save_network
from layer_pruning.runtime.atomic import write_json
from layer_pruning.runtime.callers_modes import outside_callers_modes

logger = logging.getLogger(__name__)

FORMAT = "layer-pruning export 1"
FILES = ("network.safetensors", "network.onnx", "network.pt2", "load_network.py")
CARD = "README.md"
"""The model card, which a hub shows first."""
CHECKED_IMAGES = 32
"""Images on which the files are compared with the network; more would show nothing else."""


@outside_callers_modes()
def export_network(
    network: nn.Module | str | os.PathLike[str],
    folder: str | os.PathLike[str],
    images: ArrayLike | Tensor | None = None,
    *,
    build: str | None = None,
    opset: int | None = None,
    license: str | None = None,
    images_from: str = "given by the caller",
    metrics: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write a network, or the one in a network file, as files that load without this package.

    They are ``network.safetensors`` (the network file as it is), ``network.onnx``,
    ``network.pt2``, ``load_network.py``, ``README.md``, a model card as hubs show it
    (:mod:`layer_pruning.export.card`), and ``manifest.json``, the content of which is returned.
    Each is read again and has to compute, on the CPU, what the network does on ``images``
    (n, channels, height, width), as float32 in [0, 1]. Without any, random ones are taken, and the
    manifest says so. ``build`` is the function that builds a network of one's own, as
    :func:`layer_pruning.load` takes it. ``opset`` is the version of ONNX's operators, that of the
    installed PyTorch by default, and ``license`` that of the weights, for the card, by its name on
    the hub (``mit``, ``apache-2.0``). ``metrics`` and ``provenance``, which
    JSON can hold, go into the manifest as they are.

    Raises ValueError in one line where a file does not agree, and for images of another shape, not
    finite, or outside [0, 1] for a network that normalises them; the files of ``folder`` then stay
    as they were.
    """
    check_opset(opset)
    metrics, provenance = _plain("metrics", metrics), _plain("provenance", provenance)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as name:
        scratch = Path(name)
        if isinstance(network, nn.Module):
            network = copied(held(network).in_float32()).cpu().eval()
            save_network(network, scratch / "network.safetensors")
        else:
            path, network = network, load_network(network, build=build)
            shutil.copyfile(path, scratch / "network.safetensors")
        if images is None:
            images, images_from = random_images(network), "random, uniform in [0, 1]"
        given = _checked(network, images)
        program = traced(network)
        write_pt2(program, scratch / "network.pt2")
        write_onnx(program, scratch / "network.onnx", opset=opset, about=onnx_metadata(network))
        shutil.copyfile(Path(__file__).with_name("load_network.py"), scratch / "load_network.py")
        manifest = {
            **description(network),
            "files": {file: fingerprint(scratch / file) for file in FILES},
            "checks": checks(network, scratch, given) | {"images_from": images_from},
            "metrics": metrics,
            "license": license,
            "provenance": {
                "layer_pruning_version": __version__,
                "torch_version": torch.__version__,
                **provenance,
            },
        }
        write_json(scratch / "manifest.json", manifest)
        (scratch / CARD).write_text(model_card(manifest), encoding="utf-8")
        # the manifest last: where it is, all that it names is
        for file in (*FILES, CARD, "manifest.json"):
            (scratch / file).replace(folder / file)
    return manifest


def _plain(name: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the manifest can hold of an option; numbers of NumPy and PyTorch are numbers.

    Raises ValueError in one line for anything else.
    """

    def number(value: Any) -> Any:
        if isinstance(value, np.generic | Tensor):
            return value.tolist()
        raise TypeError(f"a {type(value).__name__} is neither number nor text")

    try:
        text = json.dumps(dict(given or {}), default=number, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: JSON has to hold it, and cannot ({error})") from error
    plain: dict[str, Any] = json.loads(text)
    return plain


def _checked(network: ResidualNetwork, images: ArrayLike | Tensor) -> np.ndarray:
    """Images to compare with. Raises ValueError in one line for those that no file here takes."""
    given, size = checked_images(network.header, images).numpy(), network.header.input_shape
    if given.shape[1:] != size:
        raise ValueError(
            f"images have shape {given.shape}; (n, {', '.join(map(str, size))}) would be right"
        )
    return given


def random_images(network: ResidualNetwork) -> np.ndarray:
    """Images to compare with where there are no real ones, always the same."""
    shape = (CHECKED_IMAGES, *network.header.input_shape)
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def checks(network: ResidualNetwork, folder: Path, images: np.ndarray) -> dict[str, Any]:
    """Compare every file of ``folder`` that computes logits with ``network``.

    Raises ValueError in one line for the first that differs.
    """
    run = run_module(network)
    expected = in_two_batches(run, images)
    again = in_two_batches(run, images)
    if np.abs(again - expected).max() > TOLERANCE * np.abs(expected).max():
        raise ValueError(
            "the network itself gives other logits for the same images at the next call, so no "
            "file can agree with it: it draws at random in evaluation mode (dropout that is always "
            "on, say); 'export: {networks: none}' in the configuration leaves exports out"
        )
    by_file = {file: parity(file, run(folder), images, expected) for file, run in RUNS.items()}
    for file, record in by_file.items():
        logger.info("%s: logits differ by %.3g at most", file, record["largest_logit_difference"])
    return {
        "images": len(images),
        "relative_tolerance": TOLERANCE,
        "by_file": by_file,
    }


def description(network: ResidualNetwork) -> dict[str, Any]:
    """What somebody who has the files alone should know of the network."""
    header = network.header
    channels, height, width = header.input_shape
    return {
        "format": FORMAT,
        "architecture": header.architecture,
        "arguments": header.arguments,
        "kept_blocks": header.kept_blocks(),
        "removed_blocks": list(header.removed_blocks),
        "input": {
            "name": "images",
            "type": "float32",
            "shape": ["n", channels, height, width],
            # what a wrapped module takes that nobody described is known to whoever wrapped it
            "value_range": [0.0, 1.0] if header.normalises else None,
        },
        "normalisation": {
            "mean": list(header.mean),
            "std": list(header.std),
            "inside_the_network": True,
        },
        "output": {"name": "logits", "type": "float32", "shape": ["n", len(header.class_names)]},
        "class_names": list(header.class_names),
    }


def onnx_metadata(network: ResidualNetwork) -> dict[str, str]:
    """What an ONNX file says of its network, as texts; lists and the like are JSON."""
    told = description(network)
    chosen = {
        "architecture": told["architecture"],
        "class_names": told["class_names"],
        "removed_blocks": told["removed_blocks"],
        "input_value_range": told["input"]["value_range"],
        "normalisation": told["normalisation"],
        "layer_pruning_version": __version__,
    }
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in chosen.items()
    }


def fingerprint(path: Path) -> dict[str, Any]:
    """Size and SHA-256 of a file."""
    with path.open("rb") as file:
        return {
            "bytes": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }

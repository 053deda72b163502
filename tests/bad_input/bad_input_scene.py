"""A working folder with everything in it that can be wrong, and the table of what is said."""

import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import yaml
from PIL import Image
from safetensors.numpy import save_file

from layer_pruning.models.network_file import read_network, write_network
from layer_pruning.models.residual import save_network
from layer_pruning.surgery import without_block
from small_networks import header, random_network

TABLE = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text(encoding="utf-8"))
# right, and so small that what is added to it is what is wrong
RIGHT = {
    "datasets": ["digits"],
    "architectures": {"tiny": {"depth": 14, "widths": [4, 4, 6]}},
    "seeds": [0],
    "criteria": {"votes": ["cka"]},
    "removals": 2,
    "bootstrap": {"resamples": 0},
    "attacked_images": {"count": 4},
    "attacks": {},
    "energy": {"carbon_intensity_g_per_kwh": 100},
}
FOLDER = {
    "datasets": {"mine": {"kind": "image_folder", "path": "pictures/good"}},
    "probe": {"images_per_class": 7},
}
NETWORKS = '''
import torch


class Stackless(torch.nn.Sequential):
    """No block whose shortcut is the identity."""


def stackless(num_classes, input_shape):
    pixels = input_shape[0] * input_shape[1] * input_shape[2]
    return Stackless(torch.nn.Flatten(), torch.nn.Linear(pixels, num_classes))


def raises(num_classes, input_shape):
    raise KeyError("no such width")
'''


class RunsWhenOpened:
    """A pickle of it runs a command when it is opened."""

    def __reduce__(self):
        return os.system, ("touch PWNED",)


def merged(right: dict, given: dict) -> dict:
    """``given`` put into ``right``, mappings of settings key by key, those of names as a whole."""
    named = ("datasets", "architectures", "criteria", "attacks")
    return right | {
        key: right[key] | value
        if isinstance(value, dict) and isinstance(right.get(key), dict) and key not in named
        else value
        for key, value in given.items()
    }


def configuration(given: dict) -> dict:
    """The right configuration with what a case gives."""
    return merged(RIGHT, given)


def tree(folder: Path) -> dict[str, str]:
    """A digest of every file below a folder, less what Python and Snakemake keep for themselves."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {"__pycache__", ".snakemake"} & set(path.parts)
    }


def _image(path: Path, shape=(8, 8, 3), dtype=np.uint8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(len(str(path)))
    Image.fromarray(generator.integers(0, 256, shape).astype(dtype)).save(path)


def _pictures(folder: Path) -> None:
    names = ("good", "corrupt", "text", "mixed_colour", "mixed_size", "deep", "first_corrupt")
    for name in names:
        for label in ("cat", "dog"):
            for index in range(20):
                _image(folder / name / label / f"{index}.png")
    cut = (folder / "corrupt" / "dog" / "3.png").read_bytes()
    (folder / "corrupt" / "dog" / "3.png").write_bytes(cut[: len(cut) // 2])
    (folder / "text" / "dog" / "3.png").write_text("a dog")
    _image(folder / "mixed_colour" / "dog" / "3.png", (8, 8))
    _image(folder / "mixed_size" / "dog" / "3.png", (9, 8, 3))
    _image(folder / "deep" / "dog" / "3.png", (8, 8), np.uint16)
    (folder / "first_corrupt" / "cat" / "0.png").write_bytes(b"\x89PNG")
    _image(folder / "empty_class" / "cat" / "0.png")
    (folder / "empty_class" / "dog").mkdir()
    _image(folder / "one_class" / "cat" / "0.png")
    for label in ("cat", "dog"):
        _image(folder / "one_image" / label / "0.png")
        _image(folder / "train_only" / "train" / label / "0.png")
        _image(folder / "classes_differ" / "train" / label / "0.png")
        _image(folder / "classes_differ" / "test" / label / "0.png")
    _image(folder / "classes_differ" / "test" / "fish" / "0.png")


def _weights(folder: Path) -> None:
    def saved(name: str, network: str = "resnet14", **options) -> None:
        tensors = random_network(network, classes=2, shape=(1, 8, 8), **options).body.state_dict()
        save_file({k: v.numpy() for k, v in tensors.items()}, folder / name)

    saved("good.safetensors")
    saved("good {x}.safetensors")
    saved("wider.safetensors", widths=(8, 16, 32))
    saved("deeper.safetensors", network="resnet20")
    plain = random_network("resnet14", classes=2).body.state_dict()
    tensors = {name: value.numpy() for name, value in plain.items()}
    save_file({f"x.{name}": v for name, v in tensors.items()}, folder / "other_names.safetensors")
    bias = np.full_like(tensors["classifier.bias"], np.nan)
    save_file(tensors | {"classifier.bias": bias}, folder / "nan.safetensors")
    save_file({}, folder / "empty.safetensors")
    ten = random_network("resnet14", classes=10).body.state_dict()
    save_file({k: v.numpy() for k, v in ten.items()}, folder / "ten_classes.safetensors")
    save_network(random_network("resnet14", classes=2), folder / "whole.safetensors")
    pruned = without_block(*read_network(folder / "whole.safetensors"), "stage1.block2")
    write_network(folder / "pruned.safetensors", *pruned)
    whole = (folder / "good.safetensors").read_bytes()
    (folder / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    for name in ("evil.safetensors", "evil.pth"):
        (folder / name).write_bytes(pickle.dumps(RunsWhenOpened()))


def plant(folder: Path) -> Path:
    """Everything that the table names, below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    _pictures(folder / "pictures")
    _weights(folder)
    (folder / "bad_networks.py").write_text(NETWORKS)
    (folder / "broken.yaml").write_text("seeds: [0\n")
    return folder


def two_classes():
    """The header that the planted weights are to fit."""
    return header("resnet14", classes=2)

"""Where a job computes. PyTorch is imported when a device is selected, not before."""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from layer_pruning.runtime.gpus import bus_index, take_gpu, visible_gpus

if TYPE_CHECKING:
    import torch


# what select_device took last, and NVML's index of it
_kind: str | None = None
_own: list[int] | None = None


def own_gpus() -> list[int] | None:
    """NVML's index of the card that this process computes on; empty for the CPU.

    Empty too for a card that cannot be told from others, such as a part of one. None where no
    device was selected, or where it is not NVIDIA's: nobody knows then.
    """
    torch = sys.modules.get("torch")
    # a library's user may go on to a card that was never selected here
    moved_on = _kind == "cpu" and torch is not None and torch.cuda.is_initialized()
    return None if moved_on else _own


def _gpu_number(name: str) -> int | None:
    """Which GPU is meant; None for the CPU, and for whatever there is."""
    return int(name.partition(":")[2] or 0) if name.startswith("cuda") else None


def check_device(name: str) -> None:
    """Raise ValueError where this machine lacks the GPU called ``name``.

    PyTorch, which takes seconds to import, is asked only where the GPU seems to be missing.
    """
    number = _gpu_number(name)
    if number is not None and number >= len(visible_gpus()):
        select_device(name, 1)


def select_device(name: str, threads: int) -> "torch.device":
    """The device called ``name`` (auto, cpu, cuda, cuda:0 …), with ``threads`` CPU threads.

    For ``auto`` and ``cuda`` the process takes a card that no other job holds, waits for one where
    need be, and sees no other card from then on. A card that is named is taken as it is, so several
    jobs can share it. :func:`own_gpus` says which it is.

    Raises ValueError where a GPU is asked for and there is none.
    """
    import torch

    global _kind, _own
    torch.set_num_threads(threads)
    gpus = visible_gpus() if torch.version.cuda else []
    if gpus:
        # the order in which locks and NVML count them, where CUDA would begin with the fastest
        os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    if name in ("auto", "cuda") and gpus:
        gpus = [take_gpu(gpus)]
        # CUDA reads this when it is first used, which importing PyTorch is not
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus[0]
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    number = _gpu_number(name)
    if number is not None:
        count = torch.cuda.device_count()
        if number >= count:
            raise ValueError(
                f"device: '{name}' is asked for and PyTorch sees {count} GPUs here; "
                "'auto' takes one where there is one"
            )
    device = torch.device(name)
    _kind, taken = device.type, gpus[number : number + 1] if number is not None else []
    told = [index for gpu in taken if (index := bus_index(gpu)) is not None]
    _own = told if gpus or _kind == "cpu" else None
    return device


def device_of(config: Mapping[str, Any]) -> "torch.device":
    """The device that a configuration asks for, taken; raises as :func:`select_device`."""
    return select_device(config["device"], config["threads"])

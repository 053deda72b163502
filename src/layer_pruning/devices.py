"""Where a job computes. PyTorch is imported when a device is selected, not before."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def installed_gpus() -> int:
    """GPUs of NVIDIA that this machine has, without asking PyTorch."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def select_device(name: str, threads: int) -> "torch.device":
    """The device called ``name`` (auto, cpu, cuda, cuda:0 …), with ``threads`` CPU threads.

    Raises ValueError where a GPU is asked for and there is none.
    """
    import torch

    torch.set_num_threads(threads)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda"):
        count = torch.cuda.device_count()
        if int(name.partition(":")[2] or 0) >= count:
            raise ValueError(
                f"device: '{name}' is asked for and PyTorch sees {count} GPUs here; "
                "'auto' takes one where there is one"
            )
    return torch.device(name)

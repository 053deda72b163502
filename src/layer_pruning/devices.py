"""Where a job computes. PyTorch is imported when a device is selected, not before."""

import os
from typing import TYPE_CHECKING

from layer_pruning.gpus import take_gpu, visible_gpus

if TYPE_CHECKING:
    import torch


def select_device(name: str, threads: int) -> "torch.device":
    """The device called ``name`` (auto, cpu, cuda, cuda:0 …), with ``threads`` CPU threads.

    For ``auto`` and ``cuda`` the process takes a card that no other job holds, waits for one where
    need be, and sees no other card from then on: CodeCarbon too meters the one that is in
    CUDA_VISIBLE_DEVICES. A card that is named is taken as it is, so several jobs can share it.

    Raises ValueError where a GPU is asked for and there is none.
    """
    import torch

    torch.set_num_threads(threads)
    if name in ("auto", "cuda") and torch.version.cuda and (gpus := visible_gpus()):
        # CUDA reads this when it is first used, which importing PyTorch is not
        os.environ["CUDA_VISIBLE_DEVICES"] = take_gpu(gpus)
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

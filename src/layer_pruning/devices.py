"""Where a job computes."""

import torch


def select_device(name: str, threads: int) -> torch.device:
    """The device called ``name`` (auto, cpu, cuda, cuda:0 …), with ``threads`` CPU threads.

    Raises ValueError where a GPU is asked for and there is none.
    """
    torch.set_num_threads(threads)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda"):
        count = torch.cuda.device_count()
        index = int(name.partition(":")[2] or 0)
        if index >= count:
            raise ValueError(
                f"device: '{name}' is asked for and PyTorch sees {count} GPUs here; "
                "'auto' takes one where there is one"
            )
    return torch.device(name)

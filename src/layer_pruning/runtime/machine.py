"""The machine that a process runs on, and the versions of what it runs.

Written beside results, so that a report says where they come from even when it is drawn elsewhere.
Nothing that identifies a machine or its user (names, addresses, paths) is recorded.
"""

import os
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from layer_pruning import __version__

PACKAGES = (
    *("torch", "torchvision", "numpy", "scipy", "pandas", "safetensors"),
    *("codecarbon", "pyautoattack", "snakemake"),
)


def machine() -> dict[str, Any]:
    """Processor, cores, memory, GPU, system and versions; what cannot be found out is None.

    ``cores`` are those of the machine and ``usable_cores`` those that this process may use,
    ``memory_bytes`` is the memory of the machine. ``gpu`` is the card that PyTorch computes on, if
    it has started to.
    """
    return {
        "processor": processor_name() or platform.processor() or None,
        "cores": os.cpu_count(),
        "usable_cores": _usable_cores(),
        "memory_bytes": _memory(),
        "gpu": _gpu(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Versions of Python, this package, and those of PACKAGES that are installed."""
    found = {"python": platform.python_version(), "layer_pruning": __version__}
    for name in PACKAGES:
        # what is loaded knows best, and may say what it was built for
        loaded = getattr(sys.modules.get(name), "__version__", None)
        try:
            found[name] = str(loaded or version(name))
        except PackageNotFoundError:
            continue
    return found


def processor_name() -> str | None:
    """The "model name" of /proc/cpuinfo; None where there is none (no Linux, most ARM kernels)."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return None
    model = re.search(r"^model name\s*:\s*(\S.*)$", text, re.MULTILINE)
    return model[1].strip() if model else None


def _usable_cores() -> int | None:
    # not on a Mac
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _gpu() -> str | None:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    return str(torch.cuda.get_device_name())

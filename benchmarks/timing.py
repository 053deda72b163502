"""Seconds of calls, and what they were measured on."""

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch


def synchronise(device: torch.device) -> None:
    """Wait for a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(job: Callable[[], object], device: torch.device) -> float:
    """Seconds of a call: CPU time of all threads, which other jobs disturb less, or a GPU's."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    started = clock()
    job()
    synchronise(device)
    return clock() - started


def spread(values: Sequence[float]) -> str:
    """Median, least and largest."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def described(options: argparse.Namespace, device: torch.device) -> str:
    """The machine in one line."""
    if device.type == "cuda":
        return f"{options.architecture}, {torch.cuda.get_device_name(device)}"
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    named = {key.strip(): value.strip() for key, value in fields.items()}
    flags = set(named.get("flags", "").split())
    bf16 = [flag for flag in ("avx512_bf16", "amx_bf16", "avx_ne_convert") if flag in flags]
    return (
        f"{options.architecture}, {named.get('model name', platform.processor())}, "
        f"{options.threads} thread(s), bf16 instructions: {', '.join(bf16) or 'none'}"
    )

"""In which numbers a network is trained, and how its images lie in memory."""

import shutil

import torch
from torch import nn

# below, casting costs what the arithmetic saves: 8 × 8 digits gained nothing (docs/benchmarks.md)
SMALLEST_IMAGE = 16 * 16


def resolved_precision(name: str, device: torch.device, pixels: int) -> torch.dtype:
    """The type that convolutions and linear layers compute in; weights stay float32.

    ``auto`` is bfloat16 where the device has instructions for it and images have at least 16 × 16
    ``pixels``, float32 elsewhere. Raises ValueError where bfloat16 is asked for and would have to
    be emulated.
    """
    if name == "float32":
        return torch.float32
    native = has_bfloat16(device)
    if name == "bfloat16" and not native:
        raise ValueError(
            f"precision: bfloat16 is asked for and {device} has no instructions for it; 'auto' "
            "takes float32 there"
        )
    fast = name == "bfloat16" or pixels >= SMALLEST_IMAGE
    return torch.bfloat16 if native and fast else torch.float32


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # not in the oldest PyTorch that we support
    ask = getattr(torch.cpu, "get_capabilities", None)
    capabilities = ask() if ask else {}
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def compiled(network: nn.Module) -> nn.Module:
    """The network, compiled. Raises ValueError where there is no compiler to do it with."""
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++", "cl")):
        raise ValueError(
            "compile: torch.compile needs a C++ compiler, such as g++, and none is found here; "
            "install one, or 'compile: false'"
        )
    return torch.compile(network)  # type: ignore[return-value]

"""Draws of random numbers: from the global generators, put back as they were, and of images."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Seed what draws on the processor, and on ``device`` where that is a GPU; then restore it.

    ``torch.manual_seed`` seeds all GPUs too, also those whose state nobody has kept, and asks for
    them at every call.
    """
    generators = [torch.default_generator]
    if device is not None and device.type == "cuda":
        # there once a GPU is in use
        torch.cuda.init()
        number = torch.cuda.current_device() if device.index is None else device.index
        generators.append(torch.cuda.default_generators[number])
    before = [generator.get_state() for generator in generators]
    for generator in generators:
        generator.manual_seed(seed)
    try:
        yield
    finally:
        for generator, state in zip(generators, before, strict=True):
            generator.set_state(state)


def drawn_images(count: int, input_shape: tuple[int, ...]) -> torch.Tensor:
    """Images (count, channels, height, width), uniform in [0, 1], always the same.

    float32 on the CPU, whatever the defaults of PyTorch are.
    """
    generator = torch.Generator().manual_seed(0)
    shape = (count, *input_shape)
    return torch.rand(shape, generator=generator, dtype=torch.float32, device="cpu")

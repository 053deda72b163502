"""The processes that train one network together, by PyTorch's distributed package.

Each has a copy of the network and, of every batch, its part; gradients are averaged, so that all
copies stay the same. The first one writes files.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from layer_pruning.runtime.processes import place

T = TypeVar("T")

# a rank may wait for another one that still reads its images
PATIENCE = timedelta(minutes=60)


@dataclass(frozen=True)
class Ranks:
    """This process among ``count`` that train together; on its own without a group."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    """Among those on this machine."""

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def part_of(self, whole: int) -> slice:
        """This process's part of ``whole`` things, as equal as can be, in the order of ranks."""
        size, more = divmod(whole, self.count)
        start = self.rank * size + min(self.rank, more)
        return slice(start, start + size + (self.rank < more))

    def weight(self, part: int, whole: int) -> float:
        """What makes the mean over processes of means over parts the mean over the whole."""
        return part * self.count / whole

    def summed(self, values: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.count > 1:
            distributed.all_reduce(values)
        return values

    def gathered(self, value: T) -> list[T]:
        """The values of all processes, by rank."""
        if self.count == 1:
            return [value]
        values: list[T | None] = [None] * self.count
        distributed.all_gather_object(values, value)
        return values  # type: ignore[return-value]

    def from_first(self, read: Callable[[], T]) -> T:
        """What ``read`` returns in the first process."""
        if self.count == 1:
            return read()
        found = [read() if self.first else None]
        distributed.broadcast_object_list(found, src=0)
        return found[0]  # type: ignore[return-value]

    def share_buffers(self, network: nn.Module) -> None:
        """Give all processes the buffers (the statistics of norms) of the first one."""
        if self.count > 1:
            for buffer in network.buffers():
                distributed.broadcast(buffer, src=0)


ALONE = Ranks()


def replicated(network: nn.Module) -> nn.Module:
    """``network``, with gradients averaged over all processes."""
    # PyTorch advises against looking for parameters without a part in the loss where there are none
    warnings.filterwarnings("ignore", message="find_unused_parameters=True")
    return DistributedDataParallel(
        network,
        find_unused_parameters=True,
        # each has its own statistics of norms, and those of the first count
        broadcast_buffers=False,
    )


@contextmanager
def joined_ranks(device: torch.device) -> Iterator[Ranks]:
    """The processes of this job, which begin and end the block together."""
    here = place()
    if here is None:
        yield ALONE
        return
    if device.type == "cuda":
        torch.cuda.set_device(device.index or 0)
    # objects travel between processors, whatever the tensors do
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, rank=here.rank, world_size=here.count, timeout=PATIENCE)
    try:
        yield Ranks(here.rank, here.count, here.local_rank)
        distributed.barrier()
    finally:
        distributed.destroy_process_group()

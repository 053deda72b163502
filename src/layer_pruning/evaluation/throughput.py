"""Networks, and parts of them, as something to run and measure."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

MODES = ("eager", "compiled", "cuda_graphs")


def batch_runner(module: nn.Module, batch: Tensor, mode: str = "eager") -> Callable[[], None]:
    """A function that sends ``batch`` through ``module``, in evaluation mode.

    It returns when the result is there, also on a GPU. ``mode`` is ``eager``, ``compiled`` (by
    ``torch.compile``, at the first call) or ``cuda_graphs`` (captured once here and replayed).
    Raises ValueError for another mode, and for CUDA graphs without a GPU.
    """
    if mode not in MODES:
        raise ValueError(f"mode: '{mode}' should be one of {', '.join(MODES)}")
    module.eval()
    if mode == "cuda_graphs":
        return _captured(module, batch)
    forward = _compiled(module) if mode == "compiled" else module

    @torch.inference_mode()
    def run() -> None:
        forward(batch)
        if batch.is_cuda:
            torch.cuda.synchronize(batch.device)

    return run


def _compiled(module: nn.Module) -> Callable[[Tensor], Tensor]:
    import torch._dynamo

    # every network shares the code of its class, and past the limit of compilations that a piece
    # of code has, PyTorch would go on in eager mode without a word
    torch._dynamo.config.recompile_limit = 256
    torch._dynamo.config.fail_on_recompile_limit_hit = True
    compiled: Callable[[Tensor], Tensor] = torch.compile(module, dynamic=False)
    return compiled


def _captured(module: nn.Module, batch: Tensor) -> Callable[[], None]:
    if not batch.is_cuda:
        raise ValueError(
            "latency.modes: 'cuda_graphs' needs a GPU, and this job runs on the CPU; leave it out"
        )
    device = batch.device
    with torch.cuda.device(device), torch.inference_mode():
        # lazy initialisation of libraries cannot be captured, and should be done on a side stream
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                module(batch)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            module(batch)

    def run() -> None:
        graph.replay()
        torch.cuda.synchronize(device)

    return run


def peak_memory_bytes(module: nn.Module, batch: Tensor) -> int | None:
    """Memory that a forward pass of ``batch`` takes at its peak, the module's own tensors included.

    What PyTorch allocates on a GPU; input and other networks there do not count. None on the CPU,
    where PyTorch keeps no such count.
    """
    if not batch.is_cuda:
        return None
    run = batch_runner(module, batch)
    # libraries take their workspace in the first call
    run()
    torch.cuda.reset_peak_memory_stats(batch.device)
    before = torch.cuda.memory_allocated(batch.device)
    run()
    rise = torch.cuda.max_memory_allocated(batch.device) - before
    tensors = [*module.parameters(), *module.buffers()]
    return rise + sum(tensor.numel() * tensor.element_size() for tensor in tensors)

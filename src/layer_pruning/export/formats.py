"""The formats of an exported network: how each is written, and how each is run again."""

import io
import logging
import runpy
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.export import Dim, ExportedProgram

from layer_pruning.configuration.opset import check_opset
from layer_pruning.models.residual import ResidualNetwork

"""PyTorch's exporter writes no older one."""

Run = Callable[[np.ndarray], np.ndarray]
"""A format that was read again: images (n, channels, height, width) in [0, 1] to logits."""


def traced(network: ResidualNetwork) -> ExportedProgram:
    """The program that ``network``, in evaluation mode, runs on any number of images.

    It says nothing of where it was traced: neither paths of source files nor example images.
    Raises ValueError in one line for a network that cannot be traced.
    """
    images = torch.zeros(2, *network.header.input_shape)
    try:
        with torch.no_grad(), _quietly(), _plain_attention(network):
            program = torch.export.export(network, (images,), dynamic_shapes=({0: Dim("n")},))
    # what a module of the user's does may raise anything in the tracer
    except Exception as error:
        raise _not_exported("torch.export cannot follow the network", error) from error
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    # the examples would be written as a pickle
    program.example_inputs = None
    return program


@contextmanager
def _plain_attention(network: ResidualNetwork) -> Iterator[None]:
    """Attention of transformers as products and a softmax: ONNX cannot hold all fused kernels."""
    models: list[Any] = [m for m in network.modules() if hasattr(m, "set_attn_implementation")]
    before = [model.config._attn_implementation for model in models]
    try:
        for model in models:
            model.set_attn_implementation("eager")
        yield
    finally:
        for model, implementation in zip(models, before, strict=True):
            model.set_attn_implementation(implementation)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the hundred lines that PyTorch logs and prints of a program that it gave up on."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _not_exported(what: str, error: Exception) -> ValueError:
    """In one line, with the remedy: some networks run and cannot be written as a program."""
    # ONNX wraps the reason in advice
    lines = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
    return ValueError(
        f"{what}, as where a block branches on a value or loops over images: {lines[0][:200]}; "
        "'export: {networks: none}' in the configuration leaves exports out"
    )


def write_pt2(program: ExportedProgram, path: Path) -> None:
    """Write ``program`` as torch.export reads it."""
    torch.export.save(program, path)


def write_onnx(
    program: ExportedProgram,
    path: Path,
    *,
    opset: int | None = None,
    about: Mapping[str, str] | None = None,
) -> None:
    """Write ``program`` as ONNX, with one input ``images`` and one output ``logits``, checked.

    The number of images is free. ``opset`` is the version of ONNX's operators, PyTorch's own
    choice by default, and ``about`` goes into the metadata of the model. Raises ValueError in one
    line where the checker of ONNX objects, and for an opset in which the network cannot be written.
    """
    import onnx

    check_opset(opset)
    # what each of their passes did would drown the log of the job
    for library in ("onnx_ir", "onnxscript"):
        logging.getLogger(library).setLevel(logging.WARNING)
    names: dict[str, Any] = {"input_names": ["images"], "output_names": ["logits"]}
    # onnxscript before 0.7 prints how many of its rules it applied
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        # advice on how to write operators, which is for those who develop PyTorch
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                program,
                (),
                path,
                dynamo=True,
                external_data=False,
                verbose=False,
                opset_version=opset,
                # the program knows that this axis varies; here it gets its name
                dynamic_shapes=({0: "n"},),
                **names,
            )
        # an operator that ONNX lacks, or a converter of operators that fails in its own way
        except Exception as error:
            if opset is None:
                raise _not_exported("ONNX cannot hold the network", error) from error
            raise ValueError(
                f"opset: the network cannot be written in {opset} "
                f"({' '.join(str(error).split())[:200]}); none, PyTorch's choice, would be right"
            ) from error
    _describe(path, opset, about or {})
    try:
        onnx.checker.check_model(path, full_check=True)
    except onnx.checker.ValidationError as error:
        raise ValueError(
            f"{path.name}: ONNX's checker says: {' '.join(str(error).split())}"
        ) from error


def _describe(path: Path, opset: int | None, about: Mapping[str, str]) -> None:
    """Put ``about`` into the metadata of a model; it has to be of the ``opset`` asked for."""
    import onnx

    model = onnx.load(path)
    written = next(one.version for one in model.opset_import if not one.domain)
    if opset is not None and written != opset:
        # the converter leaves a model as it is where it lacks an operator
        raise ValueError(
            f"opset: the network cannot be written in {opset}; {written}, or none, would be right"
        )
    onnx.helper.set_model_props(model, dict(about))
    onnx.save(model, path)


def run_loader(folder: Path) -> Run:
    """What ``load_network.py`` makes of ``network.safetensors``."""
    load = runpy.run_path(str(folder / "load_network.py"))["load"]
    return run_module(load(str(folder / "network.safetensors")))


def run_pt2(folder: Path) -> Run:
    """What torch.export reads from ``network.pt2``."""
    return run_module(torch.export.load(folder / "network.pt2").module())


def run_onnx(folder: Path) -> Run:
    """What ONNX Runtime makes of ``network.onnx``, on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(
            folder / "network.onnx", options, providers=["CPUExecutionProvider"]
        )
    # its errors have no class of their own: operators that it does not know yet, say
    except Exception as error:
        raise ValueError(
            f"network.onnx: ONNX Runtime {onnxruntime.__version__} cannot read it: "
            f"{' '.join(str(error).split())[:200]}"
        ) from error
    return lambda images: session.run(["logits"], {"images": images})[0]


def run_module(network: torch.nn.Module) -> Run:
    """What a module gives, on the CPU."""

    @torch.inference_mode()
    def run(images: np.ndarray) -> np.ndarray:
        logits: np.ndarray = network(torch.from_numpy(images)).numpy()
        return logits

    return run


RUNS: dict[str, Callable[[Path], Run]] = {
    "load_network.py": run_loader,
    "network.onnx": run_onnx,
    "network.pt2": run_pt2,
}
"""File of an export that computes logits, to what reads it again from the folder of the export."""

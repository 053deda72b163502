"""``layer-pruning export``: a network in formats that load without this package."""

import argparse
from pathlib import Path
from typing import Any

from layer_pruning.cli.numbers import threads, whole


def add(commands: Any) -> None:
    """Add the command and its options."""
    export = commands.add_parser(
        "export",
        help="write a network as ONNX, .pt2 and weights with a loader, each checked",
        description="Write a network in formats that load without this package. Each is checked "
        "against the network on random images, as there are no data; in the workflow it is on "
        "images of the test split.",
    )
    export.add_argument("network", type=Path, help="a .safetensors file of the workflow")
    export.add_argument("folder", type=Path, help="where the files go")
    export.add_argument("--threads", type=threads, default=1, help="CPU threads (1)")
    export.add_argument(
        "--build",
        metavar="MODULE:FUNCTION",
        help="builds a network of your own; never taken from the file alone",
    )
    export.add_argument(
        "--opset", type=whole, metavar="N", help="version of ONNX's operators (PyTorch's choice)"
    )
    export.add_argument(
        "--license", metavar="NAME", help="that of the weights, for the model card, such as mit"
    )
    export.set_defaults(printed=printed)


def printed(given: argparse.Namespace) -> str:
    """Export a network file; the lines that say what was written and how well it agrees."""
    from layer_pruning.configuration.opset import check_opset
    from layer_pruning.models.network_file import read_header

    check_opset(given.opset, "--opset")
    read_header(given.network)
    # torch takes two seconds to import, and a wrong file is said before
    from layer_pruning.evaluation.complexity import complexity_record
    from layer_pruning.export.bundle import export_network
    from layer_pruning.models.residual import load_network
    from layer_pruning.runtime.devices import select_device

    select_device("cpu", given.threads)
    network = load_network(given.network, build=given.build)
    metrics = {"complexity": complexity_record(network)}
    manifest = export_network(
        given.network,
        given.folder,
        build=given.build,
        opset=given.opset,
        license=given.license,
        metrics=metrics,
    )
    checks = manifest["checks"]
    lines = []
    for file in manifest["files"]:
        check = checks["by_file"].get(file)
        said = f"logits differ by {check['largest_logit_difference']:.1e} at most" if check else ""
        lines.append(f"{given.folder / file!s:60}{said}".rstrip())
    compared = f"Compared on {checks['images']} images: {checks['images_from']}."
    told = [str(given.folder / name) for name in ("README.md", "manifest.json")]
    return "\n".join([*lines, *told, compared])

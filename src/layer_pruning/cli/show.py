"""``layer-pruning show``: what a network file holds."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from layer_pruning.terminal.style import row_text


def add(commands: Any) -> None:
    """Add the command and its options."""
    show = commands.add_parser("show", help="what a network file holds, and its history")
    show.add_argument("network", type=Path, help="a .safetensors file of the workflow")
    show.add_argument("--format", choices=("table", "json"), default="table")
    show.set_defaults(printed=printed)


def printed(given: argparse.Namespace) -> str:
    """What the command prints."""
    record = shown(given.network)
    return json.dumps(record, indent=2) if given.format == "json" else show_text(record)


def shown(path: Path) -> dict[str, Any]:
    """What a network file holds."""
    from layer_pruning.models.network_file import read_network

    header, tensors = read_network(path)
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "architecture": header.architecture,
        "arguments": header.arguments,
        "input_shape": list(header.input_shape),
        "mean": list(header.mean),
        "std": list(header.std),
        "class_names": list(header.class_names),
        "blocks": header.kept_blocks(),
        "removed_blocks": list(header.removed_blocks),
        "numbers": sum(tensor.size for tensor in tensors.values()),
    }


def show_text(record: dict[str, Any]) -> str:
    """The lines of ``show``."""

    def said(value: Any) -> str:
        return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

    def rounded(values: Sequence[float]) -> str:
        return ", ".join(f"{value:.4g}" for value in values)

    history = " → ".join(record["removed_blocks"]) or "nothing"
    arguments = [f"{key} {said(value)}" for key, value in record["arguments"].items()]
    names = record["class_names"]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    rows = {
        "architecture": ", ".join([record["architecture"], *arguments]),
        "input": f"{' × '.join(map(str, record['input_shape']))}, values in [0, 1]",
        "normalisation": f"mean {rounded(record['mean'])}; standard deviation "
        f"{rounded(record['std'])}",
        "classes": f"{len(names)}: {', '.join(names[:12])}{more}",
        "removed, in order": history,
        "blocks left": f"{len(record['blocks'])}: {', '.join(record['blocks'])}",
        "numbers": f"{record['numbers']:,} in {record['bytes']:,} bytes",
    }
    return "\n".join(row_text(name, value) for name, value in rows.items())

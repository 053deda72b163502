"""``layer-pruning blocks``: every block, whether it can go, and what it costs."""

import argparse
import json
from typing import Any

from layer_pruning.cli.networks import costs_of, described, header_of, timed_text
from layer_pruning.terminal.style import row_text


def add(commands: Any) -> None:
    """Add the command and its options."""
    blocks = commands.add_parser(
        "blocks",
        parents=[described()],
        help="every block, whether it can go and why not, and what it costs",
    )
    blocks.set_defaults(printed=printed)


def printed(given: argparse.Namespace) -> str:
    """What the command prints."""
    costs = costs_of(header_of(given), given)
    return json.dumps(costs, indent=2) if given.format == "json" else blocks_text(costs)


def blocks_text(costs: dict[str, Any]) -> str:
    """The table of ``blocks``."""
    lines = [f"{'block':24}{'MACs':>15}{'%':>7}{'parameters':>13}{'ms':>9}  can it go"]
    for block in costs["blocks"]:
        lines.append(
            f"{block['name']:24}{block['macs']:15,}{100 * block['macs'] / costs['macs']:7.2f}"
            f"{block['parameters']:13,}{1000 * block['latency_seconds']:9.3f}  "
            f"{'yes' if block['removable'] else 'no'}"
        )
        if not block["removable"]:
            lines.append(row_text("", f"no: {block['reason']}", 4))
    lines.append(
        f"{'the network':24}{costs['macs']:15,}{100:7.2f}{costs['parameters']:13,}"
        f"{1000 * costs['latency_seconds']:9.3f}"
    )
    lines.append(
        f"Multiply-accumulates of one image of {' × '.join(map(str, costs['input_shape']))}; "
        f"milliseconds of a batch of {costs['batch_size']} on {costs['device']}."
    )
    return "\n".join(
        [*lines[:-1], *(row_text("", line, 0) for line in (lines[-1], timed_text(costs)))]
    )

"""``layer-pruning init``: a commented configuration to begin with."""

import argparse
from pathlib import Path
from typing import Any

from layer_pruning.cli.check import estimated
from layer_pruning.cli.numbers import whole
from layer_pruning.cli.suggestion import command_text
from layer_pruning.terminal.style import row_text


def add(commands: Any) -> None:
    """Add the command and its options."""
    init = commands.add_parser(
        "init",
        help="write a commented configuration to begin with",
        description="Write a configuration with comments. With --images it is for the images of a "
        "folder, which are looked at; a network that fits them is chosen, and what the run takes "
        "on this machine is said. A file that is there is left alone.",
    )
    init.add_argument(
        "configuration",
        metavar="CONFIG",
        type=Path,
        nargs="?",
        default=Path("mine.yaml"),
        help="the file to write (mine.yaml)",
    )
    init.add_argument("--images", type=Path, metavar="FOLDER", help="holds a folder for each class")
    init.add_argument("--no-estimate", action="store_true", help="try nothing: no time, no memory")
    init.add_argument("--cores", type=whole, help="what you would give to run (all)")
    init.set_defaults(printed=printed)


def printed(given: argparse.Namespace) -> str:
    """Write a configuration to begin with; the lines that say what it is for."""
    from layer_pruning.cli.first_configuration import (
        check_new,
        configuration_text,
        look_at,
        with_cost,
        write_new,
    )

    path, cost = given.configuration, None
    check_new(path)
    images = look_at(given.images) if given.images else None
    text = configuration_text(given.images, images)
    if not given.no_estimate:
        # both ways of it are of the same pieces of work
        measured: dict[tuple[str, str], Any] = {}
        text, cost = with_cost(text, lambda tried: estimated(tried, given.cores, None, measured))
    write_new(path, text)
    lines = [f"{path} is written."]
    if images:
        lines.append(row_text("  images", images.text(), 10))
    if cost:
        lines.append(row_text("  takes", cost, 10))
    lines += ["Read it, then", *(f"  {command_text(then, path)}" for then in ("check", "run"))]
    return "\n".join(lines)

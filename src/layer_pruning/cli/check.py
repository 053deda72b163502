"""``layer-pruning check``: is a configuration right, what does it ask for, and how long is that?"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from layer_pruning.cli.launch import configuration_file
from layer_pruning.cli.numbers import whole
from layer_pruning.cli.suggestion import command_text


def add(commands: Any) -> None:
    """Add the command and its options."""
    check = commands.add_parser(
        "check",
        help="whether a configuration is right, what it asks for, and how long that takes here",
        description="Check a configuration, count what it asks for, and try some seconds of each "
        "kind of its work to say how long all of it takes on this machine.",
    )
    check.add_argument(
        "configuration",
        help="a file, or the name of one that lies with the workflow, such as compare",
    )
    check.add_argument("--no-estimate", action="store_true", help="try nothing: no time, no memory")
    check.add_argument(
        "--cluster",
        type=int,
        metavar="GPUS",
        help="how long it takes on a cluster with so many GPUs, and with 1, 8, 64 and 512",
    )
    check.add_argument("--cores", type=whole, help="what you would give to snakemake (all)")
    check.add_argument("--format", choices=("table", "json"), default="table")
    check.set_defaults(printed=printed)


def printed(given: argparse.Namespace) -> str:
    """What the command prints: what is asked for, and what that takes on this machine."""
    from layer_pruning.estimate.forecast import forecast_text
    from layer_pruning.estimate.preview import preview, preview_text

    if given.cluster is not None and (given.cluster < 1 or given.no_estimate):
        wrong = "--no-estimate tries nothing" if given.no_estimate else f"{given.cluster} is none"
        raise ValueError(f"--cluster: {wrong}; a number of GPUs alone would be right")
    path = configuration_file(given.configuration)
    record = preview(path)
    text = preview_text(record)
    if not given.no_estimate:
        record["estimate"] = estimated(path, given.cores, given.cluster)
        text = f"{text}\nOn this machine that takes\n{forecast_text(record['estimate'])}"
    if given.format == "json":
        return json.dumps(record, indent=2)
    left = command_text("run", given.configuration, "--dry-run")
    return f"{text}\nWhich of its jobs are left to do: {left}"


def estimated(
    configuration: Path,
    cores: int | None,
    cluster: int | None = None,
    measured: dict[tuple[str, str], Any] | None = None,
) -> dict[str, Any]:
    """The forecast of a run; a terminal shows what is being tried."""
    from layer_pruning.estimate.forecast import forecast

    show = sys.stderr.isatty()

    def say(what: str) -> None:
        # a line that the next one, and at last the table, takes the place of
        print(f"\r\033[KTrying {what} …" if what else "\r\033[K", end="", file=sys.stderr)

    record = forecast(configuration, cores, say if show else lambda _: None, cluster, measured)
    if show:
        say("")
    return record

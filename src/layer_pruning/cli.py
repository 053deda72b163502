"""The command line.

Begin a configuration and run it; is it right, which blocks has a network, what can pruning reach,
what does a file hold? What a command needs is imported by it: ``run`` is there at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layer_pruning import launch
from layer_pruning.installation import version, workflow_folder
from layer_pruning.planning import KINDS, Cost, Point, around, reachable_points
from layer_pruning.printable import printable
from layer_pruning.terminal.style import COLUMNS, coloured, row_text

if TYPE_CHECKING:
    from layer_pruning.data.catalog import DatasetInfo
    from layer_pruning.models.header import NetworkHeader
    from layer_pruning.models.specifications import Architecture, Shape


class Version(argparse.Action):
    """``--version``: the version is looked up where it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print it and end."""
        print(version())
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="layer-pruning",
        description="Make image classifiers shallower: begin a configuration (init), see what it "
        "asks for (check), run it (run). The others look at networks before and after pruning.",
    )
    top.add_argument("--version", action=Version, nargs=0, help="print the version and end")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_init(commands)

    network = argparse.ArgumentParser(add_help=False)
    network.add_argument(
        "architecture", help="such as resnet56, timm/convnext_atto or a name of --config"
    )
    network.add_argument(
        "--config", type=Path, help="configuration that describes network and images"
    )
    network.add_argument("--shortcut", help="parameter_free or projection (CIFAR ResNets)")
    network.add_argument(
        "--granularity", help="block or sublayer: attention and feed-forward halves on their own"
    )
    network.add_argument(
        "--input-shape",
        type=int,
        nargs=3,
        metavar=("CHANNELS", "HEIGHT", "WIDTH"),
        help="of an image (without --config 3 32 32 for CIFAR ResNets, or what is known)",
    )
    network.add_argument(
        "--classes",
        type=int,
        help="outputs (without --config 10 for CIFAR ResNets, else what is known, or 1000)",
    )
    network.add_argument("--batch-size", type=int, default=1, help="where latency is measured (1)")
    network.add_argument("--repeats", type=int, default=30, help="rounds of that measurement (30)")
    network.add_argument("--device", default="auto", help="where it is measured (auto)")
    network.add_argument("--threads", type=int, default=1, help="CPU threads (1)")
    network.add_argument("--format", choices=("table", "json"), default="table")

    commands.add_parser(
        "blocks",
        parents=[network],
        help="every block, whether it can go and why not, and what it costs",
    )
    plan = commands.add_parser(
        "plan",
        parents=[network],
        help="what can be reached around a target, before anything is trained",
    )
    target = plan.add_mutually_exclusive_group(required=True)
    for kind in KINDS:
        target.add_argument(
            f"--{kind}-reduction", type=float, metavar="PERCENT", help=f"percent of {kind} to save"
        )
    target.add_argument("--removals", type=int, metavar="N", help="blocks to remove")
    plan.add_argument("--min-blocks-per-stage", type=int, default=1, help="that stay (1)")
    plan.add_argument("--protect", nargs="*", default=[], metavar="BLOCK", help="blocks that stay")

    check = commands.add_parser(
        "check",
        help="whether a configuration is right, what it asks for, and how long that takes here",
        description="Check a configuration, count what it asks for, and try some seconds of each "
        "kind of its work to say how long all of it takes on this machine.",
    )
    check.add_argument("configuration", type=Path, help="what you would give to --configfile")
    check.add_argument("--no-estimate", action="store_true", help="try nothing: no time, no memory")
    check.add_argument(
        "--cluster",
        type=int,
        metavar="GPUS",
        help="how long it takes on a cluster with so many GPUs, and with 1, 8, 64 and 512",
    )
    check.add_argument("--cores", type=int, help="what you would give to snakemake (all)")
    check.add_argument("--format", choices=("table", "json"), default="table")

    show = commands.add_parser("show", help="what a network file holds, and its history")
    show.add_argument("network", type=Path, help="a .safetensors file of the workflow")
    show.add_argument("--format", choices=("table", "json"), default="table")
    _add_export(commands)
    completion = commands.add_parser(
        "completion",
        help="what a shell needs to complete these commands",
        description="Print a script of completion: layer-pruning completion bash > "
        "~/.local/share/bash-completion/completions/layer-pruning",
    )
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    return top


def _add_run(commands: Any) -> None:
    run = commands.add_parser(
        "run",
        help="prune, as a configuration says; what follows it is for snakemake",
        description="Run the workflow with a configuration. Results go to the working folder. All "
        "behind the configuration is for snakemake, such as --cores 2, --dry-run or --directory; "
        "without --cores, all cores are used. 'snakemake --snakefile' with the Snakefile that "
        "'layer-pruning where' names does the same.",
        usage="layer-pruning run (CONFIG | --demo) [SNAKEMAKE OPTION ...]",
    )
    run.add_argument(
        "configuration",
        metavar="CONFIG",
        nargs="?",
        help="a file, or the name of one that lies with the workflow, such as compare",
    )
    run.add_argument(
        launch.DEMONSTRATION,
        action="store_true",
        help="the demonstration: handwritten digits, nothing is downloaded",
    )
    commands.add_parser(
        "where", help="the folder of the workflow: its Snakefile, configurations and profiles"
    )


def _add_init(commands: Any) -> None:
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
    init.add_argument("--cores", type=int, help="what you would give to run (all)")


def _add_export(commands: Any) -> None:
    export = commands.add_parser(
        "export",
        help="write a network as ONNX, .pt2 and weights with a loader, each checked",
        description="Write a network in formats that load without this package. Each is checked "
        "against the network on random images, as there are no data; in the workflow it is on "
        "images of the test split.",
    )
    export.add_argument("network", type=Path, help="a .safetensors file of the workflow")
    export.add_argument("folder", type=Path, help="where the files go")
    export.add_argument("--threads", type=int, default=1, help="CPU threads (1)")
    export.add_argument(
        "--build",
        metavar="MODULE:FUNCTION",
        help="builds a network of your own; never taken from the file alone",
    )
    export.add_argument(
        "--opset", type=int, metavar="N", help="version of ONNX's operators (PyTorch's choice)"
    )
    export.add_argument(
        "--license", metavar="NAME", help="that of the weights, for the model card, such as mit"
    )


def header_of(given: argparse.Namespace) -> NetworkHeader:
    """The unpruned network that the arguments describe."""
    import yaml

    from layer_pruning.models.architectures import architecture
    from layer_pruning.models.header import NetworkHeader

    options: dict[str, Any] = {}
    data: DatasetInfo | None = None
    if given.config is not None:
        config = yaml.safe_load(given.config.read_text(encoding="utf-8")) or {}
        if not isinstance(config, dict):
            raise ValueError(f"{given.config}: a configuration is a mapping of keys to values")
        described = config.get("architectures")
        if isinstance(described, dict):
            options = dict(described.get(given.architecture) or {})
        data = first_dataset(config, given.config)
    for key in ("shortcut", "granularity"):
        if getattr(given, key) is not None:
            options[key] = getattr(given, key)
    if data is None:
        usual_shape, usual_classes = _usual(architecture(given.architecture, options))
    else:
        usual_shape, usual_classes = data.input_shape, data.classes
    shape = tuple(given.input_shape or usual_shape)
    classes = given.classes or usual_classes
    return NetworkHeader.of(
        given.architecture,
        options,
        input_shape=shape,
        mean=(0.5,) * shape[0],
        std=(0.25,) * shape[0],
        class_names=tuple(str(label) for label in range(classes)),
    )


def _usual(network: Architecture) -> tuple[Shape, int]:
    """Shape of images and number of classes that a network is usually for."""
    from layer_pruning.models.specifications import CifarResNet, HuggingFaceNetwork, TimmNetwork
    from layer_pruning.models.starts import pretrained_record

    if isinstance(network, TimmNetwork | HuggingFaceNetwork):
        record = pretrained_record(network)
        return record.input_shape, record.classes
    return ((3, 32, 32), 10) if isinstance(network, CifarResNet) else ((3, 224, 224), 1000)


def first_dataset(config: dict[str, Any], path: Path) -> DatasetInfo:
    """What is known of the first data set of a configuration file, or of the default one."""
    from layer_pruning.configuration.keys import Configuration
    from layer_pruning.data.catalog import complete_settings, dataset_info

    named = config.get("datasets") or Configuration.model_fields["datasets"].default
    name = next(iter(named))
    settings = named[name] if isinstance(named, dict) else {}
    try:
        return dataset_info(complete_settings(name, settings or {}))
    except (ValueError, OSError) as error:
        raise ValueError(f"{path}: datasets.{name}: {error}") from error


def costs_of(header: NetworkHeader, given: argparse.Namespace) -> dict[str, Any]:
    """Multiply-accumulates, parameters and measured latency of a network and of its blocks."""
    # torch takes two seconds to import, and `--help` and `show` need none
    import torch

    from layer_pruning.devices import select_device
    from layer_pruning.evaluation.complexity import counted_cost, parameter_count
    from layer_pruning.evaluation.machine_load import LoadWatch
    from layer_pruning.evaluation.savings import counted_savings, latencies, part_runners
    from layer_pruning.models.residual import new_network

    device = select_device(given.device, given.threads)
    network = new_network(header, 0).to(device).eval()
    images = torch.zeros(given.batch_size, *header.input_shape, device=device)
    names = network.block_names
    watch = LoadWatch()
    seconds = latencies(part_runners(network, images), repeats=given.repeats, seed=0)
    load = watch.record()
    counted = counted_savings(network, names)
    return {
        "architecture": header.architecture,
        "input_shape": list(header.input_shape),
        **counted_cost(network, header.input_shape)._asdict(),
        "parameters": parameter_count(network),
        # of its parts: a share of what is timed whole, under one call's overhead, would be another
        "latency_seconds": sum(seconds.values()),
        "batch_size": given.batch_size,
        "repeats": given.repeats,
        "load": load,
        "device": str(device),
        "blocks": [
            {
                "name": block.name,
                "stage": block.stage,
                "removable": block.removable,
                "reason": block.reason,
                "macs": int(counted[block.name]["macs"]),
                "parameters": int(counted[block.name]["parameters"]),
                "latency_seconds": seconds[block.name],
            }
            for block in header.blocks
        ],
    }


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


def timed_text(costs: dict[str, Any]) -> str:
    """How the times came about, and what else the machine was doing."""
    rounds, load = costs["repeats"], costs["load"]
    median = f"the median of {rounds} rounds" if rounds > 1 else "that of one round"
    others = load["other_cores_during"]
    busy = load["reason"] if others is None else f"other processes used {others:.1f} cores"
    return (
        f"The time of a part is {median}, that of the network the sum over its parts; "
        f"{busy} meanwhile, of {load['cores']}."
    )


def planned_points(
    header: NetworkHeader, costs: dict[str, Any], given: argparse.Namespace
) -> list[list[Point]]:
    """The levels of the lattice around the target of ``plan``."""
    from layer_pruning.models.candidates import Limits

    known = [block.name for block in header.blocks]
    for name in given.protect:
        if name not in known:
            raise ValueError(f"--protect: '{name}' is no block; there are {', '.join(known)}")
    names = header.candidates(Limits(given.min_blocks_per_stage, given.protect))
    if not names:
        raise ValueError(f"{header.architecture} has no block that could go under these limits")
    points = reachable_points(
        [
            Cost(b["name"], b["stage"], b["macs"], b["parameters"], b["latency_seconds"])
            for b in costs["blocks"]
            if b["name"] in names
        ],
        Counter(block.stage for block in header.blocks),
        {**costs, "latency": costs["latency_seconds"]},
        min_blocks_per_stage=given.min_blocks_per_stage,
    )
    if given.removals is not None:
        found = [point for point in points if point.removals == given.removals]
        if not found:
            most = points[-1].removals
            raise ValueError(
                f"--removals: {given.removals} is not in 0 … {most}, the most there is"
            )
        return [found]
    kind = next(kind for kind in KINDS if getattr(given, f"{kind}_reduction") is not None)
    return around(points, kind, getattr(given, f"{kind}_reduction"))


def plan_text(levels: list[list[Point]], costs: dict[str, Any]) -> str:
    """The table of ``plan``: one line a level, ranges where combinations of blocks differ."""

    def span(values: list[float]) -> str:
        low, high = min(values), max(values)
        return f"{low:.2f}" if high - low < 0.005 else f"{low:.2f} … {high:.2f}"

    head = f"{'removals':>8}{'MACs':>16}{'parameters':>16}{'time':>16}{'ways':>6}"
    lines = ["Percent saved, and how many blocks go of each stage", head + "  blocks gone"]
    for points in levels:
        stages = ", ".join(
            f"{stage} {span_of(sorted({p.by_stage[stage] for p in points}))}"
            for stage in points[0].by_stage
        )
        removals = span_of(sorted({point.removals for point in points}))
        saved = [[p.macs for p in points], [p.parameters for p in points]]
        saved.append([p.latency or 0.0 for p in points])
        line = f"{removals:>8}{''.join(f'{span(v):>16}' for v in saved)}{len(points):>6}  {stages}"
        if len(line) > COLUMNS:
            line = line.removesuffix(f"  {stages}") + "\n" + row_text("", stages, 10)
        lines.append(line)
    lines.append("A way is a number of blocks by stage.")
    return "\n".join([*lines, row_text("", timed_text(costs), 0)])


def point_record(point: Point) -> dict[str, Any]:
    """A point as JSON."""
    saved = {f"{kind}_saved_percent": getattr(point, kind) for kind in KINDS}
    return {"removals": point.removals, "by_stage": dict(point.by_stage)} | saved


def span_of(values: Sequence[int]) -> str:
    """A number, or the first and the last of several."""
    return str(values[0]) if len(values) == 1 else f"{values[0]}-{values[-1]}"


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


def exported(given: argparse.Namespace) -> str:
    """Export a network file; the lines that say what was written and how well it agrees."""
    from layer_pruning.models.network_file import read_header

    read_header(given.network)
    # torch takes two seconds to import, and a wrong file is said before
    from layer_pruning.devices import select_device
    from layer_pruning.evaluation.complexity import complexity_record
    from layer_pruning.export.bundle import export_network
    from layer_pruning.models.residual import load_network

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


def checked(given: argparse.Namespace) -> str:
    """What ``check`` prints: what is asked for, and what that takes on this machine."""
    from layer_pruning.estimate.forecast import forecast_text
    from layer_pruning.preview import preview, preview_text

    if given.cluster is not None and (given.cluster < 1 or given.no_estimate):
        wrong = "--no-estimate tries nothing" if given.no_estimate else f"{given.cluster} is none"
        raise ValueError(f"--cluster: {wrong}; a number of GPUs alone would be right")
    record = preview(given.configuration)
    text = preview_text(record)
    if not given.no_estimate:
        record["estimate"] = estimated(given.configuration, given.cores, given.cluster)
        text = f"{text}\nOn this machine that takes\n{forecast_text(record['estimate'])}"
    if given.format == "json":
        return json.dumps(record, indent=2)
    left = f"layer-pruning run {record['configuration']} --dry-run"
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


def begun(given: argparse.Namespace) -> str:
    """Write a configuration to begin with; the lines that say what it is for."""
    from layer_pruning.first_configuration import (
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
    lines += ["Read it, then", f"  layer-pruning check {path}", f"  layer-pruning run {path}"]
    return "\n".join(lines)


def launched(arguments: Sequence[str]) -> int:
    """Run the workflow: this process becomes Snakemake's. Exit status 2 without a configuration.

    Raises FileNotFoundError or ValueError in one line before that.
    """
    own, options = launch.split(arguments)
    top = parser()
    given = top.parse_args(["run", *own])
    if given.configuration is None and not given.demo:
        top.error(
            "run: name a configuration first, such as mine.yaml, or --demo; 'layer-pruning init' "
            "writes one"
        )
    words = launch.command(given.configuration, options)
    os.execv(words[0], words)


def printed(given: argparse.Namespace) -> str:
    """What a command prints."""
    if given.command == "where":
        return str(workflow_folder())
    if given.command == "init":
        return begun(given)
    if given.command == "export":
        return exported(given)
    if given.command == "completion":
        import shtab

        return str(shtab.complete(parser(), given.shell))
    if given.command == "show":
        record = shown(given.network)
        return json.dumps(record, indent=2) if given.format == "json" else show_text(record)
    if given.command == "check":
        return checked(given)
    header = header_of(given)
    costs = costs_of(header, given)
    if given.command == "blocks":
        return json.dumps(costs, indent=2) if given.format == "json" else blocks_text(costs)
    levels = planned_points(header, costs, given)
    if given.format == "json":
        points = [point_record(point) for points in levels for point in points]
        about = {key: costs[key] for key in ("architecture", "batch_size", "repeats", "load")}
        return json.dumps(about | {"points": points}, indent=2)
    return plan_text(levels, costs)


def _is_users(error: Exception) -> bool:
    """Whether a message is for who called, rather than a defect of this software."""
    yaml = sys.modules.get("yaml")
    return isinstance(error, ValueError | OSError | (yaml.YAMLError if yaml else ValueError))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; a wrong argument or file is one line and exit status 2."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if words[:1] == ["run"]:
            return launched(words[1:])
        # at once, so that a reader that is gone (| head) is noticed here
        print(printable(printed(parser().parse_args(words))), flush=True)
    except BrokenPipeError:
        # Python would say so once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if not _is_users(error):
            raise
        name = coloured("layer-pruning:", "red", sys.stderr)
        for line in (str(error), *getattr(error, "others", ())):
            print(f"{name} {printable(' '.join(line.split()))}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

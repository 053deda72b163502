"""Which families of networks are wrapped and exactly pruned, and why others are not.

    python benchmarks/coverage.py --json families.json
    python benchmarks/coverage.py --source timm --shard 1/4 --json timm-1.json
    python benchmarks/coverage.py --table timm-*.json others.json --write docs/reference/networks.md

One small representative of each family of the installed versions of torchvision, timm and
transformers, with random weights and norms that are not trivial; nothing is downloaded. The
verdict does not use the package's own bypass: logits of a pruned network are compared with those
of the untouched module in which a hook overwrites what the block gives by what it was given.
Whether a family has blocks that could be found is told by another tracer: a module gives its input
back when all its parameters and buffers are zero.
"""

import argparse
import copy
import json
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

import layer_pruning
from layer_pruning.activations.sweep import Walk

SMALL_FIRST = (
    "zepto|atto|femto|pico|xxs|xxt|nano|tiny|mini|small|_s$|_xs|_s_|_t_|_t|_b0|_0|18$|121|050|"
    "_s0|_m0|base|"
)
SMALL = 96
"""Pixels of a side, for networks that take such images."""
SHALLOW = {"deepseek_vit": {"depth": 3}, "gemma4_vit": {"depth": 3}}
"""Families whose smallest network has hundreds of millions of parameters, and less of it."""
INSTEAD = {"resnest": "resnest26d", "vovnet": "eca_vovnet39b", "repvit": "repvit_m1"}
"""Families whose smallest network has no residual block, and one that has."""
CHECKED_BLOCKS = 3
"""Blocks of a network that are pruned, spread over its depth."""


@dataclass
class Row:
    """What was found out about a family."""

    source: str
    family: str
    network: str
    verdict: str
    """``pruned``, ``no block`` (and no other tracer finds one), or ``fails``."""
    removable: int = 0
    blocks: int = 0
    reason: str = ""
    sweep: str = ""
    """``shared`` where branches share what runs before them, else ``whole runs``."""
    seconds: float = 0.0


def torchvision_families() -> Iterator[tuple[str, str, Callable[[], nn.Module]]]:
    """Families of torchvision, their smallest network, and what builds it."""
    from torchvision import models

    by_module: dict[str, list[str]] = {}
    for name in models.list_models(module=models):
        family = models.get_model_builder(name).__module__.rpartition(".")[2]
        by_module.setdefault(family, []).append(name)
    for family, names in sorted(by_module.items()):
        name = smallest(names)
        yield family, name, lambda name=name, **_: models.get_model(name, weights=None)


def timm_families() -> Iterator[tuple[str, str, Callable[[], nn.Module]]]:
    """Families of timm, a small network of each, and what builds it."""
    import timm

    for family in sorted(timm.list_modules()):
        if names := timm.list_models(module=family):
            name = INSTEAD.get(family) or smallest(names)

            def build(name: str = name, family: str = family, **options: Any) -> nn.Module:
                if not timm.get_pretrained_cfg_value(name, "num_classes"):
                    options["num_classes"] = 1000  # else it gives features and has no classifier
                return timm.create_model(name, **SHALLOW.get(family, {}), **options)

            yield family, name, build


def transformers_families() -> Iterator[tuple[str, str, Callable[[], nn.Module]]]:
    """Image classifiers of transformers, made shallow where their configuration has a depth."""
    import transformers
    from transformers.models.auto import modeling_auto

    names = modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES
    for family, classes in sorted(names.items()):
        first = classes if isinstance(classes, str) else classes[0]

        def build(
            family: str = family, first: str = first, img_size: int | None = None
        ) -> nn.Module:
            config = shallow(transformers.AutoConfig.for_model(family, num_labels=10))
            if img_size and hasattr(config, "image_size"):
                config.image_size = img_size
            return getattr(transformers, first)(config)

        yield family, first, build


def shallow(config: Any) -> Any:
    """Fewer layers of each stage and part: blocks are alike, and time is short."""
    if isinstance(getattr(config, "depths", None), list | tuple):
        config.depths = [min(depth, 2) for depth in config.depths]
    elif isinstance(getattr(config, "num_hidden_layers", None), int):
        config.num_hidden_layers = min(config.num_hidden_layers, 3)
    for part in config.sub_configs:
        shallow(getattr(config, part))
    return config


def built(build: Callable[..., nn.Module]) -> tuple[nn.Module, Tensor]:
    """A network, and images as small as it takes, up to those of its own size."""
    module = build()
    channels, height, width = input_shape(module)
    trouble: Exception = ValueError("takes no images")
    for side in (SMALL, None):
        images = torch.randn((2, channels, side or height, side or width))
        for made in (lambda: copy.deepcopy(module), lambda side=side: build(img_size=side)):
            try:
                found = seasoned(made())
                for _ in range(2):  # donut-swin's first run on small images spoils the next one
                    logits(found, images)
                return settled(found, images), images
            except Exception as error:
                trouble = error
    raise trouble


SOURCES = {
    "torchvision": torchvision_families,
    "timm": timm_families,
    "transformers": transformers_families,
}


def smallest(names: list[str]) -> str:
    """The name that sounds smallest."""
    import re

    def size(name: str) -> tuple[int, int, str]:
        words = SMALL_FIRST.split("|")
        return next(i for i, word in enumerate(words) if re.search(word, name)), len(name), name

    return min(names, key=size)


def input_shape(module: nn.Module) -> tuple[int, int, int]:
    """What a network takes, by its own record."""
    if hasattr(module, "default_cfg"):
        return tuple(module.default_cfg["input_size"])
    config = getattr(module, "config", None)
    size = getattr(config, "image_size", None) or 224
    size = size if isinstance(size, int) else size[0]
    return (getattr(config, "num_channels", 3) or 3, size, size)


def seasoned(module: nn.Module) -> nn.Module:
    """Norms that have seen data, no parameter that is one constant, no layer that whispers.

    mobilevit's initial convolutions make its transformers' part smaller than a rounding error.
    """
    generator = torch.Generator().manual_seed(1)
    for name, buffer in module.named_buffers():
        if name.endswith("running_var"):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
        elif name.endswith("running_mean"):
            buffer.copy_(torch.randn(buffer.shape, generator=generator) * 0.1)
    for parameter in module.parameters():
        if parameter.numel() and (parameter == parameter.flatten()[0]).all():
            parameter.data += 0.2 * torch.randn(parameter.shape, generator=generator)
        if parameter.dim() > 1 and (size := parameter.square().mean().sqrt()):
            whole = parameter[0].numel() ** -0.5  # keeps the size of what goes through
            parameter.data *= max(1.0, float(whole / size))
    return module.eval()


def settled(module: nn.Module, images: Tensor) -> nn.Module:
    """Batch norms with the statistics of what goes through them, so that no branch drowns."""
    norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train().momentum = 1.0
    logits(module, torch.randn((8, *images.shape[1:])))
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
    return module.eval()


def logits(module: nn.Module, images: Tensor) -> Tensor:
    """Logits as the module itself gives them."""
    output = module(images)
    output = output[0] if isinstance(output, tuple) else output
    return getattr(output, "logits", output)


def tensors_in(value: Any) -> list[Tensor]:
    """All tensors of arguments, in order."""
    if isinstance(value, Tensor):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | tuple | list):
        return []
    return [tensor for item in items for tensor in tensors_in(item)]


def replaced(output: Any, waiting: list[Tensor]) -> Any:
    """``output`` with each tensor replaced by the next one of its shape among those given."""
    if isinstance(output, Tensor):
        place = next(i for i, tensor in enumerate(waiting) if tensor.shape == output.shape)
        return waiting.pop(place)
    if isinstance(output, tuple | list):
        return type(output)([replaced(item, waiting) for item in output])
    return output


def overwritten(module: nn.Module, block: str, images: Tensor) -> Tensor:
    """Logits of the untouched ``module`` when ``block`` gives what it was given."""
    kept: list[Any] = []

    def before(_: nn.Module, given: Any, named: Any) -> None:
        kept.append(copy.deepcopy((given, named)))

    def after(_: nn.Module, given: Any, named: Any, output: Any) -> Any:
        given, named = kept.pop()
        waiting = [*tensors_in(given), *tensors_in(named)]
        return replaced(output, waiting)

    part = module.get_submodule(block)
    handles = [
        part.register_forward_pre_hook(before, with_kwargs=True),
        part.register_forward_hook(after, with_kwargs=True),
    ]
    try:
        return logits(module, images)
    finally:
        for handle in handles:
            handle.remove()


def zeroed_identities(module: nn.Module, images: Tensor) -> list[str]:
    """Modules that give their input back when all that they hold is zero."""
    names, found = dict(module.named_modules()), []
    busy = False

    def watch(name: str) -> Callable[..., None]:
        def after(part: nn.Module, given: Any, named: Any, output: Any) -> None:
            nonlocal busy
            inputs, outputs = tensors_in([*given, *named.values()]), tensors_in(output)
            if busy or not inputs or not outputs:
                return
            x, y = inputs[0], outputs[0]
            if x.shape != y.shape or x.dim() < 2:
                return
            busy = True
            state = {key: torch.zeros_like(v) for key, v in part.state_dict().items()}
            try:
                (again, *_) = tensors_in(functional_call(part, state, given, named))
                if torch.equal(again, x) and not torch.equal(x, y):
                    found.append(name)
            except Exception as error:
                logging.debug("%s: %s", name, error)
            busy = False

        return after

    handles = [
        part.register_forward_hook(watch(name), with_kwargs=True)
        for name, part in names.items()
        if name and [*part.children()]
    ]
    logits(module, images)
    for handle in handles:
        handle.remove()
    return found


@torch.no_grad()
def examined(source: str, family: str, name: str, build: Callable[[], nn.Module]) -> Row:
    """Build, wrap and prune the network of a family."""
    started = time.perf_counter()
    torch.manual_seed(0)
    try:
        module, images = built(build)
        logits(module, images)
    except Exception as error:
        reason = f"cannot be built or run: {one_line(error)}"
        return Row(source, family, name, "not run", reason=reason)
    row = wrapped_and_pruned(Row(source, family, name, ""), module, images)
    row.seconds = round(time.perf_counter() - started, 1)
    return row


def wrapped_and_pruned(row: Row, module: nn.Module, images: Tensor) -> Row:
    """Fill in the verdict of ``row``."""
    shape = tuple(images.shape[1:])
    untouched = copy.deepcopy(module)
    try:
        network = layer_pruning.wrap(module, input_shape=shape)
    except Exception as error:
        others = zeroed_identities(untouched, images)
        row.verdict = "fails" if others else "no block"
        row.reason = one_line(error).split("; a network needs")[0]
        if not isinstance(error, ValueError):
            row.reason = f"{type(error).__name__}: {row.reason}"
        if others:
            row.reason += f" (by zeroed weights: {', '.join(others[:2])})"
        return row
    blocks = network.header.blocks
    names = [block.name for block in blocks if block.removable]
    row.removable, row.blocks = len(names), len(blocks)
    intact = logits(untouched, images)
    row.verdict = "pruned"
    walk = Walk(network, names, torch.float32)
    walk.settle(images[:1], together=False)
    row.sweep = "shared" if walk.shared else "whole runs"
    if not torch.equal(network(images), intact):
        row.verdict, row.reason = "fails", "wrapped logits differ"
        return row
    step = max(1, len(names) // CHECKED_BLOCKS)
    for name in names[::step]:
        smaller = layer_pruning.prune(network, name).eval()
        expected, pruned = overwritten(untouched, name, images), smaller(images)
        if not torch.equal(pruned, expected):
            row.verdict, row.reason = "fails", f"{name}: logits are not those without its branch"
        elif torch.equal(pruned, intact):
            row.verdict, row.reason = "fails", f"{name}: its removal changes nothing"
        elif count(smaller) >= count(network) and count(network.body.get_submodule(name)):
            row.verdict, row.reason = "fails", f"{name}: its parameters stay"
    return row


def count(module: nn.Module) -> int:
    """Parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def one_line(error: Exception) -> str:
    """The message of an exception in one line, without addresses."""
    return " ".join(str(error).split())[:300]


def families(sources: list[str]) -> list[tuple[str, str, str, Callable[[], nn.Module]]]:
    """Source, family, network and builder of all families."""
    return [(source, *family) for source in sources for family in SOURCES[source]()]


def table(rows: list[Row]) -> str:
    """The rows as Markdown, and how many of each source are pruned."""
    lines = [
        "| source | families with removable blocks | wrapped and exactly pruned |",
        "|---|---|---|",
    ]
    for source in SOURCES:
        own = [row for row in rows if row.source == source]
        if own:
            having = [row for row in own if row.verdict in ("pruned", "fails")]
            pruned = sum(row.verdict == "pruned" for row in own)
            lines.append(f"| {source} {metadata.version(source)} | {len(having)} | {pruned} |")
    for source in SOURCES:
        own = [row for row in rows if row.source == source and row.verdict != "no block"]
        if not own:
            continue
        lines += [
            "",
            f"## {source}",
            "",
            "| family | network | blocks that can go | |",
            "|---|---|---|---|",
        ]
        for row in sorted(own, key=lambda row: row.family):
            said = "" if row.verdict == "pruned" else f"{row.verdict}: {row.reason}"
            said = said or row.sweep.replace("shared", "")
            said = said.replace("|", "\\|")
            lines.append(
                f"| {row.family} | `{row.network}` | {row.removable} of {row.blocks} | {said} |"
            )
    none = [row for row in rows if row.verdict == "no block"]
    if none:
        lines += ["", "## Without residual blocks", ""]
        for source in SOURCES:
            names = sorted(row.family for row in none if row.source == source)
            if names:
                lines.append(f"- {source}: {', '.join(names)}")
    return "\n".join(lines)


def main() -> None:
    """Examine, or print the table of what was examined."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", nargs="*", choices=SOURCES, default=list(SOURCES))
    parser.add_argument("--shard", default="1/1", help="such as 2/4")
    parser.add_argument("--family", nargs="*", help="these alone")
    parser.add_argument("--but", nargs="*", default=[], help="not these families")
    parser.add_argument("--json", type=Path, help="write the rows here")
    parser.add_argument("--table", nargs="*", type=Path, help="files of rows to make a table of")
    parser.add_argument("--write", type=Path, help="write the table into this page")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    warnings.simplefilter("ignore")
    if given.table:
        rows = [Row(**row) for path in given.table for row in json.loads(path.read_text())]
    else:
        shard, shards = map(int, given.shard.split("/"))
        chosen = [one for one in families(given.source) if one[1] not in given.but]
        if given.family:
            chosen = [one for one in chosen if one[1] in given.family]
        chosen = chosen[shard - 1 :: shards]
        rows = []
        for one in chosen:
            row = examined(*one)
            rows.append(row)
            print(*(str(v) for v in asdict(row).values()), sep=" | ", flush=True)
            if given.json:
                given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    if given.write:
        head = given.write.read_text().partition("<!-- table -->")[0]
        given.write.write_text(f"{head}<!-- table -->\n{table(rows)}\n")
    else:
        print(table(rows))


if __name__ == "__main__":
    main()

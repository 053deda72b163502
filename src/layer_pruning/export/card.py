"""The model card of an exported network: what a hub shows of it. No torch.

The front matter is that of the Hugging Face hub (its documentation calls it model card metadata),
the rest for whoever thinks of using the network.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

Manifest = Mapping[str, Any]

NO_LICENSE = (
    "The licence of these weights was not stated. Ask whoever trained them before you pass them "
    "on; weights that were trained from others, or on images of others, may be bound by theirs."
)


def model_card(manifest: Manifest) -> str:
    """The card of the network that ``manifest`` (of :mod:`layer_pruning.export.bundle`) is of."""
    parts = [
        _front_matter(manifest),
        f"# {manifest['architecture']} less {_blocks(len(manifest['removed_blocks']))}",
        *_removed(manifest),
        *_accuracy(manifest["metrics"].get("accuracy")),
        *_cost(manifest["metrics"].get("complexity")),
        *_use(manifest),
        *_provenance(manifest),
        "## Licence",
        _license(manifest),
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(manifest: Manifest) -> str:
    head: dict[str, Any] = {
        "license": manifest["license"] or "unknown",
        "pipeline_tag": "image-classification",
        "tags": ["image-classification", "layer-pruning", "onnx", "safetensors"],
    }
    text: str = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    return f"---\n{text}---"


def _removed(manifest: Manifest) -> Iterator[str]:
    gone, kept = manifest["removed_blocks"], manifest["kept_blocks"]
    yield (
        f"An image classifier, {manifest['architecture']}, of which "
        f"{_blocks(len(gone))} of {len(gone) + len(kept)} {'was' if len(gone) == 1 else 'were'} "
        "removed: the residual branch is gone, its identity shortcut stays."
    )
    if gone:
        yield "Removed, in order: " + ", ".join(f"`{name}`" for name in gone) + "."


def _accuracy(record: Any) -> Iterator[str]:
    yield "## Accuracy"
    # a caller of the library may tell a number alone
    if record is not None and not isinstance(record, Mapping):
        yield f"{_said(record)}, as whoever exported this network tells."
        return
    splits = (record or {}).get("splits", {})
    if not splits:
        yield "It was not measured by what exported this network."
        return
    rows = [
        f"| {split} | {one['images']} | {100 * one['accuracy']:.2f} % "
        f"| {100 * one['interval_low']:.2f} to {100 * one['interval_high']:.2f} % |"
        for split, one in splits.items()
    ]
    interval = (record or {}).get("interval", "95 %")
    yield _table(f"| split | images | accuracy | {interval} interval |", rows)


def _cost(record: Any) -> Iterator[str]:
    yield "## Cost"
    if not isinstance(record, Mapping) or "convention" not in record:
        yield "It was not counted by what exported this network."
        return
    rows = []
    for key, name in (("macs", "multiply-accumulates"), ("parameters", "parameters")):
        whole, now = record[f"baseline_{key}"], record[key]
        saved = 100 * (1 - now / whole) if whole else 0.0
        rows.append(f"| {name} | {whole:,} | {now:,} | {saved:.2f} % |")
    yield _table("| | unpruned | this network | saved |", rows)
    yield f"Counted: {record['convention']}."


def _use(manifest: Manifest) -> Iterator[str]:
    _, channels, height, width = manifest["input"]["shape"]
    taken = manifest["input"]["value_range"]
    values = "in [0, 1]; normalisation is inside" if taken else "as its author normalises them"
    yield "## Use"
    yield (
        f"Images are float32 of shape (n, {channels}, {height}, {width}), {values}. Logits are "
        f"(n, {len(manifest['class_names'])}), in the order of the class names: "
        f"{_names(manifest['class_names'])}."
    )
    yield (
        "```python\n"
        "import numpy, onnxruntime  # any runtime of ONNX does\n"
        "\n"
        'session = onnxruntime.InferenceSession("network.onnx")\n'
        f"images = numpy.zeros((2, {channels}, {height}, {width}), dtype=numpy.float32)\n"
        '(logits,) = session.run(["logits"], {"images": images})\n'
        "```"
    )
    yield (
        'With PyTorch: `from load_network import load; network = load("network.safetensors")`. The '
        "file `load_network.py` needs torch and safetensors alone, and says in its first lines how "
        "to get a network that can be trained."
    )


def _provenance(manifest: Manifest) -> Iterator[str]:
    yield "## Provenance"
    told = {key: value for key, value in manifest["provenance"].items() if key != "settings"}
    rows = [f"| {key.replace('_', ' ')} | {_said(value)} |" for key, value in told.items()]
    yield _table("| | |", rows)
    checks = manifest["checks"]
    yield (
        f"Every file was compared with the network on {checks['images']} images "
        f"({checks['images_from']}); sizes, SHA-256 and settings are in `manifest.json`."
    )


def _license(manifest: Manifest) -> str:
    if manifest["license"]:
        return f"Weights: {manifest['license']}. `load_network.py`: MIT."
    return f"{NO_LICENSE} `load_network.py`: MIT."


def _said(value: Any) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # a cell of a table is one line without a bar
    return " ".join(text.split()).replace("|", "\\|")


def _names(names: list[str]) -> str:
    shown = ", ".join(_said(name) for name in names[:20])
    return f"{shown} and {len(names) - 20} more, in `manifest.json`" if len(names) > 20 else shown


def _blocks(count: int) -> str:
    return {0: "no block", 1: "one block"}.get(count, f"{count} blocks")


def _table(head: str, rows: list[str]) -> str:
    columns = head.count("|") - 1
    return "\n".join([head, "|" + " --- |" * columns, *rows])

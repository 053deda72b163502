"""The page of one network: its blocks, how it was trained, and all that was measured of it."""

import csv
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from layer_pruning.report.html_page import page
from layer_pruning.report.records import BASELINE, Network, read_json
from layer_pruning.report.wording import percent

STYLE = """
.blocks{display:flex;flex-wrap:wrap;gap:.3rem;margin:.3rem 0 .6rem;padding:0;list-style:none}
.blocks li{border:2px solid var(--mark);border-radius:5px;padding:.2rem .5rem;font-size:13px}
.blocks li.gone{border:2px dashed var(--soft);color:var(--soft)}
.blocks li.gone b{color:var(--warn)}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dl.facts dd{margin:0}
.pictures{display:flex;flex-wrap:wrap;gap:1rem}.pictures figure{margin:0;font-size:13px}
.pictures img{width:96px;height:96px;image-rendering:pixelated;display:inline-block}
svg.curve{max-width:34rem;width:100%;height:auto}svg.curve text{font-size:11px;fill:currentColor}
"""
KEPT_EXAMPLES = 12
"""So many attacked images are shown at most."""


def network_page(
    folder: Path, up: str, files: Sequence[Path] = (), class_names: Sequence[str] = ()
) -> str:
    """The page of the network in ``folder``.

    ``files`` are what was made of the network in this run, below its folder, ``up`` the address
    of the report, and ``class_names`` what the classes are called, by their number.
    """
    network = Network.of(folder)
    names = network.names
    what = (
        "the baseline"
        if names["criterion"] == BASELINE
        else f"{names['criterion']} after {names['removed']} removals"
    )
    title = f"{names['architecture']} on {names['dataset']}, seed {names['seed']}: {what}"
    there = {file.relative_to(folder).as_posix(): file for file in files}
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<nav><a href="{escape(up)}">The report</a></nav>',
        _blocks(folder),
        _facts(folder, there),
        _history(there),
        _attacks(there, class_names),
        _files(there),
    ]
    return page(title, "\n".join(part for part in body if part), STYLE)


def _blocks(folder: Path) -> str:
    """Every block in order, kept or removed and when, a line a stage."""
    record = read_json(folder / "complexity.json")
    order = {name: place for place, name in enumerate(record["removed_blocks"], start=1)}
    stages: dict[str, list[str]] = {}
    for name in sorted([*record["blocks"], *record["removed_blocks"]], key=_place):
        stages.setdefault(name.rpartition(".")[0], []).append(name)
    lines = []
    for names in stages.values():
        items = "".join(
            f"<li>{escape(name)}</li>"
            if name not in order
            else f'<li class="gone"><s>{escape(name)}</s> <b>removal {order[name]}</b></li>'
            for name in names
        )
        lines.append(f'<ul class="blocks">{items}</ul>')
    return "<h2>Blocks, in the order in which an image passes them</h2>" + "".join(lines)


def _place(name: str) -> list[tuple[int, str]]:
    """Names sorted as people do: block10 after block9."""
    parts, number = [], ""
    for letter in f"{name} ":
        if letter.isdigit():
            number += letter
            continue
        parts += [(int(number), "")] if number else []
        parts.append((-1, letter))
        number = ""
    return parts


def _facts(folder: Path, there: Mapping[str, Path]) -> str:
    test = read_json(folder / "accuracy.json")["splits"]["test"]
    size = read_json(folder / "complexity.json")
    facts = {
        "Test accuracy": f"{percent(test['accuracy'])} [{percent(test['interval_low'])}, "
        f"{percent(test['interval_high'])}] of {test['images']} images",
        "Multiply-accumulates": f"{size['macs']:,} per image, "
        f"{size['macs_reduction_percent']:.1f} % less than the baseline",
        "Parameters": f"{size['parameters']:,}",
    }
    if "latency.json" in there:
        largest = max(read_json(there["latency.json"])["timings"], key=lambda t: t["batch_size"])
        facts["Speed"] = (
            f"{largest['speed_up_ratio']:.2f} times the baseline's "
            f"[{largest['speed_up_ratio_interval_low']:.2f}, "
            f"{largest['speed_up_ratio_interval_high']:.2f}], in batches of {largest['batch_size']}"
        )
    if "energy.json" in there:
        inference = read_json(there["energy.json"])["inference"]
        joules = inference.get("joules_per_image")
        if joules is not None:
            facts["Energy"] = (
                f"{1000 * joules:.3g} mJ per image; the baseline beside it "
                f"{1000 * inference['baseline_joules_per_image']:.3g} mJ"
            )
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items())
    return f'<h2>What it is worth</h2><dl class="facts">{items}</dl>'


def _history(there: Mapping[str, Path]) -> str:
    """Validation accuracy by epoch, as a drawing that needs no script."""
    if "history.csv" not in there:
        return ""
    with there["history.csv"].open(encoding="utf-8") as file:
        values = [100 * float(row["validation_accuracy"]) for row in csv.DictReader(file)]
    values = [value for value in values if math.isfinite(value)]
    if not values:
        return "<h2>Training</h2><p>It was not trained: its weights were given.</p>"
    if len(values) == 1:
        return f"<h2>Training</h2><p>One epoch; validation accuracy {values[0]:.2f} %.</p>"
    low, high = min(values), max(values)
    span = high - low or 1.0
    step = 480 / (len(values) - 1)
    points = " ".join(
        f"{50 + step * n:.1f},{150 - 120 * (v - low) / span:.1f}" for n, v in enumerate(values)
    )
    dots = "".join(
        f'<circle cx="{50 + step * n:.1f}" cy="{150 - 120 * (v - low) / span:.1f}" r="3">'
        f"<title>epoch {n + 1}: {v:.2f} %</title></circle>"
        for n, v in enumerate(values)
    )
    about = f"Validation accuracy from {values[0]:.2f} % to {values[-1]:.2f} % in "
    about += f"{len(values)} epochs"
    return (
        f'<h2>Training</h2><svg class="curve" viewBox="0 0 560 190" role="img" '
        f'aria-label="{about}"><g fill="var(--mark)"><polyline points="{points}" fill="none" '
        f'stroke="var(--mark)" stroke-width="2"/>{dots}</g>'
        f'<text x="4" y="34">{high:.1f} %</text><text x="4" y="154">{low:.1f} %</text>'
        f'<text x="46" y="180">epoch 1</text><text x="500" y="180">{len(values)}</text></svg>'
        f"<p>{about}.</p>"
    )


def _attacks(there: Mapping[str, Path], class_names: Sequence[str]) -> str:
    """Accuracy under each attack, and some images that an attack changed."""
    records = [
        read_json(file)
        for name, file in there.items()
        if name.startswith("attacks/") and name.count("/") == 1
    ]
    if not records:
        return ""
    rows = "".join(
        f"<tr><td class=text>{escape(record['attack'])} {escape(record['norm'])}</td>"
        f"<td>{point['epsilon']:.4g}</td><td>{percent(point['robust_accuracy'])}</td>"
        f"<td>{percent(point['interval_low'])} to {percent(point['interval_high'])}</td></tr>"
        for record in records
        for point in record["epsilons"]
    )

    def called(number: int) -> str:
        return class_names[number] if number < len(class_names) else f"class {number}"

    shown = [
        one | {"attack": record["attack"]}
        for record in records
        for one in record.get("examples", [])
    ][:KEPT_EXAMPLES]
    pictures = "".join(
        f'<figure><img alt="as it is" src="data:image/png;base64,{one["clean_png"]}"> '
        f'<img alt="attacked" src="data:image/png;base64,{one["attacked_png"]}">'
        f"<figcaption>{escape(one['attack'])}, {one['epsilon']:.3g}: "
        f"{escape(called(one['label']))} taken for {escape(called(one['taken_for']))}"
        "</figcaption></figure>"
        for one in shown
    )
    return (
        '<h2>Attacks</h2><div class="scroll"><table><thead><tr><th class=text>Attack</th>'
        "<th>Epsilon</th><th>Right</th><th>95 %</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
        + (f'<h3>Images that broke</h3><div class="pictures">{pictures}</div>' if pictures else "")
    )


def _files(there: Mapping[str, Path]) -> str:
    links = "".join(
        f'<li><a href="{escape(name)}"><code>{escape(name)}</code></a></li>'
        for name in sorted(there)
    )
    exported = any(name.startswith("export/") for name in there)
    more = (
        "<p>The exported formats load without this project, see "
        '<a href="export/manifest.json">the manifest</a>.</p>'
        if exported
        else ""
    )
    return f"<h2>Files</h2><ul>{links}</ul>{more}"

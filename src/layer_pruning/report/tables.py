"""HTML pages that need nothing but a browser: sortable tables and the overview.

Snakemake's report shows HTML but offers a CSV only as a download. A page holds its own few lines
of style and script and loads nothing from elsewhere.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layer_pruning.atomic import written_whole
from layer_pruning.report.cost import cost_claims, faster, saves_energy
from layer_pruning.report.records import BASELINE, NOT_MEASURED
from layer_pruning.report.robustness import epsilon_labels
from layer_pruning.report.selection import pruned
from layer_pruning.report.shift import shift_answer
from layer_pruning.report.significance import NO_DIFFERENCE, Mean
from layer_pruning.report.summary import aggregate, best_criterion, compare_criteria
from layer_pruning.report.targets import selected_networks

STYLE = """
body{font:15px/1.45 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:84rem;
margin:1.2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1.1rem;margin:1.1rem 0 .3rem}
h3{font-size:.95rem;margin:.8rem 0 .2rem}p{margin:.3rem 0}
ul{margin:.3rem 0;padding-left:1.2rem}.answers{padding:.5rem .8rem;background:#f3f6f9;
border-left:4px solid #0072B2}.answers p{margin:.25rem 0}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:12.5px;margin:.4rem 0}
th,td{padding:.22rem .4rem;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}
th{background:#f0f0f0;position:sticky;top:0;vertical-align:bottom;white-space:normal}
th button{all:unset;cursor:pointer;font-weight:600}th button:focus{outline:2px solid #0072B2}
th[aria-sort=ascending] button::after{content:" \\25B2"}
th[aria-sort=descending] button::after{content:" \\25BC"}
td.text,th.text{text-align:left}td.text{max-width:18rem;overflow:hidden;text-overflow:ellipsis}td.absent{color:#767676;font-style:italic}
tr.baseline td{background:#f7f7f7;font-weight:600}
small,.sources{font-size:12.5px;color:#555}code{font-size:12px}
"""

# Numbers sort as numbers (their full value is in data-v), empty cells always come last.
SCRIPT = """
function key(cell){return "v" in cell.dataset?cell.dataset.v:cell.textContent}
document.querySelectorAll("th button").forEach(function(button){
button.addEventListener("click",function(){
var head=button.parentNode,row=head.parentNode,body=row.parentNode.parentNode.tBodies[0];
var column=Array.prototype.indexOf.call(row.cells,head);
var down=head.getAttribute("aria-sort")==="ascending";
Array.prototype.forEach.call(row.cells,function(cell){cell.removeAttribute("aria-sort")});
head.setAttribute("aria-sort",down?"descending":"ascending");
var rows=Array.prototype.slice.call(body.rows);
rows.sort(function(a,b){
var x=key(a.cells[column]),y=key(b.cells[column]);
if(x===""||y===""){return(x==="")-(y==="")}
var order=isNaN(x)||isNaN(y)?x.localeCompare(y):x-y;
return down?-order:order});
rows.forEach(function(item){body.appendChild(item)})})});
"""


def page(title: str, body: str) -> str:
    """A whole HTML document; ``title`` is text, ``body`` is HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body>\n{body}\n<script>{SCRIPT}</script></body></html>\n"
    )


def write_html(html: str, path: str | Path) -> None:
    """Write a page whole."""
    with written_whole(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def table_page(frame: pd.DataFrame, title: str, note: str = "") -> str:
    """A page with one sortable table and a line of explanation above it."""
    about = f"<p>{escape(note)}</p>" if note else ""
    return page(title, f"<h1>{escape(title)}</h1>{about}\n{table(frame)}")


def table(
    frame: pd.DataFrame,
    labels: Mapping[str, str] | None = None,
    texts: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """A sortable HTML table; a click on a heading sorts, a second click the other way round.

    ``labels`` replace column names as headings. ``texts`` replace how the values of a column are
    written; the values themselves still decide the order. Missing numbers stay empty; in columns
    of energy and latency they read "not measured".
    """
    labels, texts = labels or {}, texts or {}
    names = list(map(str, frame.columns))
    written = {
        name: list(texts[name]) if name in texts else [formatted(name, v) for v in frame[name]]
        for name in names
    }
    is_text = {name: not pd.api.types.is_numeric_dtype(frame[name]) for name in names}
    head = "".join(
        f"<th{' class=text' if is_text[name] else ''}>"
        f"<button>{escape(labels.get(name, _heading(name)))}</button></th>"
        for name in names
    )
    body = []
    for place, (_, row) in enumerate(frame.iterrows()):
        kind = ' class="baseline"' if row.get("criterion") == BASELINE else ""
        cells = "".join(_cell(row[name], written[name][place], is_text[name]) for name in names)
        body.append(f"<tr{kind}>{cells}</tr>")
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>'
        + "\n".join(body)
        + "</tbody></table></div>"
    )


def formatted(name: str, value: Any) -> str:
    """A value as read by people, by the name of its column."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "yes" if value else ""
    if value is None or math.isnan(value):
        energetic = ("_kwh", "_kg_co2e", "joules_per_image", "energy_reduction_percent")
        measured = (*energetic, "speed_up", "latency")
        return NOT_MEASURED if any(part in name for part in measured) else ""
    if name.endswith(("_percent", "_percent_mean")):
        return f"{value:.2f}"
    if name.startswith("p_"):
        return p_text(value)
    if name.startswith("break_even_images"):
        return f"{float(f'{value:.3g}'):,.0f}".replace(",", "\u202f")
    if "_ratio" in name:
        return f"{value:.2f}"
    if "difference" in name:
        return signed(value)
    shares = (
        "interval_",
        "seed_interval_",
        "robust_area",
        "baseline_robust_area",
        "shortcut_",
        "cue_",
        "follows_",
        "reliance_",
        "effect_",
    )
    if "accuracy" in name or name.startswith(shares):
        return f"{100 * value:.2f} %"
    if float(value).is_integer():
        return f"{value:,.0f}".replace(",", "\u202f")
    return f"{value:.4g}"


def signed(value: float) -> str:
    """A difference of fractions in percentage points, always with its sign."""
    if math.isnan(value):
        return ""
    points = f"{100 * value:+.2f}".replace("-", "−")
    return "0.00" if points in ("+0.00", "−0.00") else points


def p_text(value: float) -> str:
    """A p-value to two figures, never as 0."""
    if math.isnan(value):
        return ""
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}"


def cost_page(summary: pd.DataFrame) -> str:
    """A page with one row for every network whose latency and energy were measured."""
    note = (
        "Is it cheaper, by how much in time and in energy, and not only in multiply-accumulates? "
        "Ratios are of the first mode and the largest batch size; speed up over macs is the "
        "speed-up divided by the ratio of multiply-accumulates, 1 where time falls as they do. "
        "A network is called faster, or less in energy, where the 95 % interval says so. "
        "Break-even is the number of images after which the saving has earned scoring and "
        "fine-tuning. "
        "Carbon is saved in the same proportion as energy, as all of it is at one intensity."
    )
    claims = cost_claims(summary)
    if claims.empty:
        return page("Cost", f"<h1>Cost</h1><p>Latency and energy: {NOT_MEASURED}.</p>")
    return table_page(claims, "Cost of inference: pruned network and baseline", note)


def summary_page(summary: pd.DataFrame, title: str = "All networks") -> str:
    """A page with one row a network, without the long list of the blocks that it kept."""
    note = "Accuracies are of the test split where not said otherwise; click a heading to sort."
    return table_page(summary.drop(columns="blocks"), title, note)


def overview(
    summary: pd.DataFrame,
    robustness: pd.DataFrame | None = None,
    sources: Iterable[str] = (),
    shift: pd.DataFrame | None = None,
    title: str = "Layer pruning: what came out",
    target: Mapping[str, float] | None = None,
    given_weights: Collection[str] = (),
) -> str:
    """The front page: what was pruned, how far, and what that changed.

    ``summary`` as made by :func:`layer_pruning.report.summary.summarise`, ``robustness`` by
    :func:`layer_pruning.report.robustness.pooled_robustness`, ``shift`` by
    :func:`layer_pruning.report.shift.paired_shift`, pooled. ``sources`` are further lines on
    where numbers come from. Criteria are compared at the largest number of removals that all of
    them reached with every seed. ``target`` is what networks were selected by, if anything, and
    ``given_weights`` names the architectures whose baselines started from weights that were given.
    """
    aggregated, pairs = aggregate(summary), compare_criteria(summary)
    parts = [f"<h1>{escape(title)}</h1>"]
    for (dataset, architecture), group in summary.groupby(["dataset", "architecture"], sort=True):
        here = {"dataset": dataset, "architecture": architecture}
        parts.append(f"<h2>{escape(f'{dataset}, {architecture}')}</h2>")
        parts.append(
            _section(
                group,
                _where(aggregated, here),
                _where(pairs, here),
                None if robustness is None else _where(robustness, here),
                None if shift is None else _where(shift, here),
                target or {},
                architecture in given_weights,
            )
        )
        parts.append(_provenance(group, robustness is not None))
    if sources:
        lines = "".join(f"<li>{escape(line)}</li>" for line in sources)
        parts.append(f'<ul class="sources">{lines}</ul>')
    return page(title, "\n".join(parts))


def _section(
    summary: pd.DataFrame,
    aggregated: pd.DataFrame,
    pairs: pd.DataFrame,
    robustness: pd.DataFrame | None,
    shift: pd.DataFrame | None,
    target: Mapping[str, float],
    given_weights: bool,
) -> str:
    baseline, path = summary[summary["criterion"] == BASELINE], pruned(summary)
    if path.empty:
        return "<p>Only the baseline is here: nothing was removed.</p>"
    level = common_removals(summary)
    shown = path[path["removed"] == level]
    rows = aggregated[(aggregated["criterion"] == BASELINE) | (aggregated["removed"] == level)]
    answers = [
        _what(baseline, path, shown, level),
        _accuracy(summary, rows, level),
        *_from_scratch(summary, level),
        _robust(robustness, level),
        "" if shift is None else shift_answer(shift, level),
        _cheaper(shown),
        _energy(baseline, shown, _rounds(path, level)),
    ]
    if "shortcut_reliance" in summary and summary["shortcut_reliance"].notna().any():
        answers.insert(3, _shortcut(baseline, path))
    parts = ['<div class="answers">', *(f"<p>{text}</p>" for text in answers if text), "</div>"]
    parts.append(_criteria_table(rows, robustness, level, set(path["criterion"])))
    parts.append(_target_section(summary, target))
    parts.append(_notes(summary, shown, level, given_weights))
    if robustness is not None and len(robustness):
        keep = [name for name in robustness if name not in ("dataset", "architecture")]
        parts.append(_folded("Robustness, every comparison", table(robustness[keep])))
    drop = ["dataset", "architecture"]
    parts.append(
        _folded("Accuracy, every number of removals", table(aggregated.drop(columns=drop)))
    )
    if len(pairs):
        parts.append(_folded("Criteria, pair by pair", table(pairs.drop(columns=drop))))
    return "\n".join(parts)


def common_removals(summary: pd.DataFrame) -> int:
    """The largest number of removals that every criterion reached with every one of its seeds.

    ``summary`` is of one dataset and architecture. Raises ValueError if there is none.
    """
    others = summary[summary["criterion"] != BASELINE]
    reached = [set(group["removed"]) for _, group in others.groupby(["criterion", "seed"])]
    common = set.intersection(*reached) if reached else set()
    if not common:
        raise ValueError("no number of removals that every criterion and seed reached")
    return int(max(common))


def _rounds(path: pd.DataFrame, level: int) -> int:
    """How often networks were fine-tuned on the way to ``level`` removals."""
    return len({step for step in path["removed"] if step <= level})


def _what(baseline: pd.DataFrame, path: pd.DataFrame, shown: pd.DataFrame, level: int) -> str:
    first = baseline.iloc[0]
    seeds, criteria = baseline["seed"].nunique(), sorted(path["criterion"].unique())
    at_a_time = int(path["removed"].min())
    pace = "one at a time" if at_a_time == 1 else f"{at_a_time} at a time"
    blocks = len(first["blocks"].split())
    cut = _range(shown["macs_reduction_percent"], ".1f")
    weights = _range(shown["parameters_reduction_percent"], ".1f")
    text = (
        f"<b>How far.</b> Of {blocks} residual blocks, {level} were removed {pace}, with "
        f"fine-tuning after each. That takes away {cut} % of the multiply-accumulates "
        f"(the baseline needs {_count(first['macs'])} an image) and {weights} % of the "
        f"{_count(first['parameters'])} parameters. "
        f"{_plural(len(criteria), 'criterion', 'criteria')} chose the blocks "
        f"({escape(', '.join(criteria))}), {_plural(seeds, 'seed', 'seeds')} each."
    )
    deeper = path.groupby("criterion")["removed"].max()
    deeper = deeper[deeper > level]
    if len(deeper):
        beyond = ", ".join(f"{escape(str(name))} to {most}" for name, most in deeper.items())
        text += f" Some went further ({beyond}); compared is what all reached."
    return text


def _accuracy(summary: pd.DataFrame, rows: pd.DataFrame, level: int) -> str:
    base = rows[rows["criterion"] == BASELINE].iloc[0]
    best, tied, seeds = best_criterion(summary, level)
    row = rows[rows["criterion"] == best].iloc[0]
    text = (
        f"<b>Accuracy.</b> Test accuracy of the baseline: {_percent(base['accuracy_mean'])}. "
        f"Highest mean after pruning: {escape(best)}, {_percent(row['accuracy_mean'])}, "
        f"{change_text(row)}. "
    )
    others = pruned(summary[summary["removed"] == level])["criterion"].nunique() - 1
    if others == 0:
        return text + "There is no other criterion to compare it with."
    if seeds == 1:
        return text + (
            "With one seed nothing can be said about which criterion is better: "
            "the order may be luck."
        )
    if not tied:
        return (
            text + f"It beats every other criterion ({others}), significantly over {seeds} seeds."
        )
    if len(tied) == others:
        return text + (
            f"<b>It is a tie</b>: over {seeds} seeds, it does not differ significantly from "
            f"{'any of the' if others > 1 else 'the'} other "
            f"{'criteria' if others > 1 else 'criterion'} ({escape(', '.join(tied))})."
        )
    return text + (
        f"<b>It is a tie</b> with {escape(', '.join(tied))} (no significant difference over "
        f"{seeds} seeds); the other {others - len(tied)} are significantly lower."
    )


def _from_scratch(summary: pd.DataFrame, level: int) -> list[str]:
    """For each criterion that trained from new weights: how it compares with the one it follows."""
    step, texts = summary[summary["removed"] == level], []
    for name, group in step[step["architecture_of"] != ""].groupby("criterion", sort=True):
        source = group.iloc[0]["architecture_of"]
        own, other = (
            step[step["criterion"] == criterion].set_index("seed")["accuracy_test"]
            for criterion in (name, source)
        )
        change, epochs = Mean.of(own - other), _epochs(group["training_epochs"])
        row = pd.Series(
            {
                "difference_mean": change.mean,
                "difference_interval_low": change.low,
                "difference_interval_high": change.high,
                "verdict": change.verdict("higher", "lower"),
            }
        )
        texts.append(
            f"<b>From new weights.</b> What {escape(source)} left, trained from new weights"
            f"{f' for {epochs} epochs' if epochs else ''} ({escape(str(name))}): "
            f"{_percent(own.mean())}, {change_text(row, str(source))}."
        )
    return texts


def change_text(row: pd.Series, other: str = "the baseline") -> str:
    """The change against ``other`` with its interval over seeds and what it amounts to."""
    text = f"{signed(row['difference_mean'])} points against {escape(other)}"
    if not math.isnan(row["difference_interval_low"]):
        low, high = signed(row["difference_interval_low"]), signed(row["difference_interval_high"])
        text += f" [{low}, {high}]"
    verdict = row["verdict"]
    return f"{text} ({f'significantly {verdict}' if verdict in ('higher', 'lower') else verdict})"


def _robust(robustness: pd.DataFrame | None, level: int) -> str:
    text = "<b>Robustness.</b> "
    if robustness is None or robustness.empty:
        return text + "No network was attacked."
    rows = robustness[robustness["removed"] == level]
    if rows.empty:
        found = ", ".join(str(n) for n in sorted(robustness["removed"].unique()))
        return text + f"Not attacked at {level} removals, only at {found}: see the table below."
    counts = rows["verdict"].value_counts()
    text += (
        f"{_plural(len(rows), 'comparison', 'comparisons')} with the baseline on the same images "
        f"(Holm-corrected): {counts.get('higher', 0)} significantly more robust, "
        f"{counts.get('lower', 0)} less, {counts.get(NO_DIFFERENCE, 0)} without a significant "
        "difference."
    )
    significant = rows[rows["verdict"] != NO_DIFFERENCE]
    pick = significant if len(significant) else rows
    most = pick.iloc[int(pick["difference"].abs().to_numpy().argmax())]
    which = " ".join(filter(None, [most["attack"], most["norm"]]))
    text += (
        f" Largest{' significant' if len(significant) else ''} change: "
        f"{signed(most['difference'])} points [{signed(most['interval_low'])}, "
        f"{signed(most['interval_high'])}], {escape(str(most['criterion']))} under "
        f"{escape(which)} at epsilon {epsilon_labels([most['epsilon']])[0]}"
    )
    return text + f" (without attack: {signed(most['clean_difference'])})."


def _cheaper(shown: pd.DataFrame) -> str:
    """Whether the networks are faster and take less energy, in a sentence each."""
    text = "<b>Cheaper?</b> "
    timed = shown[shown["speed_up_ratio"].notna()]
    if timed.empty:
        text += f"Time: {NOT_MEASURED}. "
    else:
        counts = timed.apply(faster, axis=1).value_counts()
        promised = 1 / (1 - timed["macs_reduction_percent"] / 100)
        text += (
            f"In time: {_counted(counts)}. "
            f"Speed-up {_range(timed['speed_up_ratio'], '.2f')}, where multiply-accumulates "
            f"promise {_range(promised, '.2f')}; their quotient is "
            f"{_range(timed['speed_up_over_macs_ratio'], '.2f')}"
        )
        others = timed["other_cores_during_latency"].max()
        text += "" if math.isnan(others) else f" (others used up to {others:.1f} cores meanwhile)"
        text += ". "
    metered = shown[shown["saving_joules_per_image"].notna()]
    if metered.empty:
        return text + f"Energy: {NOT_MEASURED}."
    counts = metered.apply(saves_energy, axis=1).value_counts()
    text += (
        f"In energy: {_counted(counts)}, {_basis(metered['inference_energy_basis'])}. "
        f"An image saves {_range(metered['saving_joules_per_image'], '.2g')} J. "
    )
    paid = metered["break_even_images"].dropna()
    if len(paid):
        few, most = (formatted("break_even_images", end) for end in (paid.min(), paid.max()))
        between = few if few == most else f"{few} to {most}"
        text += f"Scoring and fine-tuning have paid for themselves after {between} images"
    without = metered.loc[metered["break_even_images"].isna(), "break_even"].value_counts()
    text += "; " if len(paid) and len(without) else ""
    text += "; ".join(f"{escape(str(verdict))}: {count}" for verdict, count in without.items())
    return f"{text}."


def _counted(verdicts: pd.Series) -> str:
    """Networks by verdict: "all 6 faster", "4 of 6 faster, 2 of 6 not shown to be faster"."""
    total = int(verdicts.sum())
    if len(verdicts) == 1:
        return f"{'all ' if total > 1 else ''}{total} {verdicts.index[0]}"
    most_first = sorted(verdicts.items(), key=lambda item: (-item[1], str(item[0])))
    return ", ".join(f"{count} of {total} {verdict}" for verdict, count in most_first)


def _shortcut(baseline: pd.DataFrame, path: pd.DataFrame) -> str:
    tested = path[path["shortcut_reliance"].notna()]
    deepest = tested[tested["removed"] == tested.groupby("criterion")["removed"].transform("max")]
    means = deepest.groupby("criterion", sort=True)["shortcut_reliance"].mean()
    listed = ", ".join(f"{100 * mean:.2f} for {escape(str(name))}" for name, mean in means.items())
    return (
        "<b>Shortcut learning.</b> With the planted cue of another class, test accuracy falls by "
        f"{100 * baseline['shortcut_reliance'].mean():.2f} points for the baseline, {listed}. "
        "Whether that differs: see the table on shortcut learning."
    )


def _energy(baseline: pd.DataFrame, shown: pd.DataFrame, rounds: int) -> str:
    text = "<b>Energy.</b> "
    training = baseline["training_energy_kwh"].mean(skipna=False)
    tuning = shown.groupby("criterion")["finetuning_energy_kwh"].apply(
        lambda values: values.mean(skipna=False)
    )
    known = tuning.dropna()
    if math.isnan(training) or known.empty:
        text += f"Training and fine-tuning: {NOT_MEASURED} throughout. "
    else:
        basis = _basis(shown["training_energy_basis"])
        share = known / training
        emissions = shown["training_emissions_kg_co2e"] + shown["finetuning_emissions_kg_co2e"]
        carbon = emissions.groupby(shown["criterion"]).mean()
        text += (
            f"Training the baseline took {training:.3g} kWh and the "
            f"{_plural(rounds, 'fine-tuning', 'fine-tunings')} another "
            f"{_range(known, '.3g')} kWh ({_range(share, '.2g')} times as much; "
            f"{_range(carbon.dropna(), '.2g')} kg CO2e in all), {basis}"
        )
        absent = list(tuning.index[tuning.isna()])
        text += f"; {NOT_MEASURED} for {escape(', '.join(absent))}. " if absent else ". "
    inference = shown.groupby("criterion")["energy_reduction_percent"].apply(
        lambda values: values.mean(skipna=False)
    )
    measured = inference.dropna()
    if measured.empty:
        return text + f"Inference: {NOT_MEASURED}."
    text += (
        f"Inference energy an image: {_range(-measured, '+.1f')} % against the baseline, "
        f"{_basis(shown['inference_energy_basis'])}"
    )
    absent = list(inference.index[inference.isna()])
    return text + (f"; {NOT_MEASURED} for {escape(', '.join(absent))}." if absent else ".")


def _criteria_table(
    rows: pd.DataFrame, robustness: pd.DataFrame | None, level: int, finetuned: Collection[str]
) -> str:
    columns = {
        "criterion": "Criterion",
        "macs_reduction_percent": "MACs saved (%)",
        "parameters_reduction_percent": "Parameters saved (%)",
        "accuracy_mean": "Test accuracy, mean ± sd",
        "difference_mean": "Change, points [95 % over seeds]",
        "verdict": "Verdict",
    }
    shown = rows[list(columns)].copy()
    texts: dict[str, list[str]] = {
        "accuracy_mean": [
            _percent(row["accuracy_mean"])
            + ("" if math.isnan(row["accuracy_sd"]) else f" ± {100 * row['accuracy_sd']:.2f}")
            for _, row in rows.iterrows()
        ],
        "difference_mean": [_with_interval(row) for _, row in rows.iterrows()],
    }
    if robustness is not None and len(robustness):
        last = robustness[robustness["removed"] == level]
        for (attack, norm), group in last.groupby(["attack", "norm"], sort=True):
            # One epsilon an attack fits a screen: the one that tells networks apart best.
            even = (group["baseline_robust_accuracy"] - 0.5).abs().groupby(group["epsilon"]).mean()
            epsilon = min(map(float, even.index), key=even.to_dict().__getitem__)
            group = group[group["epsilon"] == epsilon].set_index("criterion")
            name = f"difference {attack} {norm}"
            changes, corrected = group["difference"].to_dict(), group["p_holm"].to_dict()
            shown[name] = shown["criterion"].map(changes).astype(float)
            columns[name] = f"{attack} {norm} {epsilon_labels([epsilon])[0]}: points, Holm p"
            texts[name] = [
                f"{signed(changes[c])}, p {p_text(corrected[c])}" if c in changes else ""
                for c in shown["criterion"]
            ]
    others = {*rows["criterion"]} - {BASELINE}
    for name, label, who in (
        ("finetuning_energy_kwh", "Fine-tuning (kWh)", finetuned),
        ("energy_reduction_percent", "Inference energy saved (%)", others),
        ("speed_up_ratio", "Speed-up", others),
        ("speed_up_over_macs_ratio", "Speed-up over MACs", others),
    ):
        shown[name] = rows[name]
        columns[name] = label
        texts[name] = [
            "" if c not in who else formatted(name, value)
            for c, value in zip(rows["criterion"], rows[name], strict=True)
        ]
    return table(shown, columns, texts)


def _target_section(summary: pd.DataFrame, target: Mapping[str, float]) -> str:
    """What the networks that a target selected are worth, a row a criterion."""
    if not target:
        return ""
    (kind, value), rows = next(iter(target.items())), selected_networks(summary)
    by_accuracy = kind == "validation_accuracy"
    goal, basis = {
        "macs_reduction": (f"{value:g} % fewer multiply-accumulates", "multiply-accumulates"),
        "parameters_reduction": (f"{value:g} % fewer parameters", "parameters"),
        "latency_reduction": (f"{value:g} % less time, as predicted", "measured times of blocks"),
        "validation_accuracy": (f"an accuracy of {_percent(value)} on validation", "validation"),
    }[kind]
    which = "last network before one falls below" if by_accuracy else "first network that reaches"
    about = (
        f"The target: {goal}. Of each criterion and seed, the {which} it is selected. The choice "
        f"rests on {basis} alone; the test split was not read for it, so that its accuracies below "
        "are those of networks chosen without it."
    )
    columns = {
        "criterion": "Criterion",
        "selected": "Seeds that meet it",
        "removed_low": "Removals",
        "macs_reduction_percent": "MACs saved (%)",
        "parameters_reduction_percent": "Parameters saved (%)",
        "predicted_latency_reduction_percent": "Time saved, predicted (%)",
        "accuracy_validation": "Validation accuracy",
        "accuracy_mean": "Test accuracy [95 %]",
        "difference_mean": "Change, points [95 % over seeds]",
        "verdict": "Verdict",
    }
    unneeded = {"predicted_latency_reduction_percent": "latency_reduction"}
    unneeded |= {"accuracy_validation": "validation_accuracy"}
    columns = {name: label for name, label in columns.items() if unneeded.get(name, kind) == kind}
    records = [row for _, row in rows.iterrows()]
    texts = {
        "selected": [f"{row['selected']} of {row['seeds']}" for row in records],
        "removed_low": [_removals_needed(row) for row in records],
        "accuracy_mean": [_accuracy_with_interval(row) for row in records],
        "difference_mean": [_with_interval(row) for row in records],
    }
    return f"<h3>What meets the target</h3><p>{about}</p>" + table(
        rows[list(columns)], columns, texts
    )


def _removals_needed(row: pd.Series) -> str:
    if row["selected"] == 0:
        return "none"
    low, high = row["removed_low"], row["removed_high"]
    return f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"


def _accuracy_with_interval(row: pd.Series) -> str:
    if row["selected"] == 0:
        return ""
    text, low = _percent(row["accuracy_mean"]), row["accuracy_interval_low"]
    return (
        text
        if math.isnan(low)
        else f"{text} [{100 * low:.2f}, {100 * row['accuracy_interval_high']:.2f}]"
    )


def _notes(
    summary: pd.DataFrame, shown: pd.DataFrame, level: int, given_weights: bool = False
) -> str:
    training = _epochs(summary.loc[summary["criterion"] == BASELINE, "training_epochs"])
    tuning = _epochs(shown["finetuning_epochs"])
    epochs = (
        f": {training} epochs for the baseline, {tuning} more for "
        f"{_plural(level, 'removal', 'removals')}"
        if training and tuning
        else ""
    )
    notes = [
        "Pruned networks were trained for longer than the baseline, since fine-tuning comes on "
        f"top of its training{epochs}. Part of any gain may be that extra training. Fair is to "
        "compare criteria with each other at the same number of removals, where they were "
        "fine-tuned equally often.",
        "Changes are paired within a seed; brackets are 95 % t-intervals over seeds. “Highest” is "
        "called a win only if it holds against each other criterion after Holm's correction for "
        "all pairs; anything else is a tie. A tie is not evidence that two criteria are equal.",
    ]
    if alone := sorted(set(summary["criterion"]) - {BASELINE} - set(pruned(summary)["criterion"])):
        names = escape(", ".join(alone))
        notes.append(
            f"{names}: trained from new weights, with the settings of the baseline, for as many "
            "epochs as the baseline and all fine-tunings together."
            + (
                " The baseline started from given weights, though, and what went into them is not "
                "among these epochs: pruning had the larger budget by that."
                if given_weights
                else ""
            )
        )
    missing = sorted({note for text in summary["notes"] for note in text.split("; ") if note})
    if missing:
        more = f" (and {len(missing) - 3} more)" if len(missing) > 3 else ""
        notes.append("; ".join(missing[:3]) + more + ". What was not measured is left out, not 0.")
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f'<ul class="sources">{items}</ul>'


def _provenance(summary: pd.DataFrame, attacked: bool) -> str:
    first = summary.iloc[0]
    seeds = ",".join(str(seed) for seed in sorted(summary["seed"].unique()))
    root = f"{first['dataset']}/{first['architecture']}/seed-{{{seeds}}}/{{network}}"
    files = {
        "accuracy": "accuracy.json (test split; Wilson intervals of single networks)",
        "MACs, parameters, blocks": "complexity.json",
        "energy of training and fine-tuning": "emissions.json, added up along the path",
    }
    if attacked:
        files["robustness"] = "attacks/*.json (one outcome an image)"
    if (summary["inference_energy_basis"] != "").any():
        files["energy of inference"] = "energy.json"
    if (summary["break_even"] != "").any():
        files["energy of scoring and attacks, break-even"] = "ledger.json"
    if summary["speed_up_ratio"].notna().any():
        files["latency"] = "latency.json"
    if summary["training_epochs"].notna().any():
        files["epochs"] = "history.csv"
    lines = "; ".join(
        f"{escape(what)}: <code>{escape(file)}</code>" for what, file in files.items()
    )
    return f'<p class="sources">From <code>{escape(root)}</code>: {lines}.</p>'


def _where(frame: pd.DataFrame, names: Mapping[str, Any]) -> pd.DataFrame:
    for column, value in names.items():
        frame = frame[frame[column] == value]
    return frame


def _folded(title: str, html: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{html}</details>"


def _cell(value: Any, text: str, is_text: bool) -> str:
    if is_text:
        tip = f' title="{escape(text)}"' if len(text) > 40 else ""
        return f'<td class="text"{tip}>{escape(text)}</td>'
    kind = "absent" if text == NOT_MEASURED else ""
    missing = math.isnan(value)
    key = "" if missing else escape(str(value))
    return f'<td{f" class={kind}" if kind else ""} data-v="{key}">{escape(text)}</td>'


def _with_interval(row: pd.Series) -> str:
    if row["criterion"] == BASELINE or math.isnan(row["difference_mean"]):
        return ""
    text = signed(row["difference_mean"])
    if math.isnan(row["difference_interval_low"]):
        return text
    low, high = signed(row["difference_interval_low"]), signed(row["difference_interval_high"])
    return f"{text} [{low}, {high}]"


def _heading(name: str) -> str:
    return name.replace("_", " ")


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def _count(value: float) -> str:
    for size, unit in ((1e9, " billion"), (1e6, " million")):
        if value >= size:
            return f"{value / size:.4g}{unit}"
    return f"{value:,.0f}".replace(",", "\u202f")


def _plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _range(values: pd.Series, spec: str) -> str:
    low, high = (f"{end:{spec}}".replace("-", "−") for end in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def _basis(bases: pd.Series) -> str:
    """How the energy figures were obtained, in words; an estimate is called one."""
    words = {
        "counter": "measured by hardware counters",
        "estimate": "an estimate, not a measurement",
        "part counter, part estimate": "partly counted by hardware, partly an estimate",
        "not stated": "by a method that the records do not state",
    }
    kinds = sorted(set(bases) - {"", NOT_MEASURED})
    return "; ".join(words[kind] for kind in kinds)


def _epochs(values: pd.Series) -> str:
    return "" if values.isna().any() else _range(values, ".0f")

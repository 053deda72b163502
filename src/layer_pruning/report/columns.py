"""The columns of the summary, and those of the tables made from it. Each is declared here, once.

A column has a name, a unit (by which its numbers are written), a heading, the file that it is from
and a meaning. What follows from that: the order of ``summary.csv``, what is text in it, how cells
and headings of every table read, what is averaged over seeds, which file a heading names, and the
table in ``docs/reference/outputs.md`` (``python -m layer_pruning.report.columns`` writes it).
"""

import math
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from layer_pruning.atomic import written_whole
from layer_pruning.report.records import NOT_MEASURED
from layer_pruning.report.wording import p_text, percent, points, signed

ENDS = ("_interval_low", "_interval_high")
"""What follows the name of a column that has an interval."""


def plain(value: float) -> str:
    """A whole number with its thousands apart, another with four figures."""
    if float(value).is_integer():
        return f"{value:,.0f}".replace(",", "\u202f")
    return f"{value:.4g}"


def two_decimals(value: float) -> str:
    """With two digits after the point."""
    return f"{value:.2f}"


def three_figures(value: float) -> str:
    """A large count, of which more figures would say nothing."""
    return f"{float(f'{value:.3g}'):,.0f}".replace(",", "\u202f")


WRITTEN: dict[str, Callable[[float], str]] = {
    "fraction": percent,
    "%": two_decimals,
    "ratio": two_decimals,
    "points": signed,
}
"""How numbers of a unit are written; all others are :func:`plain`."""
WORDS = {
    "macs": "MACs",
    "speed up": "speed-up",
    "finetuning": "fine-tuning",
    "percent": "(%)",
    "kwh": "(kWh)",
    "kg co2e": "(kg CO₂e)",
    "joules": "J",
}
"""What is read where these words stand in the name of a column."""


@dataclass(frozen=True)
class Column:
    """A column; of a name with ``{…}`` there is one for each attack, size or test set."""

    name: str
    source: str = ""
    """The file in the folder of the network, or what else says so."""
    unit: str = ""
    about: str = ""
    """What it means, in Markdown."""
    label: str = ""
    """Its heading, where that is not the name in words."""
    text: bool = False
    interval: bool = False
    """Whether the ends of its interval follow it, see ``ENDS``."""
    averaged: bool = False
    """Whether tables over seeds have its mean; it is NaN as soon as one seed has no value."""
    optional: bool = False
    """Whether it is left out where no network has it."""
    measured: bool = False
    """Whether a cell without a number says that it was not measured."""
    written: Callable[[float], str] | None = None
    """How a number is written, where its unit does not say."""
    pattern: str = ""
    """What fits a name with ``{…}``; by default, anything in the place of all braces."""

    @property
    def names(self) -> list[str]:
        """The name, and those of the ends of the interval."""
        return [self.name, *(f"{self.name}{end}" for end in ENDS if self.interval)]

    def fits(self, name: str) -> bool:
        """Whether a column called ``name`` is this one."""
        start, _, rest = self.name.partition("{")
        end = rest.rpartition("}")[2]
        return bool(re.fullmatch(self.pattern or rf"{re.escape(start)}.+{re.escape(end)}", name))


COMPLEXITY, ACCURACY, LATENCY = "complexity.json", "accuracy.json", "latency.json"
ATTACKS, SHIFT, CALIBRATION = "attacks/{attack}.json", "corruptions.json", "calibration.json"
SHORTCUT, ENERGY, LEDGER = "shortcut.json", "energy.json", "ledger.json"
ON_THE_WAY = "emissions.json of the networks on the way"
HISTORY = "history.csv of the networks on the way"
FOLDER = "the folder's name"
CONFIGURATION = "the configuration"


def _calibration(name: str, unit: str, about: str) -> tuple[Column, ...]:
    """An error on the test split, as it is and after temperature scaling."""
    options: dict[str, Any] = {"interval": True, "optional": True, "written": plain}
    about += "; with its 95 % interval over images"
    return (
        Column(name, CALIBRATION, unit, about, **options),
        Column(f"{name}_scaled", CALIBRATION, unit, "the same, temperature scaled", **options),
    )


_ERRORS = (
    _calibration(
        "expected_calibration_error",
        "fraction",
        "on the test split, 15 bins of equal width (Guo et al. 2017)",
    ),
    _calibration("negative_log_likelihood", "nats", "of the true class, mean over the test split"),
    _calibration(
        "brier_score", "", "squared error of the probabilities added over classes, 0 to 2"
    ),
)

SUMMARY = (
    Column("dataset", FOLDER, about="its name in the configuration", text=True),
    Column("architecture", FOLDER, about="its name in the configuration", text=True),
    Column("seed", FOLDER, about="of the run"),
    Column(
        "criterion",
        FOLDER,
        about="`baseline`, the criterion that chose the blocks, or one that trained from new "
        "weights",
        text=True,
    ),
    Column("removed", FOLDER, "blocks", "how many are gone"),
    Column(
        "selected",
        CONFIGURATION,
        about="`True` for the network of its criterion and seed that the `target` selects, if "
        "there is one",
    ),
    Column(
        "made_by",
        CONFIGURATION,
        about="`baseline`, `pruned`, `final` (a last phase of fine-tuning after that), `scratch` "
        "(the pruned architecture from new weights) or `continued` (the baseline trained for "
        "longer)",
        text=True,
    ),
    Column(
        "beside",
        CONFIGURATION,
        about="for the last three, the criterion whose networks they stand beside",
        text=True,
    ),
    Column(
        "removed_blocks",
        COMPLEXITY,
        about="their names in the order of removal, separated by spaces",
        text=True,
    ),
    Column(
        "blocks", COMPLEXITY, about="the names of those that are left, in network order", text=True
    ),
    Column(
        "macs",
        COMPLEXITY,
        about="multiply-accumulates of convolutions and linear layers, one image",
    ),
    Column(
        "macs_reduction_percent",
        COMPLEXITY,
        "%",
        "of the baseline's that are saved",
        "MACs saved",
        averaged=True,
    ),
    Column("parameters", COMPLEXITY, about="parameters that train; frozen ones are none of them"),
    Column(
        "parameters_reduction_percent",
        COMPLEXITY,
        "%",
        "of the baseline's that are saved",
        "parameters saved",
        averaged=True,
    ),
    Column(
        "predicted_latency_reduction_percent",
        "savings/latency.json of the baseline",
        "%",
        "of the baseline's time, what its blocks that are gone took in it; measured where the "
        "target is a latency",
        "time saved, predicted",
        averaged=True,
        measured=True,
    ),
    Column(
        "accuracy_validation",
        ACCURACY,
        "fraction",
        "on the validation split",
        "validation accuracy",
        averaged=True,
    ),
    Column("test_images", ACCURACY, "images", "of the test split"),
    Column(
        "chance_accuracy",
        ACCURACY,
        "fraction",
        "of naming the commonest class of the test split each time",
    ),
    Column(
        "accuracy_test",
        ACCURACY,
        "fraction",
        "on the test split; its 95 % Wilson interval: the images are a sample, and seeds are not "
        "in it",
        interval=True,
    ),
    Column(
        "robust_accuracy_{attack}_{norm}_{epsilon}",
        ATTACKS,
        "fraction",
        "of the attacked images that are right before and after the attack; one column for each "
        "attack and epsilon",
    ),
    Column(
        "robust_area_{attack}_{norm}",
        ATTACKS,
        "fraction",
        "area under robust accuracy from epsilon 0 to the largest, divided by that; its 95 % "
        "interval over images",
        interval=True,
    ),
    Column(
        "corrupted_accuracy",
        SHIFT,
        "fraction",
        "plain mean over corruptions and severities; its 95 % interval over images",
        interval=True,
        optional=True,
    ),
    Column(
        "mean_corruption_error_percent",
        SHIFT,
        "%",
        "mean over corruptions of the error, in percent of that of the baseline of the seed",
        optional=True,
    ),
    Column(
        "corruption_source",
        SHIFT,
        about="whether corruptions are built in, and so comparable with nothing published, or the "
        "official files",
        text=True,
        optional=True,
    ),
    Column("shifted_accuracy_{name}", SHIFT, "fraction", "on a test set that was collected anew"),
    *(plain_error for plain_error, _ in _ERRORS),
    *(scaled for _, scaled in _ERRORS),
    Column(
        "temperature",
        CALIBRATION,
        about="by which logits are divided, fitted on the validation split; empty where none fits",
        optional=True,
    ),
    Column(
        "accuracy_congruent_cue",
        SHORTCUT,
        "fraction",
        "on test images with the cue of their own class; this and the next five are there if a "
        "data set has a `cue`",
        optional=True,
    ),
    Column(
        "accuracy_swapped_cue",
        SHORTCUT,
        "fraction",
        "on test images with the cue of another class",
        optional=True,
    ),
    Column(
        "shortcut_reliance",
        SHORTCUT,
        "fraction",
        "accuracy without a cue minus that with the cue of another class, image by image",
        interval=True,
        optional=True,
    ),
    Column(
        "cue_effect",
        SHORTCUT,
        "fraction",
        "accuracy with the cue of the own class minus that with the cue of another",
        interval=True,
        optional=True,
    ),
    Column(
        "follows_cue",
        SHORTCUT,
        "fraction",
        "of the test images with the cue of another class that are taken for that class",
        interval=True,
        optional=True,
    ),
    Column(
        "cue_alone",
        SHORTCUT,
        "fraction",
        "of the cues on an image without a class that are taken for their class",
        optional=True,
    ),
    Column(
        "training_epochs",
        HISTORY,
        "epochs",
        "of the baseline; of a network from new weights, its own",
    ),
    Column(
        "finetuning_epochs",
        HISTORY,
        "epochs",
        "of all fine-tunings on the way; 0 for a network from new weights",
    ),
    Column(
        "training_energy_kwh",
        ON_THE_WAY,
        "kWh",
        "of the trainings that `training_epochs` counts",
        averaged=True,
        measured=True,
    ),
    Column(
        "finetuning_energy_kwh",
        ON_THE_WAY,
        "kWh",
        "of the fine-tunings that `finetuning_epochs` counts",
        averaged=True,
        measured=True,
    ),
    Column(
        "training_emissions_kg_co2e",
        ON_THE_WAY,
        "kg CO₂e",
        "energy times the carbon intensity of the configuration",
        averaged=True,
        measured=True,
    ),
    Column(
        "finetuning_emissions_kg_co2e",
        ON_THE_WAY,
        "kg CO₂e",
        "energy times the carbon intensity of the configuration",
        averaged=True,
        measured=True,
    ),
    Column(
        "training_energy_basis",
        ON_THE_WAY,
        about="whether these were measured or estimated, and from what",
        text=True,
    ),
    Column(
        "inference_joules_per_image",
        ENERGY,
        "J",
        "energy of one image, in a batch; the interval is over the repeated measurements",
        interval=True,
        averaged=True,
        measured=True,
    ),
    Column(
        "inference_interval_coverage",
        ENERGY,
        about="how often such an interval encloses the median; below 0.95 nothing is claimed",
    ),
    Column(
        "inference_seconds_per_image",
        ENERGY,
        "s",
        "time of one image, in a batch",
        averaged=True,
    ),
    Column(
        "baseline_inference_joules_per_image",
        ENERGY,
        "J",
        "of the baseline, measured in turns with this network",
        measured=True,
    ),
    Column(
        "baseline_inference_seconds_per_image",
        ENERGY,
        "s",
        "of the baseline, measured in turns with this network",
    ),
    Column(
        "energy_reduction_percent",
        ENERGY,
        "%",
        "of the baseline's energy of inference that is saved",
        "energy per image saved",
        averaged=True,
        measured=True,
    ),
    Column(
        "inference_energy_basis",
        ENERGY,
        about="whether it was measured or estimated",
        text=True,
    ),
    Column(
        "scoring_energy_kwh",
        LEDGER,
        "kWh",
        "of choosing the blocks on the way; estimated from CPU time",
        measured=True,
    ),
    Column("scoring_energy_basis", LEDGER, about="how", text=True),
    Column(
        "attacks_energy_kwh",
        LEDGER,
        "kWh",
        "of the attacks; estimated from CPU time",
        measured=True,
    ),
    Column("attacks_energy_basis", LEDGER, about="how", text=True),
    Column(
        "saving_joules_per_image",
        LEDGER,
        "J",
        "energy of an image in the baseline minus that in this network, within a round",
        interval=True,
        averaged=True,
        measured=True,
    ),
    Column(
        "break_even_images",
        LEDGER,
        "images",
        "after which scoring and fine-tuning are paid for, or the training of a network from new "
        "weights",
        interval=True,
        written=three_figures,
    ),
    Column(
        "break_even", LEDGER, about='the same in words, such as "not shown to pay back"', text=True
    ),
    Column(
        "speed_up_ratio",
        LATENCY,
        "ratio",
        "time of the baseline over that of this network, largest batch, first mode",
        "speed-up",
        interval=True,
        averaged=True,
        measured=True,
    ),
    Column(
        "speed_up_over_macs_ratio",
        LATENCY,
        "ratio",
        "the same over the ratio of multiply-accumulates; 1 where time falls as they do",
        "speed-up over MACs ratio",
        interval=True,
        averaged=True,
        measured=True,
    ),
    Column(
        "latency_interval_coverage",
        LATENCY,
        about="how often an interval over these rounds encloses the median; below 0.95 nothing is "
        "claimed",
        measured=True,
    ),
    Column("peak_memory_bytes", LATENCY, "bytes", "of PyTorch's allocations on a GPU"),
    Column(
        "other_cores_during_latency",
        LATENCY,
        "cores",
        "that other processes used meanwhile",
        measured=True,
    ),
    Column(
        "latency_batch_{size}_seconds",
        LATENCY,
        "s",
        "of a batch; one column for each size, and for each mode but `eager` with the mode before "
        "`batch`",
        measured=True,
        pattern=r"latency_(.+_)?batch_\d+_seconds",
    ),
    Column(
        "baseline_latency_batch_{size}_seconds",
        LATENCY,
        "s",
        "the same of the baseline",
        measured=True,
        pattern=r"baseline_latency_(.+_)?batch_\d+_seconds",
    ),
    Column(
        "speed_up_over_macs_batch_{size}_ratio",
        LATENCY,
        "ratio",
        "as above, for that size",
        measured=True,
        pattern=r"speed_up_over_macs_(.+_)?batch_\d+_ratio",
    ),
    Column("notes", "the file that lacks the number", about="why a cell is empty", text=True),
)
"""Of ``summary.csv``, in their order."""

OF_TABLES = (
    Column("folder", FOLDER),
    Column("seeds", FOLDER),
    Column("other", FOLDER),
    Column("attack", ATTACKS),
    Column("norm", ATTACKS),
    Column("epsilon", ATTACKS),
    Column("robust_accuracy", ATTACKS, "fraction"),
    Column("other_robust_accuracy", ATTACKS, "fraction"),
    Column("robust_area", ATTACKS, "fraction"),
    Column("other_robust_area", ATTACKS, "fraction"),
    Column("clean_difference", ATTACKS, "points"),
    Column("accuracy", "", "fraction"),
    Column("other_accuracy", "", "fraction"),
    Column("share", "", "fraction"),
    Column("other_share", "", "fraction"),
    Column("difference", "", "points"),
    Column("interval_low", "", "fraction"),
    Column("interval_high", "", "fraction"),
    Column("p_value", written=p_text),
    Column("detectable", written=points, label="would have been shown"),
    Column("accuracy_clean", SHORTCUT, "fraction"),
    Column("accuracy_mean", ACCURACY, "fraction"),
    Column("accuracy_sd", ACCURACY, "fraction"),
    Column("accuracy_interval_low", ACCURACY, "fraction"),
    Column("accuracy_interval_high", ACCURACY, "fraction"),
    Column("difference_mean", "", "points"),
    Column("difference_interval_low", "", "points"),
    Column("difference_interval_high", "", "points"),
    Column("macs_ratio", COMPLEXITY, "ratio"),
    Column("cheaper_in_time", LATENCY),
    Column("cheaper_in_energy", LEDGER),
)
"""Of tables that are made from it, or from records."""

TEXT = frozenset(column.name for column in SUMMARY if column.text)
"""What is text in the summary; all else are numbers."""
MEANS = [column.name for column in SUMMARY if column.averaged]
"""What tables over seeds have the mean of."""
_EXACT = {name: column for column in (*OF_TABLES, *SUMMARY) for name in column.names}
_PATTERNS = [column for column in SUMMARY if "{" in column.name]


@cache
def column_of(name: str) -> Column | None:
    """The column that ``name`` is; None for one of nobody."""
    if name in _EXACT:
        return _EXACT[name]
    return next((column for column in _PATTERNS if column.fits(name)), None)


def in_order(names: Iterable[str]) -> list[str]:
    """The columns of a summary in which there are ``names``, in the order declared.

    Those without braces are there in any case, but for optional ones. Of names that come from
    declarations with braces that stand one after another, each keeps its place among them.
    """
    there = list(dict.fromkeys(names))
    found: list[str] = []
    run: list[Column] = []
    for column in SUMMARY:
        if "{" in column.name:
            run = run if run and _placeholders(run[-1]) == _placeholders(column) else []
            run = [*run, column]
            found = [name for name in found if not any(own.fits(name) for own in run)]
            found += [name for name in there if any(own.fits(name) for own in run)]
        else:
            run = []
            found += column.names if not column.optional or column.name in there else []
    return found


def _placeholders(column: Column) -> list[str]:
    return re.findall(r"\{(\w+)\}", column.name)


def written(name: str, value: Any) -> str:
    """A value of a column as read by people."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "yes" if value else ""
    column = column_of(name) or Column(name)
    if value is None or math.isnan(value):
        return NOT_MEASURED if column.measured else ""
    return (column.written or WRITTEN.get(column.unit, plain))(value)


def heading(name: str) -> str:
    """What stands above a column, with its unit in brackets."""
    column = column_of(name)
    if column is not None and column.label and name == column.name:
        return f"{column.label} (%)" if column.unit == "%" else column.label
    words = name.replace("_", " ")
    for word, read in WORDS.items():
        words = re.sub(rf"\b{word}\b", read, words)
    return words


def source_of(name: str) -> str:
    """The file that a column is from, in the folder of the network; else empty text."""
    column = column_of(name)
    return column.source if column else ""


def reference() -> str:
    """The table of all columns of the summary in Markdown."""
    lines = ["| column | unit | meaning |", "|---|---|---|"]
    for column in SUMMARY:
        names = ", ".join(f"`{name}`" for name in column.names)
        lines.append(f"| {names} | {column.unit} | {column.about} |")
    return "\n".join(lines) + "\n"


def with_reference(page: str) -> str:
    """A page of the documentation with that table in the place of the one that it has."""
    before, head, after = page.partition("| column | unit | meaning |\n")
    rest = after.splitlines(keepends=True)
    end = next((place for place, line in enumerate(rest) if line[:1] != "|"), len(rest))
    return before + reference() + "".join(rest[end:]) if head else page


if __name__ == "__main__":
    file = Path(sys.argv[1])
    text = with_reference(file.read_text(encoding="utf-8"))
    with written_whole(file) as temporary:
        temporary.write_text(text, encoding="utf-8")

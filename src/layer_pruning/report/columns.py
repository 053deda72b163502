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

from layer_pruning.report.records import NOT_MEASURED
from layer_pruning.report.wording import p_text, percent, points, signed
from layer_pruning.runtime.atomic import written_whole

ENDS = ("_interval_low", "_interval_high")
"""What follows the name of a column that has an interval."""


def with_ends(name: str) -> list[str]:
    """The name of a column, and those of the ends of its interval."""
    return [name, *(f"{name}{end}" for end in ENDS)]


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
FORMATS = {"plain": plain, "rounded": three_figures, "probability": p_text, "size": points}
"""How else numbers are written."""
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

    @property
    def names(self) -> list[str]:
        """The name, and those of the ends of the interval."""
        return with_ends(self.name) if self.interval else [self.name]

    def fits(self, name: str) -> bool:
        """Whether a column called ``name`` is this one."""
        # times have the mode before the size, where it is not the usual one
        start, *_, end = re.split(r"\{.*\}", self.name.replace("batch_{size}", "{}batch_{size}"))
        middle = r"(.+_)?batch_\d+" if "{size}" in self.name else ".+"
        return bool(re.fullmatch(f"{re.escape(start)}{middle}{re.escape(end)}", name))


def _declared(table: str) -> tuple[Column, ...]:
    """The columns of a table: ``name | unit | flags | heading | meaning``.

    ``#`` precedes the file that those below are from, and four spaces what goes on from the line
    before. Flags are fields of :class:`Column`, or ``FORMATS``.
    """
    columns: list[dict[str, Any]] = []
    source = ""
    for line in table.strip().splitlines():
        if line.startswith("#"):
            source = line.removeprefix("#").strip()
        elif line.startswith("    "):
            columns[-1]["about"] = f"{columns[-1]['about']} {line.strip()}".strip()
        else:
            name, unit, flags, label, about = (cell.strip() for cell in line.split("|"))
            own: dict[str, Any] = {"written": None}
            for flag in flags.split():
                own |= {"written": FORMATS[flag]} if flag in FORMATS else {flag: True}
            columns.append(
                {"name": name, "source": source, "unit": unit, "label": label, "about": about} | own
            )
    return tuple(Column(**column) for column in columns)


SUMMARY = _declared("""
# the folder's name
dataset | | text | | its name in the configuration
architecture | | text | | its name in the configuration
seed | | | | of the run
criterion | | text | |
    `baseline`, the criterion that chose the blocks, or one that trained from new weights
removed | blocks | | |
    how many are gone; where `made_by` is `continued` none is, and it is that of the networks
    beside it
# the configuration
selected | | | |
    `True` for the network of its criterion and seed that the `target` selects, if there is
    one
counts | | | |
    `True` for the networks that `report_at` names, or the last, and those beside them
made_by | | text | |
    `baseline`, `pruned`, `final` (a last phase of fine-tuning after that), `scratch` (the
    pruned architecture from new weights) or `continued` (the baseline trained for longer)
beside | | text | | for the last three, the criterion whose networks they stand beside
# complexity.json
removed_blocks | | text | | their names in the order of removal, separated by spaces
blocks | | text | | the names of those that are left, in network order
macs | | | | multiply-accumulates of convolutions and linear layers, one image
macs_reduction_percent | % | averaged | MACs saved | of the baseline's that are saved
parameters | | | | parameters that train; frozen ones are none of them
parameters_reduction_percent | % | averaged | parameters saved | of the baseline's that are saved
# savings/latency.json of the baseline
predicted_latency_reduction_percent | % | averaged measured | time saved, predicted |
    of the baseline's time, what its blocks that are gone took in it; measured where the
    target is a latency
# accuracy.json
accuracy_validation | fraction | averaged | validation accuracy | on the validation split
test_images | images | | | of the test split
chance_accuracy | fraction | | | of naming the commonest class of the test split each time
accuracy_test | fraction | interval | |
    on the test split; its 95 % Wilson interval: the images are a sample, and seeds are not in
    it
# attacks/{attack}.json
robust_accuracy_{attack}_{norm}_{epsilon} | fraction | | |
    of the attacked images that are right before and after the attack; one column for each
    attack and epsilon
robust_area_{attack}_{norm} | fraction | interval | |
    area under robust accuracy from epsilon 0 to the largest, divided by that; its 95 %
    interval over images
# corruptions.json
corrupted_accuracy | fraction | interval optional | |
    plain mean over corruptions and severities; its 95 % interval over images
mean_corruption_error_percent | % | optional | |
    mean over corruptions of the error, in percent of that of the baseline of the seed
corruption_source | | text optional | |
    whether corruptions are built in, and so comparable with nothing published, or the
    official files
shifted_accuracy_{name} | fraction | | | on a test set that was collected anew
# calibration.json
expected_calibration_error | fraction | interval optional plain | |
    on the test split, 15 bins of equal width (Guo et al. 2017); with its 95 % interval over
    images
negative_log_likelihood | nats | interval optional plain | |
    of the true class, mean over the test split; with its 95 % interval over images
brier_score | | interval optional plain | |
    squared error of the probabilities added over classes, 0 to 2; with its 95 % interval over
    images
expected_calibration_error_scaled | fraction | interval optional plain | |
    the same, temperature scaled
negative_log_likelihood_scaled | nats | interval optional plain | | the same, temperature scaled
brier_score_scaled | | interval optional plain | | the same, temperature scaled
temperature | | optional | |
    by which logits are divided, fitted on the validation split; empty where none fits
# shortcut.json
accuracy_congruent_cue | fraction | optional | |
    on test images with the cue of their own class; this and the next five are there if a data
    set has a `cue`
accuracy_swapped_cue | fraction | optional | | on test images with the cue of another class
shortcut_reliance | fraction | interval optional | |
    accuracy without a cue minus that with the cue of another class, image by image
cue_effect | fraction | interval optional | |
    accuracy with the cue of the own class minus that with the cue of another
follows_cue | fraction | interval optional | |
    of the test images with the cue of another class that are taken for that class
cue_alone | fraction | optional | |
    of the cues on an image without a class that are taken for their class
# history.csv of the networks on the way
training_epochs | epochs | | | of the baseline; of a network from new weights, its own
finetuning_epochs | epochs | | | of all fine-tunings on the way; 0 for a network from new weights
finetunings | | | |
    trainings that `finetuning_epochs` adds up; a last phase and a training of `continued` are
    one each
blocks_at_a_time | blocks | | |
    that go between two fine-tunings, the last of which may be fewer; empty where nothing was
    removed
# emissions.json of the networks on the way
training_energy_kwh | kWh | averaged measured | | of the trainings that `training_epochs` counts
finetuning_energy_kwh | kWh | averaged measured | |
    of the fine-tunings that `finetuning_epochs` counts
training_emissions_kg_co2e | kg CO₂e | averaged measured | |
    energy times the carbon intensity of the configuration
finetuning_emissions_kg_co2e | kg CO₂e | averaged measured | |
    energy times the carbon intensity of the configuration
training_energy_basis | | text | | whether these were measured or estimated, and from what
# energy.json
inference_joules_per_image | J | interval averaged measured | |
    energy of one image, in a batch; the interval is over the repeated measurements
inference_interval_coverage | | | |
    how often such an interval encloses the median; below 0.95 nothing is claimed
inference_seconds_per_image | s | averaged | | time of one image, in a batch
baseline_inference_joules_per_image | J | measured | |
    of the baseline, measured in turns with this network
baseline_inference_seconds_per_image | s | | |
    of the baseline, measured in turns with this network
energy_reduction_percent | % | averaged measured | energy per image saved |
    of the baseline's energy of inference that is saved
inference_energy_basis | | text | | whether it was measured or estimated
# ledger.json
scoring_energy_kwh | kWh | measured | | of choosing the blocks on the way; estimated from CPU time
scoring_energy_basis | | text | | how
attacks_energy_kwh | kWh | measured | | of the attacks; estimated from CPU time
attacks_energy_basis | | text | | how
saving_joules_per_image | J | interval averaged measured | |
    energy of an image in the baseline minus that in this network, within a round
break_even_images | images | interval rounded | |
    after which scoring and fine-tuning are paid for, or the training of a network from new
    weights
break_even | | text | | the same in words, such as "not shown to pay back"
# latency.json
speed_up_ratio | ratio | interval averaged measured | speed-up |
    time of the baseline over that of this network, largest batch, first mode
speed_up_over_macs_ratio | ratio | interval averaged measured | speed-up over MACs ratio |
    the same over the ratio of multiply-accumulates; 1 where time falls as they do
latency_interval_coverage | | measured | |
    how often an interval over these rounds encloses the median; below 0.95 nothing is claimed
peak_memory_bytes | bytes | | | of PyTorch's allocations on a GPU
other_cores_during_latency | cores | measured | | that other processes used meanwhile
latency_batch_{size}_seconds | s | measured | |
    of a batch; one column for each size, and for each mode but `eager` with the mode before
    `batch`
baseline_latency_batch_{size}_seconds | s | measured | | the same of the baseline
speed_up_over_macs_batch_{size}_ratio | ratio | measured | | as above, for that size
# the file that lacks the number
notes | | text | | why a cell is empty
""")
"""Of ``summary.csv``, in their order."""

OF_TABLES = _declared("""
# the folder's name
folder | | | |
seeds | | | |
other | | | |
# attacks/{attack}.json
attack | | | |
norm | | | |
epsilon | | | |
robust_accuracy | fraction | | |
other_robust_accuracy | fraction | | |
robust_area | fraction | | |
other_robust_area | fraction | | |
clean_difference | points | | |
# shortcut.json
accuracy_clean | fraction | | |
# accuracy.json
accuracy_mean | fraction | | |
accuracy_sd | fraction | | |
accuracy_interval_low | fraction | | |
accuracy_interval_high | fraction | | |
# complexity.json
macs_ratio | ratio | | |
# latency.json
cheaper_in_time | | | |
# ledger.json
cheaper_in_energy | | | |
#
accuracy | fraction | | |
other_accuracy | fraction | | |
share | fraction | | |
other_share | fraction | | |
difference | points | | |
interval_low | fraction | | |
interval_high | fraction | | |
difference_mean | points | | |
difference_interval_low | points | | |
difference_interval_high | points | | |
p_value | | probability | |
detectable | | size | would have been shown |
""")
"""Of tables that are made from it, or from records; where no file is named, the table names it."""

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

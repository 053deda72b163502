"""What a tracker is told, taken from the records that jobs leave; no training waits for it."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from layer_pruning.evaluation.records import read_accuracy, read_complexity
from layer_pruning.runtime.atomic import write_json
from layer_pruning.runtime.record_files import PathLike
from layer_pruning.training.history import read_history

Curve = list[tuple[int, float]]
"""Steps and values."""


@dataclass(frozen=True)
class Run:
    """One network as trackers have it, or the figures of a data set and architecture."""

    group: str
    """Data set and architecture: an experiment of MLflow."""
    name: str
    about: Mapping[str, str] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    figures: Mapping[str, Path] = field(default_factory=dict)
    """PNG files by what they show."""


def run_of_network(
    names: Mapping[str, str], *, history: PathLike, accuracy: PathLike, complexity: PathLike
) -> Run:
    """The training and the results of a network.

    ``names`` are its data set, architecture, seed and network. What is known after every epoch is
    drawn against the epoch, and the rest at the number of removals. Raises as the readers of the
    records.
    """
    epochs, splits = read_history(history), read_accuracy(accuracy)["splits"]
    cost = read_complexity(complexity)
    removals = len(cost["removed_blocks"])
    results = {
        "validation_accuracy": splits["validation"]["accuracy"],
        "test_accuracy": splits["test"]["accuracy"],
        "macs": cost["macs"],
        "parameters": cost["parameters"],
        "macs_reduction_percent": cost["macs_reduction_percent"],
    }
    return Run(
        group=_group(names),
        name=f"seed-{names['seed']}/{names['network']}",
        about={
            **{key: names[key] for key in ("dataset", "architecture", "seed", "network")},
            "removals": str(removals),
            "removed_blocks": ", ".join(cost["removed_blocks"]),
        },
        curves={
            "training/loss": [(one.epoch, one.train_loss) for one in epochs],
            "training/learning_rate": [(one.epoch, one.learning_rate) for one in epochs],
            "training/validation_accuracy": [
                (one.epoch, one.validation_accuracy) for one in epochs
            ],
            **{f"network/{key}": [(removals, float(value))] for key, value in results.items()},
        },
    )


def run_of_figures(names: Mapping[str, str], figures: Sequence[PathLike]) -> Run:
    """The figures of a data set and architecture, called by their files."""
    return Run(
        group=_group(names),
        name="figures",
        about={key: names[key] for key in ("dataset", "architecture")},
        figures={Path(figure).stem: Path(figure) for figure in figures},
    )


def track(tracker: str, run: Run, done: PathLike) -> None:
    """Tell ``tracker`` of ``run``, in place of what it was told of it before.

    ``done`` is a JSON file that says afterwards where it went; what a tracker keeps on this disk
    lies in the folder of that name, or beside.
    """
    module = importlib.import_module(f"layer_pruning.tracking.{tracker}")
    told = module.tell(run, Path(done).with_suffix(""))
    write_json(done, {"tracker": tracker, "group": run.group, "name": run.name, **told})


def _group(names: Mapping[str, str]) -> str:
    return f"{names['dataset']}/{names['architecture']}"

"""Reliance on a planted cue: each network by itself, and beside the baseline of its seed.

All networks of a data set are tested on the same images with the same cues, so that comparisons are
made image by image, as those under attack are (``robustness``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import Network, fraction, read_json
from layer_pruning.report.statistics.paired import Outcome, compared
from layer_pruning.report.statistics.repeated import against

TESTS = ("clean", "congruent", "swapped")
ACCURACIES = {
    "clean": "accuracy_clean",
    "congruent": "accuracy_congruent_cue",
    "swapped": "accuracy_swapped_cue",
}
"""The name of the accuracy in each of ``TESTS``."""
MEASURES = {"swapped cue": "", "reliance": "clean", "effect of the cue": "congruent"}
"""What is compared: the accuracy with swapped cues, and how far it is below that of a test."""


@dataclass(frozen=True)
class Shortcut:
    """The shortcut test of one network; arrays have one entry an image."""

    network: Network
    correct: dict[str, np.ndarray]
    """By test: 1 where the image is classified as its own class, else 0."""
    row: dict[str, Any]
    """Shares that were recorded, and the reliance with its interval."""
    images: np.ndarray
    """Class of each image and of its swapped cue: what says that two tests are of one kind."""
    path: Path

    @classmethod
    def read(cls, path: str | Path) -> "Shortcut":
        """Read a file ``{network}/shortcut.json``. Raises ValueError naming it if it is none."""
        path = Path(path)
        record = read_json(path)
        labels = np.asarray(record["labels"])
        correct = {
            name: (np.asarray(record["predictions"][name]) == labels).astype(int) for name in TESTS
        }
        shares = {name: record["accuracy"][name] for name in TESTS}
        row = {
            "images": len(labels),
            **{ACCURACIES[name]: fraction(shares[name], "share", path) for name in TESTS},
            **_with_interval("shortcut_reliance", correct["clean"], correct["swapped"]),
            **_with_interval("cue_effect", correct["congruent"], correct["swapped"]),
            "follows_cue": fraction(record["follows_cue"], "share", path),
            "follows_cue_interval_low": fraction(record["follows_cue"], "interval_low", path),
            "follows_cue_interval_high": fraction(record["follows_cue"], "interval_high", path),
            "cue_alone": fraction(record["cue_alone"], "share", path),
        }
        images = [
            f"{place}: class {label}, cue {cue}"
            for place, (label, cue) in enumerate(
                zip(labels.tolist(), record["swapped_cue_classes"], strict=True)
            )
        ]
        return cls(Network.of(path.parent), correct, row, np.array(images), path)

    def measured(self, measure: str) -> np.ndarray:
        """One of ``MEASURES``, (n,)."""
        test = MEASURES[measure]
        return self.correct[test] - self.correct["swapped"] if test else self.correct["swapped"]


def _with_interval(name: str, first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    found = against({"first": first[None], "second": second[None]}, "second")["first"]
    return {
        name: found.mean,
        f"{name}_interval_low": found.low,
        f"{name}_interval_high": found.high,
    }


def outcomes(paths: Iterable[str | Path]) -> pd.DataFrame:
    """One row a network: accuracy in each test, reliance with its interval, and the cue's share.

    ``shortcut_reliance`` is ``accuracy_clean`` minus that with swapped cues, and ``cue_effect``
    that with congruent cues minus the same, so that a patch is there both times; with 95 %
    intervals of paired differences (Agresti and Min) over images. ``follows_cue`` is the share of
    swapped images taken for the class of their cue, with Wilson's interval; ``cue_alone`` the share
    of classes recognised by the cue on an image without a class.
    """
    tests = map(Shortcut.read, dict.fromkeys(map(Path, paths)))
    return in_order(pd.DataFrame([test.network.names | test.row for test in tests]))


def shortcut_columns(paths: Iterable[str | Path]) -> dict[Path, dict[str, Any]]:
    """By folder of a network, its columns in the summary."""
    tests = map(Shortcut.read, dict.fromkeys(map(Path, paths)))
    others = ("images", "accuracy_clean")
    return {
        test.network.folder: {name: v for name, v in test.row.items() if name not in others}
        for test in tests
    }


def compared_shortcuts(paths: Iterable[str | Path], **how: Any) -> pd.DataFrame:
    """Every tested network beside another, see ``paired.compared``.

    ``measure`` is one of ``MEASURES``. A network that is worse at everything gets more images with
    swapped cues wrong without relying more on the cue: verdicts on that rest on the reliance, and
    on the effect of the cue. "higher" is then more reliance, which is worse.
    """
    tests = [Shortcut.read(path) for path in dict.fromkeys(map(Path, paths))]
    outcomes = [
        Outcome(test.network, (measure,), test.images, test.measured(measure), test.path)
        for test in tests
        for measure in MEASURES
    ]
    # two networks differ by up to one in either of two tests
    frame = compared(outcomes, ["measure"], "share", bound=2.0, **how)
    relies = frame["measure"] != "swapped cue"
    words = {"higher": "relies more", "lower": "relies less"}
    return frame.assign(verdict=frame["verdict"].where(~relies, frame["verdict"].replace(words)))

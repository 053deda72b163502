"""Reliance on a planted cue: each network by itself, and beside the baseline of its seed.

All networks of a data set are tested on the same images with the same cues, so that comparisons are
made image by image, as those under attack are (:mod:`layer_pruning.report.robustness`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import BASELINE, KEYS, Network, fraction, read_json
from layer_pruning.report.significance import (
    NO_DIFFERENCE,
    Mean,
    holm,
    paired_interval,
    sign_flip,
)

TESTS = ("clean", "congruent", "swapped")
COLUMNS = [
    *("accuracy_congruent_cue", "accuracy_swapped_cue"),
    *("shortcut_reliance", "shortcut_reliance_interval_low", "shortcut_reliance_interval_high"),
    *("cue_effect", "cue_effect_interval_low", "cue_effect_interval_high"),
    *("follows_cue", "follows_cue_interval_low", "follows_cue_interval_high", "cue_alone"),
]
"""What a network's row in the summary gains where a cue was planted."""
COMPARED = [
    *("criterion", "removed", "seeds", "images"),
    *("baseline_accuracy_swapped_cue", "accuracy_swapped_cue", "difference"),
    *("interval_low", "interval_high", "n10", "n01", "p_value", "p_holm"),
    *("reliance_difference", "reliance_interval_low", "reliance_interval_high"),
    *("reliance_seed_interval_low", "reliance_seed_interval_high"),
    *("p_reliance", "p_reliance_holm", "reliance_verdict"),
    *("effect_difference", "effect_interval_low", "effect_interval_high"),
    *("effect_seed_interval_low", "effect_seed_interval_high"),
    *("p_effect", "p_effect_holm", "effect_verdict"),
]
MEASURES = {"reliance": "clean", "effect": "congruent"}
"""What is compared with the accuracy with swapped cues."""


@dataclass(frozen=True)
class Shortcut:
    """The shortcut test of one network; arrays have one entry an image."""

    network: Network
    correct: dict[str, np.ndarray]
    """By test: 1 where the image is classified as its own class, else 0."""
    row: dict[str, Any]
    """Shares that were recorded, and the reliance with its interval."""
    images: tuple[tuple[int, int], ...]
    """Class of each image and of its swapped cue: what says that two tests are of one kind."""

    def lost(self, test: str) -> np.ndarray:
        """1 for an image that is right in ``test`` and wrong with the swapped cue, else 0 or -1."""
        return self.correct[test] - self.correct["swapped"]

    @classmethod
    def read(cls, path: str | Path) -> "Shortcut":
        """Read a file ``{network}/shortcut.json``. Raises ValueError naming it if it is none."""
        path = Path(path)
        record = read_json(path)
        labels = np.asarray(record["labels"])
        predictions = {name: np.asarray(record["predictions"][name]) for name in TESTS}
        if len(labels) == 0 or any(len(found) != len(labels) for found in predictions.values()):
            raise ValueError(f"{path}: expected one prediction for each of {len(labels)} images")
        correct = {name: (found == labels).astype(int) for name, found in predictions.items()}
        shares = {name: record["accuracy"][name] for name in TESTS}
        row = {
            "images": len(labels),
            **{f"accuracy_{name}": fraction(shares[name], "share", path) for name in TESTS},
            **_with_interval("shortcut_reliance", correct["clean"] - correct["swapped"]),
            **_with_interval("cue_effect", correct["congruent"] - correct["swapped"]),
            "follows_cue": fraction(record["follows_cue"], "share", path),
            "follows_cue_interval_low": fraction(record["follows_cue"], "interval_low", path),
            "follows_cue_interval_high": fraction(record["follows_cue"], "interval_high", path),
            "cue_alone": fraction(record["cue_alone"], "share", path),
        }
        images = tuple(zip(labels.tolist(), record["swapped_cue_classes"], strict=True))
        return cls(Network.of(path.parent), correct, row, images)


def _with_interval(name: str, differences: np.ndarray) -> dict[str, float]:
    low, high = paired_interval(differences)
    return {
        name: float(differences.mean()),
        f"{name}_interval_low": low,
        f"{name}_interval_high": high,
    }


def outcomes(paths: Iterable[str | Path]) -> pd.DataFrame:
    """One row a network: accuracy in each test, reliance with its interval, and the cue's share.

    ``shortcut_reliance`` is ``accuracy_clean`` minus that with swapped cues, and ``cue_effect``
    that with congruent cues minus the same, so that a patch is there both times; with 95 %
    intervals of paired differences (Agresti and Min) over images. ``follows_cue`` is the share of
    swapped images taken for the class of their cue, with Wilson's interval; ``cue_alone`` the share
    of classes recognised by the cue on an image without a class.
    """
    rows = []
    for test in map(Shortcut.read, dict.fromkeys(map(Path, paths))):
        row = {
            {"accuracy_congruent": COLUMNS[0], "accuracy_swapped": COLUMNS[1]}.get(name, name): v
            for name, v in test.row.items()
        }
        rows.append(test.network.names | row)
    return in_order(pd.DataFrame(rows, columns=[*KEYS, "images", "accuracy_clean", *COLUMNS]))


def with_shortcuts(summary: pd.DataFrame, paths: Sequence[str | Path]) -> pd.DataFrame:
    """The summary with ``COLUMNS`` after what was attacked; as it is where nothing was tested."""
    if not paths:
        return summary
    names = list(map(str, summary.columns))
    place = names.index("training_epochs")
    merged = summary.merge(outcomes(paths)[[*KEYS, *COLUMNS]], on=KEYS, how="left")
    return merged[[*names[:place], *COLUMNS, *names[place:]]]


def compared(paths: Iterable[str | Path], *, pooled: bool) -> pd.DataFrame:
    """Every pruned network of one data set and architecture beside the baseline of its seed.

    A row is a network, or with ``pooled`` all seeds of a criterion after as many removals; then
    images, and not pairs of image and seed, are the independent units, and ``reliance_seed_*`` is
    the 95 % t-interval over seeds.

    ``n10`` images with a swapped cue only the baseline gets right, ``n01`` only the pruned network;
    ``difference`` is that of the accuracies with its interval over images, ``p_value`` exact
    McNemar, or for several seeds the sign-flip test of the images' sums.

    A network that is worse at everything gets more of these images wrong without relying more on
    the cue. So verdicts rest on the change in reliance, and in the effect of the cue, tested by
    sign flips of each image's change too. ``p_..._holm`` are corrected for the rows of this table,
    and the intervals over images of all rows hold at once with 95 % (Bonferroni).

    Raises ValueError if a baseline was not tested, or on other images or cues.
    """
    tests = [Shortcut.read(path) for path in dict.fromkeys(map(Path, paths))]
    baselines = {test.network.folder: test for test in tests if test.network.criterion == BASELINE}
    groups: dict[tuple[Any, ...], list[tuple[Shortcut, Shortcut]]] = {}
    for test in tests:
        if test.network.criterion == BASELINE:
            continue
        before = baselines.get(test.network.baseline)
        if before is None or before.images != test.images:
            raise ValueError(f"{test.network.folder}: its baseline was not tested on these images")
        key = (test.network.criterion, test.network.removed)
        groups.setdefault(key if pooled else (*key, test.network.seed), []).append((before, test))
    rows = []
    for (criterion, removed, *_), pairs in groups.items():
        seeds = ", ".join(str(test.network.seed) for _, test in pairs)
        rows.append(
            {"criterion": criterion, "removed": removed, "seeds": seeds} | _row(pairs, len(groups))
        )
    frame = pd.DataFrame(rows, columns=COMPARED)
    frame["p_holm"] = holm(frame["p_value"].tolist())
    for name in MEASURES:
        frame[f"p_{name}_holm"] = holm(frame[f"p_{name}"].tolist())
        frame[f"{name}_verdict"] = [
            NO_DIFFERENCE if p >= 0.05 else ("relies more" if change > 0 else "relies less")
            for p, change in zip(frame[f"p_{name}_holm"], frame[f"{name}_difference"], strict=True)
        ]
    return in_order(frame)


def _row(pairs: Sequence[tuple[Shortcut, Shortcut]], comparisons: int) -> dict[str, Any]:
    """One row: arrays are (seeds, images)."""
    before, after = (np.array([pair[side].correct["swapped"] for pair in pairs]) for side in (0, 1))
    low, high = paired_interval((after - before).mean(axis=0), comparisons)
    row: dict[str, Any] = {
        "images": before.shape[1],
        "baseline_accuracy_swapped_cue": float(before.mean()),
        "accuracy_swapped_cue": float(after.mean()),
        "difference": float((after - before).mean()),
        "interval_low": low,
        "interval_high": high,
        "n10": int(np.sum(before > after)),
        "n01": int(np.sum(after > before)),
        "p_value": sign_flip((after - before).sum(axis=0).tolist()),
    }
    for name, test in MEASURES.items():
        changes = np.array([pruned.lost(test) - base.lost(test) for base, pruned in pairs])
        # these changes reach from -2 to 2, and the same half pairs are added
        low, high = paired_interval(changes.mean(axis=0), comparisons)
        over_seeds = Mean.of(changes.mean(axis=1))
        row |= {
            f"{name}_difference": float(changes.mean()),
            f"{name}_interval_low": low,
            f"{name}_interval_high": high,
            f"{name}_seed_interval_low": over_seeds.low,
            f"{name}_seed_interval_high": over_seeds.high,
            f"p_{name}": sign_flip(changes.sum(axis=0).tolist()),
        }
    return row

"""Every pruned network beside another one on the same images: under attack, corrupted, or cued.

What a network did on a test is an :class:`Outcome`; the modules that read the records make them,
and :func:`compared` does the rest, for all of them alike.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layer_pruning.report.network_tables import in_order
from layer_pruning.report.records import BASELINE, KEYS, Network, Place
from layer_pruning.report.selection import equally_trained, on_the_way, varying
from layer_pruning.report.statistics.repeated import against

NO_CHANGE = "no change shown"
FOUND = ["difference", "interval_low", "interval_high", "p_value", "detectable", "verdict"]
Test = tuple[str | float, ...]


@dataclass(frozen=True)
class Outcome:
    """What one network did on the images of one test; values and images are (n,)."""

    network: Network
    test: Test
    images: np.ndarray
    values: np.ndarray
    path: Path

    def on(self, images: np.ndarray) -> np.ndarray:
        """The values on some of its images, in their order."""
        if np.array_equal(images, self.images):
            return self.values
        place = {image: index for index, image in enumerate(self.images.tolist())}
        return self.values[[place[image] for image in images.tolist()]]


def compared(
    outcomes: Iterable[Outcome],
    tests: Sequence[str],
    measure: str,
    *,
    other: str = BASELINE,
    pooled: bool = True,
    apart: Collection[str] = (),
    on_the_way: Collection[Place] = (),
    varying: Collection[Place] = (),
    bound: float = 1.0,
) -> pd.DataFrame:
    """Every network minus ``other`` of the same seed, image by image, one row a test.

    ``tests`` names the parts of an outcome's test, ``measure`` what the values are. ``pooled``
    takes all seeds of a criterion together: then rows speak of other trainings and other images;
    else a row is one trained network, and speaks of other images alone. The criteria at one number
    of removals are compared with ``other`` in one model
    (``repeated.against``), those named by ``apart`` each in its own, and
    all intervals of a data set and architecture hold at once with 95 %. Networks
    ``on_the_way`` to a last phase (``selection.on_the_way``) had fewer epochs: they are in models
    of their own, whose intervals hold at once by themselves, and beside no ``other`` but the
    baseline. Those ``varying`` (``selection.varying``) have a spread over seeds of their own.

    Columns: KEYS (without the seed, ``pooled``), ``tests``, other, seeds, images, other_{measure},
    {measure}, difference, interval_*, p_value, detectable (a true difference of this size would
    have been shown in 80 % of runs), verdict, and worse and better: on how many images of all seeds
    the network does less and more well than the other.

    A network that ``other`` has nothing beside is left out. Raises ValueError where the baseline
    was not given, or the other network did not do the same test on the same images.
    """
    found = list(outcomes)
    by_place = {_place(outcome): outcome for outcome in found}
    models: dict[tuple[Any, ...], list[tuple[Outcome, Outcome]]] = {}
    for outcome in found:
        network = outcome.network
        if network.criterion in (BASELINE, other):
            continue
        passed = network.place in on_the_way
        if passed and other != BASELINE:
            continue  # it was trained for longer
        reference = by_place.get(_place(outcome, other))
        if reference is None and other != BASELINE:
            continue  # it stands beside the networks of one number of removals alone
        if reference is None:
            told = " ".join(str(part) for part in outcome.test if part != "")
            raise ValueError(f"{outcome.path}: its {other} was not given for {told}")
        if not np.array_equal(outcome.images, reference.images):
            raise ValueError(f"{outcome.path}: tested on other images than its {other}")
        alone = network.criterion if network.criterion in apart else ""
        seed = None if pooled else network.seed
        family = (network.dataset, network.architecture, passed)
        key = (*family, network.removed, outcome.test, seed, alone)
        models.setdefault(key, []).append((outcome, reference))
    tables = Counter(key[:3] for key in models)
    keys = [key for key in KEYS if not (pooled and key == "seed")]
    rows = [
        {name: pair[0].network.names[name] for name in keys}
        | dict(zip(tests, pair[0].test, strict=True))
        | {"other": other}
        | row
        for key, model in models.items()
        for pair, row in _rows(model, measure, tables[key[:3]], bound, varying)
    ]
    columns = [*keys, *tests, "other", "seeds", "images", f"other_{measure}", measure]
    frame = pd.DataFrame(rows, columns=[*columns, *FOUND, "worse", "better"])
    return in_order(frame.sort_values(list(tests), kind="stable"))


def beside_each(
    compare: Callable[..., pd.DataFrame], files: Iterable[str | Path], summary: pd.DataFrame
) -> pd.DataFrame:
    """One table: every network beside the baseline, and beside each trained as long.

    ``compare`` is a function like ``robustness.compared_robustness``, and ``summary`` says what
    the networks are (:func:`layer_pruning.report.summary.summarise`).
    """
    paths, others = list(files), list(equally_trained(summary))
    places = {"on_the_way": on_the_way(summary), "varying": varying(summary)}
    tables = [
        compare(paths, other=name, apart=set(others) - {name}, **places)
        for name in (BASELINE, *others)
    ]
    return pd.concat([frame for frame in tables if len(frame)] or tables[:1], ignore_index=True)


def _place(outcome: Outcome, criterion: str = "") -> tuple[Any, ...]:
    """What tells an outcome apart: its own place, or that of ``criterion`` of the same seed."""
    names = outcome.network.names | ({"criterion": criterion} if criterion else {})
    if criterion == BASELINE:
        names["removed"] = 0
    return (*names.values(), outcome.test)


def _rows(
    model: Sequence[tuple[Outcome, Outcome]],
    measure: str,
    tables: int,
    bound: float,
    varying: Collection[Place],
) -> Iterable[tuple[tuple[Outcome, Outcome], dict[str, Any]]]:
    """One pair and the row of each criterion of a model."""
    criteria: dict[str, dict[int, tuple[Outcome, Outcome]]] = {}
    for pair in model:
        criteria.setdefault(pair[0].network.criterion, {})[pair[0].network.seed] = pair
    seeds = sorted(set.intersection(*(set(pairs) for pairs in criteria.values())))
    if not seeds:
        raise ValueError(f"{', '.join(criteria)}: no seed that all of them have was tested")
    references = [next(iter(criteria.values()))[seed][1] for seed in seeds]
    images, shared = _images(references)
    values = {
        name: np.stack([pairs[s][0].on(i) for s, i in zip(seeds, images, strict=True)])
        for name, pairs in criteria.items()
    }
    before = np.stack([own.on(i) for own, i in zip(references, images, strict=True)])
    # a name that no criterion can have
    outcomes = values | {"": before}
    places = {name: pairs[seeds[0]][0].network.place for name, pairs in criteria.items()}
    places[""] = model[0][1].network.place
    moving = {name for name, place in places.items() if place in varying}
    contrasts = against(outcomes, "", varying=moving, tables=tables, bound=bound, shared=shared)
    for name, contrast in contrasts.items():
        change = values[name] - before
        yield (
            criteria[name][seeds[0]],
            {
                "seeds": len(seeds),
                "images": len(images[0]) * (1 if shared else len(seeds)),
                f"other_{measure}": float(before.mean()),
                measure: float(values[name].mean()),
                "difference": contrast.mean,
                "interval_low": contrast.low,
                "interval_high": contrast.high,
                "p_value": contrast.p_value,
                "detectable": contrast.detectable,
                "verdict": contrast.verdict("higher", "lower", NO_CHANGE, ""),
                "worse": int(np.sum(change < 0)),
                "better": int(np.sum(change > 0)),
            },
        )


def _images(references: Sequence[Outcome]) -> tuple[list[np.ndarray], bool]:
    """The images of each seed that count, and whether they are the same for all seeds.

    Seeds that share only some of their images are compared on those; seeds that share none on as
    many as the one with the fewest has.
    """
    images = [outcome.images for outcome in references]
    common = set.intersection(*(set(own.tolist()) for own in images))
    if common:
        return [np.array([i for i in images[0].tolist() if i in common])] * len(images), True
    fewest = min(map(len, images))
    return [own[:fewest] for own in images], False

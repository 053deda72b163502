"""How far the stochastic metrics depend on the rotation that their search starts from.

Their distance is the best that alternating steps find, and the problem is not convex, so that the
start belongs to the definition (:mod:`layer_pruning.similarity.stochastic`). What other starts
would have said is recorded once for each baseline.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from layer_pruning.runtime.record_files import (
    PathLike,
    check_numbers,
    part_of_record,
    read_record_file,
    write_record_file,
)
from layer_pruning.scoring.catalog import SEARCHING_METRICS
from layer_pruning.scoring.probe import Probe

RANDOM = 2


def spread_over_starts(probe: Probe, metrics: Sequence[str], *, seed: int = 0) -> dict[str, Any]:
    """The content of ``stochastic_starts.json``: a record for each of some SEARCHING_METRICS.

    ``distances`` of every block from each start: the identity, which is the one that counts, the
    class means, and two random rotations. ``spread_percent`` is how far the largest of a block is
    above its smallest, for the block where that is most; ``removed_blocks`` names the block that
    would go, by start.
    """
    blocks = probe.blocks.tolist()
    return {
        metric: _record(_distances(probe, SEARCHING_METRICS[metric], seed), blocks)
        for metric in metrics
    }


def write_starts(path: PathLike, record: Mapping[str, Any]) -> None:
    """Write ``stochastic_starts.json``."""
    write_record_file(path, record)


def read_starts(path: PathLike) -> dict[str, Any]:
    """Read ``stochastic_starts.json``; raises as `read_record_file`."""
    return read_record_file(path, _check)


def _check(record: dict[str, Any]) -> None:
    for metric, found in record.items():
        with part_of_record(metric):
            check_numbers(found, "spread_percent")
            for start, block in found["removed_blocks"].items():
                distances = found["distances"][start]
                if distances[block] > min(distances.values()):
                    raise ValueError(
                        f"removed_blocks.{start} is {block}, not the smallest distance"
                    )


def _record(found: dict[str, np.ndarray], blocks: list[str]) -> dict[str, Any]:
    every = np.stack(list(found.values()))
    least, most = every.min(axis=0), every.max(axis=0)
    # a distance that is 0 from one start and not from another would be all of it
    spread = np.divide(most - least, least, out=np.zeros_like(least), where=least > 0)
    return {
        "distances": {
            name: dict(zip(blocks, values.tolist(), strict=True)) for name, values in found.items()
        },
        "spread_percent": 100 * float(spread.max()),
        "removed_blocks": {name: blocks[int(values.argmin())] for name, values in found.items()},
    }


def _distances(probe: Probe, alpha: float, seed: int) -> dict[str, np.ndarray]:
    """By start, the distances (c,); one block at a time, since a rotation has d x d numbers."""
    from layer_pruning.similarity.stochastic import align

    generator = np.random.default_rng(seed)
    width = probe.features.shape[1]
    starts: dict[str, str | np.ndarray] = {"identity": "identity", "means": "means"}
    for place in range(1, RANDOM + 1):
        # by Haar's measure: the signs of R's diagonal are taken out of Q (Mezzadri 2007)
        q, r = np.linalg.qr(generator.standard_normal((width, width)))
        starts[f"random_{place}"] = (q * np.sign(np.diag(r)))[np.newaxis]
    return {
        name: np.array(
            [
                align(
                    probe.features, bypassed[np.newaxis], probe.labels, alpha=alpha, init=start
                ).distances[0]
                for bypassed in probe.features_bypassed
            ]
        )
        for name, start in starts.items()
    }

"""The depth profiles that reach a target, by what each block saves."""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence

from layer_pruning.evaluation.complexity import multiply_accumulates, parameter_count
from layer_pruning.evaluation.reduction import reaches
from layer_pruning.evaluation.savings import counted_savings, removable_blocks
from layer_pruning.models.residual import ResidualNetwork
from layer_pruning.scoring.savings import read_saving
from layer_pruning.searching.sets import BlockSet

logger = logging.getLogger(__name__)


def within_target(
    sets: Sequence[BlockSet],
    target: Mapping[str, float],
    network: ResidualNetwork,
    latencies: Iterable[str | os.PathLike[str]] = (),
) -> list[BlockSet]:
    """The sets whose removal from ``network`` reaches ``target``; all of them where none does.

    ``target`` is empty or one of ``macs_reduction``, ``parameters_reduction`` and
    ``latency_reduction``, in percent of the network's. A latency is predicted as in the report,
    from the block latencies in a file ``savings/latency.json``, which ``latencies`` then has.
    """
    for key, percent in target.items():
        kind = key.removesuffix("_reduction")
        saves, whole = _saved(kind, network, latencies)
        reached = [one for one in sets if reaches(sum(saves[b] for b in one), whole, percent)]
        logger.info("%d of %d profiles reach %s: %g", len(reached), len(sets), key, percent)
        sets = reached or sets
    return list(sets)


def _saved(
    kind: str, network: ResidualNetwork, latencies: Iterable[str | os.PathLike[str]]
) -> tuple[dict[str, float], float]:
    """What each block saves, and what the network costs."""
    if kind == "latency":
        (record,) = map(read_saving, latencies)
        blocks = {name: float(values[kind]) for name, values in record["blocks"].items()}
        return blocks, float(record["network"][kind])
    counted = counted_savings(network, removable_blocks(network))
    total = {
        "macs": multiply_accumulates(network, network.header.input_shape),
        "parameters": parameter_count(network),
    }[kind]
    return {name: values[kind] for name, values in counted.items()}, float(total)

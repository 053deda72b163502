"""How far rankings agree: Kendall's tau-b for two of them, Kendall's W for all at once.

Source: M. G. Kendall, Rank Correlation Methods, 1948 (tau-b in chapter 3, W in chapter 6).
"""

import numpy as np
from numpy.typing import NDArray


def kendall_tau(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kendall's tau-b between every two rows of ``ranks`` (metrics, blocks).

    Returns (metrics, metrics), symmetric, 1 = the same order, -1 = the opposite one. Entries of a
    row that ranks all blocks equal are NaN, its diagonal included: it has no order to compare.
    """
    # For every ordered pair of blocks, which of the two goes first: -1, 0 (tied) or 1.
    sign = np.sign(ranks[:, :, None] - ranks[:, None, :]).reshape(len(ranks), -1)
    concordance = sign @ sign.T
    untied = np.diag(concordance)
    scale = np.sqrt(np.outer(untied, untied))
    tau: NDArray[np.float64] = np.full_like(scale, np.nan)
    np.divide(concordance, scale, out=tau, where=scale > 0)
    return tau


def kendall_w(ranks: NDArray[np.float64]) -> float:
    """Kendall's coefficient of concordance of the rows of ``ranks`` (metrics, blocks).

    1 = all metrics agree, 0 = the rank sums of all blocks are equal. The denominator is the
    scatter that the rank sums would have if all rows were alike; taken from the ranks as they
    are, it holds the correction for ties. NaN for a single metric, for a single block, and where
    every metric ranks all blocks equal.
    """
    metrics, blocks = len(ranks), len(ranks[0])
    mean = (blocks + 1) / 2
    most = metrics * float(((ranks - mean) ** 2).sum())
    if metrics < 2 or most == 0:
        return float("nan")
    scatter = float(((ranks.sum(axis=0) - metrics * mean) ** 2).sum())
    return scatter / most

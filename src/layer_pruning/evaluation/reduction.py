"""Whether a network saves as much of a cost as was asked for. No torch."""


def reaches(saved: float, total: float, percent: float) -> bool:
    """Whether ``saved`` of ``total`` is ``percent`` or more, as it is or as tables print it.

    They print hundredths, and a percentage that was read off one is to mean the same network
    wherever it is written. False where a number is NaN, and where ``total`` is not above 0: of
    nothing, nothing is saved.
    """
    if not total > 0:
        return False
    return 100 * saved >= percent * total or round(100 * saved / total, 2) >= percent

"""The trackers that there are, and which of them a configuration asks for. Imports none of them."""

import importlib.util
from collections.abc import Mapping

TRACKERS = ("tensorboard", "mlflow")
"""Names of trackers, of the modules here and of the packages that they need."""


def wanted(switches: Mapping[str, bool]) -> list[str]:
    """The trackers that are switched on."""
    return [name for name in TRACKERS if switches[name]]


def check_installed(name: str) -> None:
    """Raise ValueError in one line, with the remedy, where the package of a tracker is missing."""
    if importlib.util.find_spec(name) is None:
        raise ValueError(
            f"{name}: the package {name} is not installed; 'pip install {name}' would be "
            "right, or false"
        )

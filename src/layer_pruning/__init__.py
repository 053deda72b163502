"""Make residual image classifiers shallower, block by block, and measure what that costs.

As a library, for a network of your own in your own loop::

    import layer_pruning

    network = layer_pruning.wrap(module, input_shape=(3, 32, 32))
    scores = layer_pruning.score(network, images, labels)
    ranking = layer_pruning.rank(scores)
    smaller = layer_pruning.prune(network, ranking.index[0])

or all of it until a target is met::

    pruning = layer_pruning.iterate(network, images, labels, target={"macs_reduction": 40})
    for step in pruning:
        train(step.network)

Everything in ``__all__`` is public, see :mod:`layer_pruning.library`. Importing this module imports
neither torch nor numpy: a name does when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from layer_pruning.library.iteration import iterate
    from layer_pruning.library.networks import (
        ResidualNetwork,
        bypass,
        export_network,
        load,
        measure,
        prune,
        save,
        wrap,
    )
    from layer_pruning.library.scores import rank, score, search

__all__ = [
    "ResidualNetwork",
    "bypass",
    "export_network",
    "iterate",
    "load",
    "measure",
    "prune",
    "rank",
    "save",
    "score",
    "search",
    "wrap",
]

# of those that are about more than one network
_MODULES = {"iterate": "iteration", "rank": "scores", "score": "scores", "search": "scores"}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for (PEP 562)."""
    if name == "__version__":
        # read where it is asked for: it takes a third of the time of `layer-pruning run`
        return importlib.import_module("layer_pruning.installation").version()
    if name not in __all__:
        raise AttributeError(f"module 'layer_pruning' has no attribute '{name}'")
    module = _MODULES.get(name, "networks")
    return getattr(importlib.import_module(f"layer_pruning.library.{module}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])

"""What stands where a block was: it gives back, of the block's arguments, what the block would.

A block without its residual branch returns its input. Where blocks take more than one argument or
return more than one value, a *route* says which argument is which output. It is JSON, so that a
network file can hold it without holding code:

- ``{"argument": [0]}`` is the first argument, ``{"argument": ["mask"]}`` the one called ``mask``,
  ``{"argument": [0, 1]}`` the second element of the first;
- ``{"tuple": [...]}``, ``{"list": [...]}`` and ``{"dict": {...}}`` hold routes;
- ``{"constant": null}`` is that value: null, a truth value, a number or a text.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

Path = tuple[int | str, ...]
"""Where something lies in arguments: a position or a keyword, then positions and keys inside."""

PLAIN = (bool, int, float, str, type(None))


def leaves(structure: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """What tuples, lists and dictionaries hold in the end, with where it lies."""
    if isinstance(structure, tuple | list):
        for index, item in enumerate(structure):
            yield from leaves(item, (*path, index))
    elif isinstance(structure, dict):
        for key, item in structure.items():
            yield from leaves(item, (*path, key))
    else:
        yield path, structure


def arguments(positional: tuple[Any, ...], keywords: Mapping[str, Any]) -> dict[Any, Any]:
    """Arguments of a call, by the position or keyword that is the first step of a :data:`Path`."""
    return {**dict(enumerate(positional)), **keywords}


def mapped(function: Callable[[Tensor], Any], structure: Any) -> Any:
    """``structure`` with ``function`` applied to every tensor in tuples, lists and dictionaries."""
    if isinstance(structure, Tensor):
        return function(structure)
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(mapped(function, item) for item in structure))
    if isinstance(structure, tuple | list):
        return type(structure)([mapped(function, item) for item in structure])
    # what transformers return, a dictionary that is more than one, stays as it is
    if type(structure) is dict:
        return {key: mapped(function, item) for key, item in structure.items()}
    return structure


def tensors(structure: Any) -> list[Tensor]:
    """All tensors in a structure."""
    return [leaf for _, leaf in leaves(structure) if isinstance(leaf, Tensor)]


def route_of(output: Any, given: dict[Any, Any], same: Callable[[Any, Any], bool]) -> Any:
    """The route by which ``output`` comes out of the arguments ``given``.

    ``same`` tells whether an output is an argument. Raises ValueError for what is neither an
    argument nor a plain constant.
    """
    if isinstance(output, Tensor):
        for path, leaf in leaves(given):
            if isinstance(leaf, Tensor) and same(output, leaf):
                return {"argument": list(path)}
        raise ValueError("it returns a tensor that is none of its arguments")
    if type(output) in (tuple, list):
        return {type(output).__name__: [route_of(item, given, same) for item in output]}
    if type(output) is dict:
        return {"dict": {key: route_of(item, given, same) for key, item in output.items()}}
    if isinstance(output, PLAIN):
        for path, leaf in leaves(given):
            if output is not None and type(leaf) is type(output) and leaf == output:
                return {"argument": list(path)}
        return {"constant": output}
    raise ValueError(f"it returns a {type(output).__name__}, which is no tensor")


def routed(route: Any, given: Mapping[Any, Any]) -> Any:
    """What ``route`` makes of the arguments ``given``.

    Raises ValueError for what is no route, and LookupError for an argument that is not there.
    """
    if not isinstance(route, dict) or len(route) != 1:
        raise ValueError(f"{route!r} is no route")
    ((kind, value),) = route.items()
    if kind == "argument" and isinstance(value, list) and value:
        found: Any = given
        for step in value:
            found = found[step]
        return found
    if kind in ("tuple", "list") and isinstance(value, list):
        items = [routed(item, given) for item in value]
        return tuple(items) if kind == "tuple" else items
    if kind == "dict" and isinstance(value, dict):
        return {key: routed(item, given) for key, item in value.items()}
    if kind == "constant" and isinstance(value, PLAIN):
        return value
    raise ValueError(f"{route!r} is no route")


class PassThrough(nn.Module):
    """A block without its branch: parameters gone, arguments given back as its route says.

    It keeps the plain attributes of the block (numbers, texts, truth values), which code around
    blocks may read.
    """

    def __init__(self, route: str | None, block: nn.Module | None = None) -> None:
        """``route`` is the JSON of a route, None for the first argument."""
        super().__init__()
        for name, value in _plain_attributes(block).items():
            setattr(self, name, value)
        self._route = json.loads(route) if route else None

    def forward(self, *positional: Any, **keywords: Any) -> Any:
        """The arguments, as far as the block would give them back."""
        if self._route is None:
            return positional[0]
        return routed(self._route, arguments(positional, keywords))


def _plain_attributes(block: nn.Module | None) -> dict[str, Any]:
    if block is None:
        return {}
    own = {
        name: value
        for kind in reversed(type(block).__mro__)
        if kind not in nn.Module.__mro__
        for name, value in vars(kind).items()
    } | vars(block)
    return {
        name: value
        for name, value in own.items()
        if not name.startswith("_") and name != "training" and _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(_is_plain(item) for item in value)
    return isinstance(value, PLAIN)

"""Functions of the user's, which a configuration names ``my_package.my_module:function``."""

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WRITTEN = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
"""How such a name is written."""


def named_function(name: str, *, takes: Sequence[str] = ()) -> Callable[..., Any]:
    """The function that ``name`` names, of a module that is installed or in the working folder.

    Raises ValueError in one line where there is none, or where it cannot be called with as many
    positional arguments as ``takes`` describes.
    """
    if not WRITTEN.fullmatch(name):
        raise ValueError(f"'{name}' should be written 'my_package.my_module:function'")
    module_name, attribute = name.split(":")
    try:
        with users_code(), _working_folder_importable():
            module = importlib.import_module(module_name)
    except Exception as error:
        raise ValueError(
            f"{name}: importing {module_name} failed ({one_line(error)}); it should be installed "
            "or lie in the working folder"
        ) from error
    function = getattr(module, attribute, None)
    if not callable(function):
        raise ValueError(f"{name}: {module_name} has no function '{attribute}'")
    if takes:
        try:
            inspect.signature(function).bind(*takes)
        except TypeError as error:
            raise ValueError(f"{name} should take {', '.join(takes)}: {error}") from error
    return function


class ExitCalled(ValueError):
    """Code of the user's called ``sys.exit``, which would end a job or a command without a line."""


@contextmanager
def users_code() -> Iterator[None]:
    """Around code of the user's: one that would end the process raises :class:`ExitCalled`."""
    try:
        yield
    except SystemExit as error:
        raise ExitCalled(
            f"code of your own called sys.exit({error.code!r}), which ends the process; to raise "
            "an error, or to stand below 'if __name__ == \"__main__\":', would be right"
        ) from error


def source_files(name: str) -> list[str]:
    """The file of the module that ``name`` names, where it lies in the working folder."""
    path = Path(*name.split(":")[0].split("."))
    sources = (path.with_suffix(".py"), path / "__init__.py")
    return [str(source) for source in sources if source.is_file()]


def one_line(error: Exception) -> str:
    """The kind and the text of an error of the user's code."""
    return " ".join(f"{type(error).__name__}: {error}".split())


@contextmanager
def _working_folder_importable() -> Iterator[None]:
    """Scripts of a workflow do not find modules of the folder that it runs in by themselves."""
    folder = str(Path.cwd())
    sys.path.append(folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(folder)

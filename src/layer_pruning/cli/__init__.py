"""The command line: a module a command, and :mod:`layer_pruning.cli.commands` over them."""

from layer_pruning.cli.commands import main, parser

__all__ = ["main", "parser"]

"""All commands: their options, and what comes of a wrong argument.

Begin a configuration and run it; is it right, which blocks has a network, what can pruning reach,
what does a file hold? What a command needs is imported by it: ``run`` is there at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from layer_pruning.cli import blocks, check, export, init, launch, plan, show
from layer_pruning.installation import version
from layer_pruning.runtime.named_function import users_code
from layer_pruning.runtime.printable import printable
from layer_pruning.terminal.style import coloured


class Version(argparse.Action):
    """``--version``: the version is looked up where it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print it and end."""
        print(version())
        parser.exit()


class Parser(argparse.ArgumentParser):
    """What is wrong with an argument is raised, to be said as what is wrong with a file."""

    def error(self, message: str) -> NoReturn:
        """Raise ValueError in one line."""
        raise ValueError(f"{message}; see '{self.prog} --help'")


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = Parser(
        prog="layer-pruning",
        description="Make image classifiers shallower: begin a configuration (init), see what it "
        "asks for (check), run it (run). The others look at networks before and after pruning.",
    )
    top.add_argument("--version", action=Version, nargs=0, help="print the version and end")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (launch, init, blocks, plan, check, show, export):
        command.add(commands)
    _add_completion(commands, top)
    return top


def _add_completion(commands: Any, top: argparse.ArgumentParser) -> None:
    completion = commands.add_parser(
        "completion",
        help="what a shell needs to complete these commands",
        description="Print a script of completion: layer-pruning completion bash > "
        "~/.local/share/bash-completion/completions/layer-pruning",
    )
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"))

    def printed(given: argparse.Namespace) -> str:
        import shtab

        return str(shtab.complete(top, given.shell))

    completion.set_defaults(printed=printed)


def launched(arguments: Sequence[str]) -> int:
    """Run the workflow: this process becomes Snakemake's. Exit status 2 without a configuration.

    Raises FileNotFoundError or ValueError in one line before that.
    """
    own, options = launch.split(arguments)
    top = parser()
    given = top.parse_args(["run", *own])
    if given.configuration is None and not given.demo:
        top.error(
            "run: name a configuration first, such as mine.yaml, or --demo; 'layer-pruning init' "
            "writes one"
        )
    words = launch.command(given.configuration, options)
    os.execv(words[0], words)


def _printed(words: Sequence[str]) -> str:
    """What a command prints."""
    given = parser().parse_args(words)
    with users_code():
        return str(given.printed(given))


def _line(error: Exception) -> str | None:
    """What is said to who called; None for a defect of this software."""
    from layer_pruning.runtime.job import said_in_line

    yaml = sys.modules.get("yaml")
    if yaml and isinstance(error, yaml.YAMLError):
        return str(error)
    return said_in_line(
        error,
        installs="pip install layer-pruning (pip install -r requirements.txt in the checkout) "
        "gets what is needed",
        needs_less="a smaller batch (--batch-size, or 'batch_size' of the configuration), or "
        "smaller images, would need less",
    )


def _say(line: str) -> None:
    name = coloured("layer-pruning:", "red", sys.stderr)
    print(f"{name} {printable(' '.join(line.split()))}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; a wrong argument or file is one line and exit status 2, Ctrl-C is 130."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if words[:1] == ["run"]:
            return launched(words[1:])
        # at once, so that a reader that is gone (| head) is noticed here
        print(printable(_printed(words)), flush=True)
    except BrokenPipeError:
        # Python would say so once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        # below what is being tried, or the ^C of the terminal
        print(file=sys.stderr)
        _say("interrupted")
        return 130
    except Exception as error:
        if (first := _line(error)) is None:
            raise
        for line in (first, *getattr(error, "others", ())):
            _say(line)
        return 2
    return 0

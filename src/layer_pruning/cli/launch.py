"""From ``layer-pruning run`` to Snakemake: which workflow, which configuration, which options.

It is Snakemake that runs, in the working folder and with the arguments given here, so that
``snakemake --snakefile …`` does the same and finds nothing to be done after it.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from layer_pruning.cli.suggestion import quoted_command
from layer_pruning.installation import workflow_folder

DEMONSTRATION = "--demo"
# what says how many jobs run at a time, or leaves it to a scheduler
_PARALLEL = (
    *("-c", "--cores", "-j", "--jobs", "-e", "--executor"),
    *("--profile", "--workflow-profile"),
)
# what says which workflow and which configuration, as `run` does
_OURS = ("-s", "--snakefile", "--configfile", "--configfiles")


def add(commands: Any) -> None:
    """Add the commands ``run`` and ``where``."""
    run = commands.add_parser(
        "run",
        help="prune, as a configuration says; what follows it is for snakemake",
        description="Run the workflow with a configuration. Results go to the working folder. All "
        "behind the configuration is for snakemake, such as --cores 2, --dry-run or --directory; "
        "without --cores, all cores are used. 'snakemake --snakefile' with the Snakefile that "
        "'layer-pruning where' names does the same.",
        usage="layer-pruning run (CONFIG | --demo) [SNAKEMAKE OPTION ...]",
    )
    run.add_argument(
        "configuration",
        metavar="CONFIG",
        nargs="?",
        help="a file, or the name of one that lies with the workflow, such as compare",
    )
    run.add_argument(
        DEMONSTRATION,
        action="store_true",
        help="the demonstration: handwritten digits, nothing is downloaded",
    )
    where = commands.add_parser(
        "where", help="the folder of the workflow: its Snakefile, configurations and profiles"
    )
    where.set_defaults(printed=lambda _: str(workflow_folder()))


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is for ``run`` itself, and all behind it, which is for Snakemake.

    For ``run`` is the first argument where it is no option or one of its own.
    """
    first = list(arguments[:1])
    if first and first[0].startswith("-") and first[0] not in (DEMONSTRATION, "-h", "--help"):
        first = []
    return first, list(arguments[len(first) :])


def carried(folder: Path) -> list[str]:
    """Names of the configurations that lie with the workflow, such as ``published/resnet20``."""
    found = (folder / "config").rglob("*.yaml")
    names = (path.relative_to(folder / "config").with_suffix("").as_posix() for path in found)
    return sorted(name for name in names if not name.endswith(".schema"))


def configuration_file(given: str, folder: Path | None = None) -> Path:
    """The configuration that is meant: a file, or one that lies with the workflow, by its name.

    A folder is neither, and hides no name. Raises FileNotFoundError in one line.
    """
    path = Path(given)
    if path.exists() and not path.is_dir():
        return path
    folder = folder or workflow_folder()
    name = given.removeprefix("config/").removesuffix(".yaml")
    if name in (known := carried(folder)):
        return folder / "config" / f"{name}.yaml"
    wrong, begun = "no such file", given
    if path.is_dir():
        wrong, begun = "a folder, where a file is asked for", str(path / "mine.yaml")
    raise FileNotFoundError(
        f"{given}: {wrong}; {quoted_command('init', begun)} writes one, and known by name are "
        + ", ".join(known)
    )


def command(
    configuration: str | None, options: Sequence[str], folder: Path | None = None
) -> list[str]:
    """The command that runs the workflow; with the demonstration's configuration for None.

    All cores are used where neither ``options`` nor the environment say otherwise. A profile is a
    folder, or one that lies with the workflow, by its name. Raises ValueError for an option that
    would take the place of what ``run`` itself gives.
    """
    folder = folder or workflow_folder()
    for option in options:
        if option.partition("=")[0] in _OURS:
            raise ValueError(
                f"{option}: 'layer-pruning run CONFIG' gives the workflow and the configuration; "
                f"with others it is 'snakemake --snakefile {folder / 'Snakefile'} …'"
            )
    # -P: as with the program `snakemake`, no file of the working folder is taken for a module
    words = [sys.executable, "-P", "-m", "snakemake"]
    if configuration is not None:
        words += ["--configfile", str(configuration_file(configuration, folder))]
    words += ["--snakefile", str(folder / "Snakefile")]
    if not _says_how_many(options):
        words += ["--cores", "all"]
    return words + _with_carried_profiles(options, folder)


def _says_how_many(options: Sequence[str]) -> bool:
    if os.environ.get("SNAKEMAKE_PROFILE"):
        return True
    return any(
        option.partition("=")[0] in _PARALLEL or option[:2] in ("-c", "-j") for option in options
    )


def _with_carried_profiles(options: Sequence[str], folder: Path) -> list[str]:
    """``options`` with the folders of profiles that are named and lie with the workflow."""

    def meant(name: str) -> str:
        known = folder / "profiles" / name.removeprefix("profiles/")
        return str(known) if not Path(name).exists() and known.is_dir() else name

    written = list(options)
    for place, option in enumerate(written):
        name, equals, value = option.partition("=")
        if name in ("--profile", "--workflow-profile"):
            if equals:
                written[place] = f"{name}={meant(value)}"
            elif place + 1 < len(written):
                written[place + 1] = meant(written[place + 1])
    return written

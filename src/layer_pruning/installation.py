"""Which copy of this package runs, and the workflow that goes with it."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def workflow_folder(package: Path = HERE) -> Path:
    """The folder that holds Snakefile, rules, scripts, configurations and profiles.

    A wheel carries them inside the package; those of a checkout lie beside ``src``. Raises
    FileNotFoundError where there are none.
    """
    for folder in (package / "_workflow", package.parents[1]):
        if (folder / "Snakefile").is_file():
            return folder
    raise FileNotFoundError(
        f"{package}: no workflow lies with this copy of the package; the wheel, or a checkout "
        "installed by 'pip install -e', would have one"
    )


def check_interpreter(program: str = sys.executable) -> None:
    """Raise ValueError, in one line, for a Python that Snakemake could not start jobs with.

    It writes the path into a command for the shell as it is.
    """
    if found := sorted(set(" \t\n'\"$`\\;&|<>()*?[]{}#!") & set(program)):
        raise ValueError(
            f"{program}: Snakemake starts no job with a Python whose path holds {found[0]!r}; an "
            "environment in another folder would be right (results may lie anywhere)"
        )


def version() -> str:
    """The version of this package, which follows from the tags of the repository."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("layer-pruning")
    except PackageNotFoundError:
        return "unknown"


def shadowing(checkout: Path, package: Path = HERE) -> str | None:
    """One line where a checkout's rules would run another copy of the package than its own.

    None where its own is imported, or it has none: then there is only one.
    """
    own = (checkout / "src" / "layer_pruning").resolve()
    if not own.is_dir() or own == package:
        return None
    return (
        f"the package is imported from {package}, not from this checkout ({own}): what is changed "
        f"here has no effect; 'pip install -e {checkout.resolve()}' would make it its own"
    )

"""Which copy of this package runs."""

from pathlib import Path

HERE = Path(__file__).resolve().parent


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

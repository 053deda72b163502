"""What every job of the workflow has around it: a log, its times, and errors in one line."""

import gc
import logging
import os
import re
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from layer_pruning.runtime.access import access_remedy, address_space
from layer_pruning.runtime.named_function import users_code
from layer_pruning.runtime.printable import printable
from layer_pruning.runtime.processes import end_with_launcher, place, run_ranks
from layer_pruning.runtime.record_files import REMEDY, below_results


def wait_passively() -> None:
    """Let the threads of a job sleep while they wait for each other, unless the user chose.

    By default they spin, which beside any other busy process takes the time of the thread that is
    waited for: two threads were then 5.7 times slower than one. OpenMP reads this when it is
    loaded, so before PyTorch and NumPy are.
    """
    chosen = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")
    if not any(name in os.environ for name in chosen):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


_NO_MEMORY = ("out of memory", "allocate memory", "Storage size calculation overflowed")


def remedy(error: BaseException) -> str | None:
    """One line on an error that is no defect of this software; None for any other.

    Such an error (a bad input, a damaged file, a full disk, too little memory, a missing package, a
    loss that is not finite) says what is wrong and what would be right.
    """
    line = said_in_line(error)
    return line and _about_damage(line)


def said_in_line(
    error: BaseException,
    installs: str = "'pip install -r requirements.txt' in the checkout installs what is needed",
    needs_less: str = "a smaller 'batch_size' or 'probe.images_per_class', or fewer jobs at a time "
    "(--cores), would need less",
) -> str | None:
    """As :func:`remedy`, with other words for what helps, and without a touch to any file."""
    said = " ".join(str(error).split())
    if isinstance(error, ImportError):
        return f"{said}: {installs}"
    if isinstance(error, OSError) and error.strerror:
        # without the number in front, which a message of ours does not need
        said = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    helps = access_remedy(error)
    if helps is not None and not _says_what_helps(said):
        return f"{said}: {helps}"
    # PyTorch raises RuntimeError where the memory of a device or of the machine does not suffice
    if isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in said for sign in _NO_MEMORY)
    ):
        if (limit := address_space()) is not None and "CUDA" not in said:
            return f"not enough memory ({said[:200]}): {limit}"
        return f"not enough memory ({said[:200]}): {needs_less}"
    return said if isinstance(error, ValueError | OSError | FloatingPointError) else None


def _says_what_helps(said: str) -> bool:
    """Whether a message is one of ours, which name the remedy themselves."""
    return "make space" in said or "would be right" in said or "delete " in said


def _about_damage(said: str) -> str:
    """What is done, or is to be done, about a damaged file that ``said`` names at its beginning.

    One that the workflow made, below ``results``, is set aside: Snakemake then misses it, and the
    same command makes it again; asked for by its name, it does so even where all that was made from
    it is there, and trains nothing anew where it comes out as it was. A link, as files out of
    Snakemake's cache are, stays: without its target Snakemake would link the same damaged file
    again.
    """
    path = Path(said.partition(": ")[0])
    if REMEDY not in said:
        return said
    if path.is_symlink():
        return f"{said} (it is a link: delete {path.resolve()} too)"
    if not below_results(path) or not path.is_file() or not os.access(path, os.R_OK):
        return said
    aside = path.with_name(f"{path.name}.damaged")
    try:
        path.replace(aside)
    except OSError:
        return said
    again = f"run the same command again to make it anew, with '-- {path}' if nothing is to be done"
    return said.replace(REMEDY, f"it is now {aside}; {again}")


@contextmanager
def job(log: str | os.PathLike[str], processes: int = 1) -> Iterator[logging.Logger]:
    """Send all logging to the file ``log``, and end the process on an error that has a remedy.

    It is printed in one line, logged, and the exit status is 1, see :func:`remedy`. Anything else
    is a defect of this software, and its traceback is shown. Ctrl-C ends the process without a
    word, since Snakemake says what happened.

    The last line of the log says what starting the process (Python, imports) and its work took, in
    seconds of CPU time, which other jobs on the machine disturb less than wall time, and the most
    memory that it held.

    With several ``processes`` the script is run again in each of them and the block is left out
    here, see :mod:`layer_pruning.runtime.processes`; the first of them writes the log.
    """
    start_up = time.process_time()
    # what was imported stays until the end: looking through it there, too, takes half a second
    gc.freeze()
    gc.enable()
    # a log that cannot be written should not bury the reason, which may be a full disk
    logging.raiseExceptions = False
    try:
        _log_to(Path(log))
        logger = logging.getLogger("layer_pruning.runtime.job")
        if processes > 1 and place() is None:
            run_ranks(processes, sys.argv, Path(f"{log}.processes"))
            sys.exit()
        with users_code():
            yield logger
        work = time.process_time() - start_up
        logger.info(
            "start-up %.2f s, work %.2f s of CPU time; %d MB of memory",
            *(start_up, work, most_memory_mb()),
        )
    except KeyboardInterrupt:
        logging.getLogger("layer_pruning.runtime.job").info("interrupted")
        raise
    except Exception as error:
        line = remedy(error)
        if line is None:
            raise
        logging.getLogger("layer_pruning.runtime.job").error("error: %s", line)
        print(f"error: {printable(line)}", file=sys.stderr)
        sys.exit(1)


def most_memory_mb() -> int:
    """Megabytes that this process held at most.

    On Linux, what ``getrusage`` says begins with what the process held that started this one, so
    that no job would seem to hold less than Snakemake.
    """
    with suppress(OSError):
        held = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
        if held:
            return int(held[1]) * 1024 // 10**6
    # kilobytes, but bytes on a Mac
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // 10**6


def _log_to(log: Path) -> None:
    """Log to a file of this job's own, which of several processes the first one does."""
    if (here := place()) is not None:
        end_with_launcher()
        if here.rank > 0:
            logging.basicConfig(handlers=[logging.NullHandler()], force=True)
            return
    log.parent.mkdir(parents=True, exist_ok=True)
    if here is None:
        log.write_text("")
    logging.basicConfig(
        filename=log,
        filemode="a",
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
        force=True,
    )


def said_briefly(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """What Python calls for an exception that nothing caught."""
    if issubclass(kind, ImportError):
        print(f"error: {remedy(error)}", file=sys.stderr)
    elif not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)

"""What every job of the workflow has around it: a log, its times, and errors in one line."""

import logging
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def job(log: str | os.PathLike[str]) -> Iterator[logging.Logger]:
    """Send all logging to the file ``log``, and end the process on an error that has a remedy.

    Such an error (a bad input, a damaged file, a full disk, a loss that is not finite) says in its
    message what is wrong and what would be right: it is printed in one line, logged, and the exit
    status is 1. Anything else is a defect of this software, and its traceback is shown.

    The last line of the log says what starting the process (Python, imports) and its work took, in
    seconds of CPU time, which other jobs on the machine disturb less than wall time, and the most
    memory that it held.
    """
    start_up = time.process_time()
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=log,
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
        force=True,
    )
    logger = logging.getLogger("layer_pruning.job")
    try:
        yield logger
        work = time.process_time() - start_up
        # kilobytes, but bytes on a Mac
        unit = 2**20 if sys.platform == "darwin" else 2**10
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit
        logger.info(
            "start-up %.2f s, work %.2f s of CPU time; %d MB of memory", start_up, work, memory
        )
    except (ValueError, OSError, FloatingPointError) as error:
        logger.error("error: %s", error)
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)

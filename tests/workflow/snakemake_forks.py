"""Run Snakemake several times, for the price of starting it once: each run is a fork.

Called with a file of JSON, a list of lists of arguments; prints exit statuses and outputs.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from snakemake.cli import main


def forked(arguments: list[str]) -> tuple[int, str]:
    """Exit status and output of one run."""
    with tempfile.TemporaryFile("w+") as output:
        child = os.fork()
        if child == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            try:
                main(arguments)
            except SystemExit as ended:
                sys.stdout.flush()
                os._exit(ended.code if isinstance(ended.code, int) else 1)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        output.seek(0)
        return status, output.read()


if __name__ == "__main__":
    runs = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps([forked(arguments) for arguments in runs]))

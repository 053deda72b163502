"""Run Snakemake many times, for the price of importing it once: each run is a fork.

Importing Snakemake takes longer than planning a small chain. Run as a program, this file imports it
and waits for requests; :class:`Snakemakes` starts the program and asks it. A fork has the working
folder, the environment and the arguments of its request, and nothing of this project is imported
before it is forked, so that it runs the copy of the project that it is asked for.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path


class Snakemakes:
    """Snakemake, imported in a process of its own that lives as long as this one."""

    def __init__(self) -> None:
        self._server: subprocess.Popen | None = None
        self._lock = threading.Lock()

    def run(
        self, arguments: list[str], *, folder: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess:
        """As ``subprocess.run`` of ``snakemake`` with these arguments in ``folder``."""
        with self._lock, tempfile.TemporaryDirectory() as said:
            if self._server is None:
                self._server = subprocess.Popen(
                    [sys.executable, __file__],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
                )
            outputs = [Path(said, name) for name in ("stdout", "stderr")]
            request = [arguments, str(folder), environment, *map(str, outputs)]
            assert self._server.stdin and self._server.stdout
            self._server.stdin.write(json.dumps(request) + "\n")
            self._server.stdin.flush()
            status = int(self._server.stdout.readline())
            texts = [path.read_text(errors="replace") for path in outputs]
        return subprocess.CompletedProcess(["snakemake", *arguments], status, *texts)


def forked(arguments, folder, environment, stdout, stderr) -> int:
    """The exit status of one run, which has ended."""
    from snakemake.cli import main

    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        for number, path in ((1, stdout), (2, stderr)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:1] = [path for path in environment.get("PYTHONPATH", "").split(":") if path]
        sys.argv = ["snakemake", *arguments]
        main(arguments)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def serve() -> None:
    """Answer each line of the standard input, a request, with a line, the exit status."""
    import snakemake.cli  # noqa: F401

    assert "layer_pruning" not in sys.modules
    # children write to files of their own, and what they start to neither
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        print(forked(*json.loads(line)), file=answers, flush=True)


if __name__ == "__main__":
    serve()

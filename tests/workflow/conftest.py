"""The tiny chain, run once, and copies of it."""

import copy
import fcntl
import shutil

import pytest

from projects import TINY, Project


@pytest.fixture(scope="session")
def finished(tmp_path_factory, request) -> Project:
    """The tiny chain, run to its report once for all processes that run tests."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base
    place = shared / "finished"
    place.mkdir(exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "done").exists():
            shutil.rmtree(place / "project", ignore_errors=True)
            Project.new(place / "project", TINY).snakemake()
            (place / "done").touch()
    return Project(place / "project", copy.deepcopy(TINY))


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished tiny chain, to change something in."""
    return finished.copy(tmp_path / "project")

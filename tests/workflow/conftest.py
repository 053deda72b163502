"""The tiny chain, run once, and copies of it."""

import pytest

from projects import TINY, Project


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """The tiny chain, run once to its report."""
    project = Project.new(tmp_path_factory.mktemp("finished") / "project", TINY)
    project.snakemake()
    return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished tiny chain, to change something in."""
    return finished.copy(tmp_path / "project")

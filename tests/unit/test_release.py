"""What names a version, or an image of one, says the same everywhere."""

import re
import shlex
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from shared_files import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def released() -> list[tuple[str, str]]:
    """Versions of the changelog, newest first, and what stands behind them."""
    text = (ROOT / "CHANGELOG.md").read_text()
    return re.findall(r"^## (\d\S*)(.*)$", text, re.MULTILINE)


def tags(*options: str) -> list[str]:
    done = subprocess.run(
        ["git", "-C", str(ROOT), "tag", "--list", "v*", *options], capture_output=True, text=True
    )
    return done.stdout.split()


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_citation_changelog_and_tags_name_one_version():
    """CITATION.cff names the newest release of the changelog, or the first that is to come."""
    versions = [version for version, _ in released()]
    assert versions == sorted(versions, key=numbers, reverse=True)
    assert versions[:1] in ([], [VERSION])
    for version, date in released():
        assert re.fullmatch(r" \(\d{4}-\d{2}-\d{2}\)", date), f"{version}: '## 1.2.3 (2026-01-31)'"
    assert {tag.removeprefix("v") for tag in tags()} <= set(versions)
    # a commit that is a release is the release that the others name
    assert set(tags("--points-at", "HEAD")) <= {f"v{VERSION}"}


def test_without_tags_the_version_comes_before_the_next():
    assert PROJECT["tool"]["hatch"]["version"]["fallback-version"] == f"{VERSION}.dev0"
    assert "version" in PROJECT["project"]["dynamic"]


def test_every_action_is_pinned_by_commit():
    used = [line for path in WORKFLOWS for line in path.read_text().splitlines() if "uses:" in line]
    assert len(used) > 5
    for line in used:
        assert re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_jobs_may_no_more_than_they_need_and_call_what_there_is(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    makefile = (ROOT / "Makefile").read_text()
    for job in workflow["jobs"].values():
        for run in (step["run"] for step in job["steps"] if "run" in step):
            # an expression would become part of the program
            assert "${{ github" not in run
            for target in re.findall(r"make ([\w./-]+)", run):
                assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target


def test_every_dependency_has_a_lower_bound_and_every_python_a_classifier():
    groups = [PROJECT["project"]["dependencies"]]
    extras = PROJECT["project"]["optional-dependencies"]
    groups += [wanted for name, wanted in extras.items() if name not in ("dev", "docs", "test")]
    for line in (line for group in groups for line in group):
        specifiers = Requirement(line).specifier
        assert {one.operator for one in specifiers} & {">=", "=="}, line
    classifiers = PROJECT["project"]["classifiers"]
    for version in ("3.11", "3.12", "3.13"):
        assert f"Programming Language :: Python :: {version}" in classifiers
    assert PROJECT["project"]["requires-python"] == ">=3.11"


def lowest(requirement: Requirement) -> Version:
    """The version that a bound from below, or a pin, names."""
    [bound] = [one.version for one in requirement.specifier if one.operator in (">=", "==")]
    return Version(bound)


def test_the_snakefile_asks_for_the_snakemake_that_is_installed_with_it():
    asked = re.search(r'min_version\("(.+)"\)', (ROOT / "Snakefile").read_text())[1]
    bounds = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
    (snakemake,) = (one for one in bounds if one.name == "snakemake")
    assert Version(asked) in {Version(s.version) for s in snakemake.specifier if s.operator == ">="}


@pytest.mark.long
def test_every_lower_bound_is_a_version_that_can_be_installed():
    """One that other dependencies rule out is never tried. The package index is asked."""
    uv = Path(sysconfig.get_path("scripts"), "uv")
    if not uv.exists():
        pytest.skip("uv is not installed")
    words = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url"]
    words += ["--resolution", "lowest-direct", "--extra", "test"]
    done = subprocess.run(
        [uv, "pip", "compile", *words, ROOT / "pyproject.toml"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = {
        canonicalize_name(one.name): lowest(one)
        for one in map(Requirement, done.stdout.splitlines())
    }
    project = PROJECT["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["test"]
    wanted = {canonicalize_name(one.name): lowest(one) for one in map(Requirement, lines)}
    assert {name: found[name] for name in wanted} == wanted


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, lines that go on joined."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def commands(text: str) -> list[list[str]]:
    """Commands of a shell without their variables, and without where their program lies."""
    found = []
    for part in re.split(r"&&|\n", text):
        words = [word for word in shlex.split(part) if not re.match(r"[A-Z_]+=", word)]
        if words:
            found.append([words[0].rpartition("/")[2], *words[1:]])
    return found


def test_both_images_are_made_by_the_same_commands():
    arguments = dict(text.split("=") for word, text in instructions() if word == "ARG")
    docker = [c for word, text in instructions() if word == "RUN" for c in commands(text)]
    definition = (ROOT / "layer-pruning.def").read_text()
    sections = dict(re.findall(r"^%(\w+)\n(.*?)(?=^%|\Z)", definition, re.MULTILINE | re.DOTALL))
    given = dict(line.strip().split("=") for line in sections["arguments"].split("\n") if line)
    assert given == arguments and given["VERSION"] == f"{VERSION}.dev0"
    plain = {f"${{{name}}}": value for name, value in arguments.items()}
    plain |= {f"{{{{ {name} }}}}": value for name, value in arguments.items()}

    def filled(text):
        for name, value in plain.items():
            text = text.replace(name, value)
        return text

    docker = [[filled(word) for word in words] for words in docker]
    apptainer = commands(filled(sections["post"]))
    only_one = ("set", "export", "layer-pruning")
    removed = ["rm", "-rf", "/src"]
    assert [c for c in docker if c[0] not in only_one] == [
        c for c in apptainer if c[0] not in only_one and c != removed
    ]
    for word, text in instructions():
        if word == "COPY":
            assert (ROOT / text.split()[0]).exists()
    assert sections["runscript"].strip().endswith('layer-pruning "$@"')

"""What a user with a broken configuration or a damaged file is told, and what is left alone."""

import pytest

from projects import TINY, Project


def files(project):
    return {p: p.stat().st_mtime_ns for p in project.folder.glob("results/**/*") if p.is_file()}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("removals", 9, "config: removals: 9 is more than the 3 that tiny has"),
        ("blocks_per_step", 0, "config: blocks_per_step: 0 should be at least 1"),
        (
            "target",
            {"macs_reduction": 90},
            "config: target.macs_reduction: 90 % cannot be reached by tiny on digits: 43.31 % is "
            "the most with removals: 2 and min_blocks_per_stage: 1",
        ),
        ("criteria", {"a": ["cak"]}, "config: criteria.a: metric 'cak' is unknown; did you mean"),
        ("seed", 3, "config: seed: unknown key; did you mean 'seeds'?"),
        ("datasets", [], "config: datasets: it is empty"),
    ],
)
def test_a_wrong_key_stops_everything_before_the_first_job(project, key, value, message):
    before = files(project)
    project.config[key] = value
    done = project.snakemake(check=False)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert message in output
    assert "Traceback" not in output
    assert files(project) == before


def test_yaml_that_does_not_parse_is_named_with_its_line(tmp_path):
    project = Project.new(tmp_path / "project", TINY)
    default = project.folder / "config" / "config.yaml"
    default.write_text("datasets: [digits\nseeds: 1\n")
    # a configuration of one's own replaces the demonstration
    assert project.snakemake("--dry-run", check=False).returncode == 0
    done = project.snakemake_alone("--dry-run")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "config.yaml, line 2: not YAML" in output and "Traceback" not in output


def test_a_damaged_network_is_named_and_never_used(project):
    network = project.path("votes/removed-01/network.safetensors")
    network.write_bytes(network.read_bytes()[:-100])
    done = project.snakemake(check=False)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "votes/removed-01/network.safetensors: not a readable network file" in output
    # Snakemake shows the log of the failed job; the job itself printed one line
    said = [line for line in output.splitlines() if line.startswith("error: ")]
    assert said and all("network.safetensors" in line for line in said)
    assert 'File "' not in output.split("error: ")[0]

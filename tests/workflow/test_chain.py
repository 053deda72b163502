"""The whole chain on a tiny configuration, from images to the report."""

import csv
import html
import json
import random
import re

import pytest
import yaml

from layer_pruning.models.network_file import read_header, read_network
from projects import Project


def test_the_chain_ends_with_a_summary_of_every_network(finished):
    rows = finished.summary()
    assert [(row["criterion"], row["removed"]) for row in rows] == [
        ("baseline", "0"),
        ("random", "1"),
        ("random", "2"),
        ("votes", "1"),
        ("votes", "2"),
    ]
    for row in rows:
        header = read_header(
            finished.path(
                "baseline/network.safetensors"
                if row["criterion"] == "baseline"
                else f"{row['criterion']}/removed-0{row['removed']}/network.safetensors"
            )
        )
        assert row["removed_blocks"].split() == list(header.removed_blocks)
        assert len(header.removed_blocks) == int(row["removed"])
        assert 0 <= float(row["accuracy_test"]) <= 1
        assert float(row["training_energy_kwh"]) > 0
        attacked = row["removed"] in ("0", "2")
        for column in ("robust_accuracy_fgsm_linf_0.05", "robust_area_fgsm_linf"):
            assert bool(row[column]) == attacked
        assert bool(row["corrupted_accuracy"]) == attacked
        assert "not comparable" in row["corruption_source"] or not attacked
        assert 0 <= float(row["expected_calibration_error"]) <= 1
        # one block of a network as narrow as this costs the same in every stage but the last
        assert (float(row["macs_reduction_percent"]) > 0) == (int(row["removed"]) > 0)


def test_a_second_run_has_nothing_to_do(finished):
    done = finished.snakemake("--dry-run")
    assert "Nothing to be done" in done.stdout + done.stderr


def test_the_removed_block_is_the_one_with_the_smallest_rank_sum(finished):
    for network, child in (
        ("baseline", "votes/removed-01"),
        ("votes/removed-01", "votes/removed-02"),
    ):
        with finished.path(f"{network}/ranking/votes.csv").open() as file:
            ranking = list(csv.DictReader(file))
        smallest = min(ranking, key=lambda row: float(row["rank_sum"]))
        header = read_header(finished.path(f"{child}/pruned.safetensors"))
        assert header.removed_blocks[-1] == smallest["block"]


def test_the_baseline_and_its_activations_are_shared_by_all_criteria(finished):
    assert sorted(p.name for p in finished.path("baseline/scores").glob("*.csv")) == [
        "random.csv",
        "votes.csv",
    ]
    assert finished.path("baseline/activations.npz").exists()


def test_every_rule_has_written_its_log_and_its_benchmark(finished):
    folder = finished.path("votes/removed-02")
    names = {
        "prune",
        "finetune",
        "evaluate",
        "corrupt",
        "ledger",
        "energy_report",
        "latency_report",
    }
    assert {p.stem for p in (folder / "logs").glob("*.log")} == names
    assert {p.stem for p in (folder / "benchmarks").glob("*.tsv")} == names
    text = (folder / "logs" / "finetune.log").read_text()
    assert "epoch 1 of 1" in text and "s left" in text


def test_no_scratch_is_left_and_pruning_keeps_every_other_tensor(finished):
    assert not list(finished.folder.glob("results/**/state.safetensors"))
    _, before = read_network(finished.path("baseline/network.safetensors"))
    header, after = read_network(finished.path("votes/removed-01/pruned.safetensors"))
    gone = header.removed_blocks[0]
    assert set(before) - set(after) == {n for n in before if n.startswith(f"{gone}.")}
    assert all((after[name] == before[name]).all() for name in after)


def test_all_carbon_is_energy_at_the_one_intensity_of_the_configuration(finished):
    for row in finished.summary():
        for job in ("training", "finetuning"):
            energy, carbon = (float(row[f"{job}_{k}"]) for k in ("energy_kwh", "emissions_kg_co2e"))
            assert carbon == pytest.approx(energy * 100 / 1000)


def test_the_ledger_knows_every_cost_and_says_how(finished):
    ledger = json.loads(finished.path("votes/removed-02/ledger.json").read_text())
    for name in ("training", "scoring", "finetuning", "attacks"):
        cost = ledger["costs"][name]
        assert cost["joules"] > 0, cost["reason"]
        assert all(how["cpu"].startswith(("counter", "estimate")) for how in cost["methods"])
        assert cost["kg_co2e"] == pytest.approx(cost["joules"] / 3.6e6 * 0.1)
    assert ledger["costs"]["scoring"]["methods"][0]["cpu"].startswith("estimate")
    latency = json.loads(finished.path("votes/removed-02/latency.json").read_text())
    assert [timing["batch_size"] for timing in latency["timings"]] == [1, 4]
    for row in finished.summary():
        examined = row["removed"] == "2"
        assert bool(row["speed_up_over_macs_ratio"]) == bool(row["break_even"]) == examined


def test_shuffling_the_rows_of_every_score_table_removes_the_same_block(project):
    """The released code of the paper reads a position in its table where it means a block."""
    tables = sorted(project.folder.glob("results/**/scores/votes.csv"))
    assert len(tables) == 2
    before = [read_header(project.path(f"votes/removed-0{n}/pruned.safetensors")) for n in (1, 2)]
    for seed, table in enumerate(tables):
        head, *rows = table.read_text().splitlines()
        shuffled = rows[1:] + rows[:1]
        random.Random(seed).shuffle(shuffled)
        assert shuffled != rows or len(rows) < 3
        table.write_text("\n".join([head, *shuffled]) + "\n")
    for step, network in enumerate(("baseline", "votes/removed-01"), start=1):
        # each decision by itself: going on would fine-tune, and score anew
        ranking = f"results/digits/tiny/seed-0/{network}/ranking/votes.csv"
        pruned = f"results/digits/tiny/seed-0/votes/removed-0{step}/pruned.safetensors"
        trigger = ["--rerun-triggers", "software-env", "--allowed-rules"]
        project.snakemake("--force", *trigger, "consensus", "--", ranking)
        project.snakemake("--force", *trigger, "prune", "--", pruned)
    after = [read_header(project.path(f"votes/removed-0{n}/pruned.safetensors")) for n in (1, 2)]
    assert [h.removed_blocks for h in after] == [h.removed_blocks for h in before]


def test_the_report_holds_every_figure_and_needs_no_network(finished):
    results = finished.folder / "results"
    report = (results / "report.html").read_text()
    assert 1_000_000 < len(report) < 6_000_000
    assert (results / "snakemake-report.zip").stat().st_size > 100_000
    assert 'data-answer="accuracy"' in report and "vegaEmbed" in report
    figures = ("accuracy", "removals", "agreement", "robustness", "ledger", "latency")
    assert report.count("data:image/svg+xml;base64,") > len(figures)
    for heading in ("All networks", "Time and energy", "How it was made"):
        assert f"<summary>{heading}</summary>" in report
    for link in re.findall(r'<a href="([^#"][^"]*)"', report):
        assert "//" not in link and (results / link).exists(), link
    said = (results / "answers.txt").read_text()
    assert said.startswith("tiny on digits\n  Pruned")
    drawn = sorted((finished.folder / "results" / "figures").rglob("*.svg"))
    assert len(drawn) > len(figures)
    for path in drawn:
        assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_the_report_says_which_machine_and_which_configuration_made_it(finished):
    page = (finished.folder / "results" / "tables" / "provenance.html").read_text()
    assert "training of baselines: 1" in page and "not recorded" not in page
    text = html.unescape(page.split("<pre>")[1].split("</pre>")[0])
    assert yaml.safe_load(text)["removals"] == finished.config["removals"]


# the long tests of faults compare with a run at another number of cores as well
@pytest.mark.long
def test_the_same_seed_gives_the_same_summary_at_any_number_of_cores(finished, tmp_path):
    project = Project.new(tmp_path / "again", finished.config)
    project.snakemake("--cores", "1", "results/summary.csv")
    assert project.values() == finished.values()

"""Change one thing, and only what depends on it is planned."""

import json
import os
import random
import re
import shutil

import pytest

from projects import Project

MEASURED_TWICE = {"energy_report": 2, "latency_report": 2, "ledger": 2}


def test_more_removals_run_only_the_new_steps(project):
    project.config["removals"] = 3
    project.config["criteria"].pop("random")
    planned = project.planned()
    assert planned == {
        "extract_activations": 1,
        "score_metrics": 1,
        "consensus": 1,
        "agreement": 1,
        "prune": 1,
        "finetune": 1,
        "evaluate": 1,
        "attack": 1,
        "corrupt": 1,
        "energy_report": 1,
        "latency_report": 1,
        "ledger": 1,
    }


def nothing_to_be_done(project) -> bool:
    done = project.snakemake("--dry-run")
    return "Nothing to be done" in done.stdout + done.stderr


def test_results_copied_into_a_fresh_clone_are_finished(finished, tmp_path):
    """Every file has a new time there, inputs as well as outputs, in any order."""
    clone = Project.new(tmp_path / "clone", finished.config)
    for part in ("results", ".snakemake"):
        # no times are copied
        shutil.copytree(finished.folder / part, clone.folder / part, copy_function=shutil.copyfile)
    files = [path for path in clone.folder.rglob("*") if path.is_file()]
    random.Random(0).shuffle(files)
    for place, path in enumerate(files):
        os.utime(path, (1.7e9 + place, 1.7e9 + place))
    assert nothing_to_be_done(clone)
    for path in (clone.folder / "workflow").rglob("*.py"):
        path.write_text(path.read_text() + "\n# a remark\n")
    assert nothing_to_be_done(clone)
    # the number that says so is what makes a room's results anew
    room = clone.folder / "src" / "layer_pruning" / "consensus" / "__init__.py"
    room.write_text(re.sub(r"REVISION = (\d+)", r"REVISION = 1\1", room.read_text()))
    assert {"consensus", "agreement"} <= clone.planned().keys()
    assert "train_baseline" not in clone.planned()


def test_fewer_removals_run_nothing_but_the_last_network_s_attack_and_energy(project):
    project.config["removals"] = 1
    assert project.planned() == {"attack": 2, "corrupt": 2} | MEASURED_TWICE


def test_more_blocks_a_step_make_another_path_from_the_same_baseline(project):
    project.config["blocks_per_step"] = 2
    made = dict.fromkeys(("prune", "finetune", "evaluate", "attack", "corrupt"), 2)
    assert project.planned() == made | MEASURED_TWICE
    done = project.snakemake("--dry-run")
    assert "removed-01" not in done.stdout + done.stderr


def test_a_target_selects_among_what_is_there(project):
    project.config["target"] = {"macs_reduction": 10}
    assert project.planned() == {}
    project.config["target"] = {"latency_reduction": 10}
    assert project.planned() == {"measure_block_latency": 1}


def test_a_target_without_removals_makes_as_many_as_it_asks_for(project):
    del project.config["removals"]
    project.config["target"] = {"validation_accuracy": 0.1}
    assert project.planned()["finetune"] == 2  # the third of both criteria
    # a block of the last stage saves 4.9 %, one before it 8.7 % or more
    project.config["target"] = {"macs_reduction": 8}
    assert project.planned() == {}
    project.config["target"] = {"macs_reduction": 4}
    assert project.planned() == {"attack": 2, "corrupt": 2} | MEASURED_TWICE


def test_training_from_new_weights_adds_one_network_a_seed(project):
    project.config["criteria"]["scratch"] = {"architecture_of": "votes"}
    assert project.planned() == {
        "train_scratch": 1,
        "evaluate": 1,
        "attack": 1,
        "corrupt": 1,
        "energy_report": 1,
        "latency_report": 1,
        "ledger": 1,
    }


def test_another_metric_extracts_nothing_again_and_leaves_other_criteria_alone(project):
    untouched = {
        path: path.stat().st_mtime_ns
        for path in project.folder.glob("results/**/*")
        if "random" in str(path) and path.is_file() and "figures" not in str(path)
    }
    project.config["criteria"]["votes"].append("wasserstein")
    target = "results/digits/tiny/seed-0/votes/removed-01/network.safetensors"
    done = project.snakemake("--", target)
    output = done.stdout + done.stderr
    assert "rule extract_activations" not in output and "Extracting" not in output
    assert "Scoring the blocks of baseline for votes" in output
    assert len(untouched) > 10
    assert all(path.stat().st_mtime_ns == time for path, time in untouched.items())
    planned = project.planned()
    assert "train_baseline" not in planned


def test_another_criterion_trains_no_baseline_and_extracts_nothing_of_it_again(project):
    project.config["criteria"]["cka"] = ["cka"]
    assert project.planned() == {
        "score_metrics": 2,
        "consensus": 2,
        "prune": 2,
        "finetune": 2,
        "extract_activations": 1,
        "evaluate": 2,
        "attack": 1,
        "corrupt": 1,
        "energy_report": 1,
        "latency_report": 1,
        "ledger": 1,
    }


def test_another_epsilon_touches_attacks_their_cost_and_the_report_only(project):
    project.config["attacks"]["fgsm"]["epsilons"] = [0.05, 0.1]
    assert project.planned() == {"attack": 3, "ledger": 2}


def test_another_corruption_touches_corruptions_and_the_report_only(project):
    project.config["corruptions"] = {"names": ["contrast"]}
    assert project.planned() == {"corrupt": 3}
    project.config["corruptions"] = {"names": []}
    assert project.planned() == {}


@pytest.mark.long
def test_shards_find_what_one_job_found_and_a_lost_one_loses_only_itself(project):
    files = sorted(project.folder.glob("results/**/attacks/fgsm.json"))
    assert len(files) == 3
    together = [json.loads(path.read_text()) for path in files]
    project.config["attacked_images"] = {"count": 20, "batch_size": 8, "shard_size": 8}
    assert project.planned() == {"attack": 3, "attack_shard": 9, "ledger": 2}
    project.snakemake("--", "results/summary.csv")
    for path, whole in zip(files, together, strict=True):
        joined = json.loads(path.read_text())
        for key in ("image_indices", "labels", "clean_correct"):
            assert joined[key] == whole[key]
        for one, other in zip(joined["epsilons"], whole["epsilons"], strict=True):
            assert one["correct"] == other["correct"]
    files[0].unlink()
    files[0].with_suffix("").joinpath("shard-001-of-003.json").unlink()
    planned = project.planned()
    assert planned["attack"] == planned["attack_shard"] == 1 and set(planned) <= {
        "attack",
        "attack_shard",
        "ledger",
    }


def test_another_carbon_intensity_trains_and_measures_nothing_and_changes_all_carbon(project):
    project.config["energy"]["carbon_intensity_g_per_kwh"] = 50
    assert project.planned() == {"ledger": 2}
    before = project.summary()
    project.snakemake("--", "results/summary.csv")
    for old, new in zip(before, project.summary(), strict=True):
        assert new["training_energy_kwh"] == old["training_energy_kwh"]
        carbon = [float(row["training_emissions_kg_co2e"]) for row in (old, new)]
        assert carbon[1] == pytest.approx(carbon[0] / 2)


def test_a_timing_and_a_metering_leave_each_other_alone(project):
    project.config["latency"] = project.config.get("latency", {}) | {"repeats": 7}
    assert project.planned() == {"latency_report": 2}
    project.config["energy"]["window_seconds"] = 0.06
    del project.config["latency"]["repeats"]
    assert set(project.planned()) - {"latency_report"} == {"energy_report", "ledger"}


def test_another_number_of_resamples_decides_nothing(project):
    project.config["bootstrap"]["resamples"] = 4
    assert project.planned() == {"agreement": 2}


def test_a_vote_for_energy_leaves_a_vote_for_latency_alone(project):
    project.config["criteria"] = {"latency": {"metrics": ["cka"], "saves": "latency"}}
    project.config["removals"] = 1
    target = "results/digits/tiny/seed-0/latency/removed-01/network.safetensors"
    project.snakemake("--", target)
    project.config["criteria"]["energy"] = {"metrics": ["cka"], "saves": "energy"}
    done = project.snakemake("--dry-run", "--", target)
    assert "Nothing to be done" in done.stdout + done.stderr
    planned = project.planned()
    assert planned["measure_block_energy"] == 1 and "measure_block_latency" not in planned


def test_a_device_redoes_nothing_and_threads_what_they_change(project):
    project.config["device"] = "auto"
    assert project.planned() == {}
    project.config["threads"] = 2
    planned = project.planned()
    assert planned["train_baseline"] == 1 and "prepare_data" not in planned
    # a processor that only feeds a GPU adds nothing up
    project.config["device"] = "cuda"
    assert project.planned() == {}


@pytest.mark.parametrize(
    ("changed", "redone"),
    [
        # each takes a value that another param of its rule has, and leaves one that another has
        ({"training": {"flip": True}}, "train_baseline"),
        ({"training": {"label_smoothing": 0.1}}, "train_baseline"),
        ({"finetuning": {"compile": True}}, "finetune"),
        ({"split": {"validation_fraction": 0.25, "test_fraction": 0.1}}, "prepare_data"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(*value.values()),
)
def test_a_value_that_another_setting_has_is_a_change(project, changed, redone):
    for section, settings in changed.items():
        project.config[section] = project.config.get(section, {}) | settings
    assert redone in project.planned()


def test_time_left_knows_nothing_of_a_training_before_one_has_ended(project):
    project.config["removals"] = 3
    done = project.snakemake(
        "--", "results/digits/tiny/seed-0/votes/removed-03/network.safetensors"
    )
    told = [line for line in done.stderr.splitlines() if line.endswith(" left)")]
    assert len(told) > 2 and not any("(about " in line for line in told)


def test_another_seed_leaves_the_first_alone(project):
    project.config["seeds"] = [0, 1]
    planned = project.planned()
    assert planned["train_baseline"] == 1 and planned["finetune"] == 4
    assert "prepare_data" not in planned


def test_editing_a_docstring_in_the_package_redoes_nothing(project):
    module = project.folder / "src" / "layer_pruning" / "training" / "loop.py"
    module.write_text(module.read_text().replace('"""The training loop."""', '"""Training."""'))
    assert project.planned() == {}


def test_raising_a_revision_redoes_what_depends_on_it(project):
    def planned_after_raising(room):
        module = project.folder / "src" / "layer_pruning" / room
        text = module.read_text()
        raised, count = re.subn(r"^REVISION = (\d+)$", r"REVISION = 1\1", text, flags=re.MULTILINE)
        assert count == 1
        module.write_text(raised)
        planned = project.planned()
        module.write_text(text)
        return set(planned)

    measured = {"energy_report", "latency_report", "ledger"}
    assert planned_after_raising("evaluation/__init__.py") == {"evaluate"} | measured
    assert planned_after_raising("attacks/__init__.py") == {"attack", "corrupt", "ledger"}
    after_consensus = planned_after_raising("consensus/__init__.py")
    assert {"consensus", "prune", "finetune"} <= after_consensus
    assert "train_baseline" not in after_consensus
    assert "train_baseline" in planned_after_raising("training/__init__.py")
    assert "prepare_data" in planned_after_raising("data/__init__.py")

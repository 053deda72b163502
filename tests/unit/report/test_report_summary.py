import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest
from planted_results import BLOCKS, COUNTED, GUESSED, Planted

from layer_pruning.report.columns import SUMMARY
from layer_pruning.report.network_tables import read_csv, write_csv
from layer_pruning.report.records import Network, read_rankings, read_steps
from layer_pruning.report.statistics.over_seeds import (
    LOST,
    SAME,
    UNKNOWN,
    aggregate,
    best_criterion,
    changes,
    compare_criteria,
    kept_within,
)
from layer_pruning.report.summary import summarise


def row_of(frame: pd.DataFrame, **names) -> pd.Series:
    for name, value in names.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def accuracies(planted: Planted, tables: dict[str, list[float]], **validation) -> pd.DataFrame:
    """Test accuracies by seed of the baseline and, one block removed, of every criterion.

    Those on validation are the same, but for criteria that ``validation`` names.
    """
    return summarise(
        planted.network(
            seed,
            name,
            BLOCKS[:1] if name != "baseline" else (),
            test=accuracy,
            validation=validation.get(name, accuracy),
        )
        for name, values in tables.items()
        for seed, accuracy in enumerate(values)
    )


def test_every_planted_number_is_in_its_cell(planted):
    base = planted.network(3, test=0.81, validation=0.71, kwh=0.5, method=COUNTED)
    first = planted.network(3, "cka", BLOCKS[1:2], test=0.82, validation=0.72, kwh=0.01)
    second = planted.network(3, "cka", [BLOCKS[1], BLOCKS[4]], test=0.83, validation=0.73, kwh=0.02)
    attacks = [
        planted.attack(second, {0.1: [1, 1, 0, 0], 0.2: [1, 0, 0, 0]}),
        planted.attack(second, {0.1: [0, 0, 0, 1]}, attack="autoattack"),
        planted.attack(base, {0.1: [1, 1, 1, 0], 0.2: [0, 0, 0, 0]}),
    ]
    energies = [planted.energy(second, 1.5, baseline_joules=2.0)]
    histories = [planted.history(base, 10), planted.history(first, 3), planted.history(second, 4)]
    latencies = [planted.block_latency(3, 8.0, dict.fromkeys(BLOCKS, 0.5))]
    table = summarise(
        [base, first, second], attacks, energies, histories, block_latencies=latencies
    )
    assert list(table["criterion"]) == ["baseline", "cka", "cka"]

    row = row_of(table, removed=2)
    expected = {
        "dataset": "toy",
        "architecture": "resnet8",
        "seed": 3,
        "criterion": "cka",
        "selected": False,
        "made_by": "pruned",
        "beside": "",
        "predicted_latency_reduction_percent": 12.5,
        "removed_blocks": f"{BLOCKS[1]} {BLOCKS[4]}",
        "blocks": f"{BLOCKS[0]} {BLOCKS[2]} {BLOCKS[3]}",
        "macs": 1300,
        "macs_reduction_percent": 100 * 200 / 1500,
        "parameters": 130,
        "parameters_reduction_percent": 100 * 20 / 150,
        "accuracy_validation": 0.73,
        "test_images": 10_000,
        "chance_accuracy": 0.1,
        "accuracy_test": 0.83,
        "accuracy_test_interval_low": 0.81,
        "accuracy_test_interval_high": 0.85,
        "robust_accuracy_fgsm_linf_0.1": 0.5,
        "robust_accuracy_fgsm_linf_0.2": 0.25,
        "robust_accuracy_autoattack_linf_0.1": 0.25,
        "training_epochs": 10,
        "finetuning_epochs": 7,
        "training_energy_kwh": 0.5,
        "finetuning_energy_kwh": 0.03,
        "training_emissions_kg_co2e": 0.05,
        "finetuning_emissions_kg_co2e": 0.003,
        "training_energy_basis": "part counter, part estimate",
        "inference_joules_per_image": 1.5,
        "inference_joules_per_image_interval_low": 1.4,
        "inference_joules_per_image_interval_high": 1.6,
        "inference_interval_coverage": 0.96875,
        "inference_seconds_per_image": 0.003,
        "baseline_inference_joules_per_image": 2.0,
        "baseline_inference_seconds_per_image": 0.004,
        "energy_reduction_percent": 25.0,
        "inference_energy_basis": "counter",
        "notes": "",
    }
    always = {name for c in SUMMARY if not c.optional and "{" not in c.name for name in c.names}
    areas = {name for name in table.columns if name.startswith("robust_area_")}
    assert {*expected, *always} == {*table.columns} - areas
    for name, value in expected.items():
        assert row[name] == (pytest.approx(value) if isinstance(value, float) else value), name

    baseline = row_of(table, criterion="baseline")
    assert baseline["removed"] == 0
    assert baseline["removed_blocks"] == ""
    assert baseline["finetuning_energy_kwh"] == 0.0
    assert baseline["parameters_reduction_percent"] == 0.0
    assert baseline["robust_accuracy_fgsm_linf_0.1"] == 0.75
    assert math.isnan(baseline["robust_accuracy_autoattack_linf_0.1"])
    middle = row_of(table, removed=1)
    assert middle["finetuning_energy_kwh"] == pytest.approx(0.01)
    assert math.isnan(middle["inference_joules_per_image"])


def test_what_a_search_found_was_fine_tuned_once(planted):
    """Its network with fewer removals is not on the way to the one with more."""
    base = planted.network(3, kwh=0.5)
    first = planted.network(3, "wide", BLOCKS[1:2], kwh=0.01)
    second = planted.network(3, "wide", [BLOCKS[0], BLOCKS[4]], kwh=0.02)
    histories = [planted.history(first, 3), planted.history(second, 4)]
    options = {"histories": histories, "searched": ["wide"]}
    row = row_of(summarise([base, first, second], **options), removed=2)
    assert row["finetuning_energy_kwh"] == 0.02 and row["finetuning_epochs"] == 4
    # nor need it be there
    alone = row_of(summarise([base, second], **options), removed=2)
    assert alone["finetuning_energy_kwh"] == 0.02


def test_files_that_were_not_given_do_not_enter(planted):
    base = planted.network(0)
    pruned = planted.network(0, "cka", BLOCKS[:1])
    given = planted.attack(pruned, {0.1: [1, 0]})
    planted.attack(pruned, {0.3: [1, 1]}, attack="autoattack")
    planted.network(0, "cka", BLOCKS[:2])
    planted.energy(pruned, 1.0)
    planted.history(pruned, 5)
    table = summarise([base, pruned], [given])
    assert len(table) == 2
    assert [name for name in table if name.startswith("robust_accuracy")] == [
        "robust_accuracy_fgsm_linf_0.1"
    ]
    assert table["inference_joules_per_image"].isna().all()
    assert math.isnan(row_of(table, removed=1)["finetuning_epochs"])


def test_what_was_not_measured_is_unknown_and_said_never_zero(planted):
    folders = [
        planted.network(0, kwh=0.5),
        planted.network(0, "cka", BLOCKS[:1], kwh=None),
        planted.network(0, "cka", BLOCKS[:2], kwh=0.1),
    ]
    table = summarise(folders, energies=[planted.energy(folders[2], None)])
    row = row_of(table, removed=2)
    assert math.isnan(row["finetuning_energy_kwh"])
    assert math.isnan(row["finetuning_emissions_kg_co2e"])
    assert row["training_energy_kwh"] == 0.5
    assert math.isnan(row["inference_joules_per_image"])
    assert row["inference_energy_basis"] == "not measured"
    assert "energy of removed-01 not measured: no counter in the cellar" in row["notes"]
    assert "energy of inference not measured: no meter in the attic" in row["notes"]


def test_rows_do_not_depend_on_the_order_of_the_files(planted):
    folders = [planted.network(seed) for seed in (10, 2)]
    folders += [
        planted.network(seed, name, BLOCKS[:removed])
        for seed in (10, 2)
        for name in ("random", "cka", "alpha")
        for removed in (2, 1)
    ]
    one = summarise(folders)
    pd.testing.assert_frame_equal(one, summarise([*reversed(folders), folders[0]]))
    assert list(one["seed"].unique()) == [2, 10]
    assert list(one["criterion"][:3]) == ["baseline", "alpha", "alpha"]
    assert list(one["removed"][:3]) == [0, 1, 2]


def test_the_csv_reads_back_unchanged(planted, tmp_path):
    folders = [planted.network(0, test=1 / 3), planted.network(0, "cka", BLOCKS[:1], kwh=None)]
    table = summarise(folders, [planted.attack(folders[1], {8 / 255: [1, 0, 0]})])
    assert "robust_accuracy_fgsm_linf_0.0313725" in table
    write_csv(table, tmp_path / "made" / "summary.csv")
    pd.testing.assert_frame_equal(
        read_csv(tmp_path / "made" / "summary.csv"), table, check_dtype=False, rtol=0, atol=0
    )


def test_numbers_read_back_to_the_last_digit(tmp_path):
    generator = np.random.default_rng(0)
    values = generator.random(2000) * 10.0 ** generator.integers(-12, 12, 2000)
    write_csv(pd.DataFrame({"macs": values}), tmp_path / "rows.csv")
    assert read_csv(tmp_path / "rows.csv")["macs"].tolist() == values.tolist()


def test_records_that_contradict_their_path_are_refused(planted):
    base = planted.network(0)
    pruned = planted.network(0, "cka", BLOCKS[:1])
    with pytest.raises(ValueError, match="belongs to no listed network"):
        summarise([base], [planted.attack(pruned, {0.1: [1]})])
    record = json.loads((pruned / "complexity.json").read_text())
    another = {"removed_blocks": BLOCKS[:2], "blocks": BLOCKS[2:]}
    planted.write(pruned / "complexity.json", record | another)
    with pytest.raises(ValueError, match="lists 2 removed blocks, its folder says 1"):
        summarise([base, pruned])


def test_percentages_and_missing_records_are_refused(planted):
    base = planted.network(0, test=81.0)
    with pytest.raises(ValueError, match="expected a fraction"):
        summarise([base])
    (base / "emissions.json").unlink()
    planted.network(1)
    (planted.folder(1) / "emissions.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"emissions\.json is missing"):
        summarise([planted.folder(1)])


@pytest.mark.parametrize(
    "folder",
    ["", "a/b/c/removed-01", "a/b/seed-x/baseline", "a/b/seed-1/cka/removed-1", "baseline"],
)
def test_folders_that_are_no_network_are_refused(folder):
    with pytest.raises(ValueError, match="expected"):
        Network.of(folder)


def test_differences_are_paired_within_a_seed(planted):
    # The seeds are 10 points apart and the gain is 1 point in each: only pairing can see it.
    table = accuracies(planted, {"baseline": [0.6, 0.7, 0.8], "cka": [0.610, 0.711, 0.812]})
    row = row_of(aggregate(table), criterion="cka")
    assert row["seeds"] == 3
    assert row["accuracy_mean"] == pytest.approx((0.610 + 0.711 + 0.812) / 3)
    assert row["accuracy_sd"] == pytest.approx(0.101, abs=1e-3)
    assert row["difference_mean"] == pytest.approx(0.011)
    half = 4.30265 * 0.001 / math.sqrt(3)
    assert row["difference_interval_low"] == pytest.approx(0.011 - half, abs=1e-6)
    assert row["difference_interval_high"] == pytest.approx(0.011 + half, abs=1e-6)
    assert row["verdict"] == "higher"


def test_kept_lost_and_neither(planted):
    tables = {
        "baseline": [0.80, 0.81, 0.82],
        "kept": [0.7991, 0.8089, 0.8190],
        "lost": [0.790, 0.801, 0.810],
    }
    rows = aggregate(accuracies(planted, tables))
    assert row_of(rows, criterion="kept")["verdict"] == kept_within(0.005)
    assert row_of(rows, criterion="lost")["verdict"] == LOST
    # the margin is part of the claim: the same loss of a point is within two
    rows = aggregate(accuracies(planted, tables), margin=0.02)
    assert row_of(rows, criterion="lost")["verdict"] == "kept within 2 points"
    wide = accuracies(planted, tables | {"lost": [0.77, 0.82, 0.82]})
    assert set(aggregate(wide)["verdict"]) == {"", UNKNOWN}


def test_no_accuracy_is_above_100_percent(planted):
    rows = aggregate(accuracies(planted, {"baseline": [0.96, 0.98, 1.0], "cka": [0.97, 0.99, 1.0]}))
    assert (rows["accuracy_interval_high"] == 1.0).all()


def test_one_seed_speaks_of_its_images(planted):
    table = accuracies(planted, {"baseline": [0.6], "cka": [0.9], "random": [0.1]})
    row = row_of(aggregate(table), criterion="cka")
    # Newcombe from Wilson's ends, 2 points on either side, widened for two comparisons
    half = 0.02 * math.sqrt(2) * 2.241403 / 1.959964
    assert row["difference_interval_low"] == pytest.approx(0.3 - half, abs=1e-6)
    assert row["verdict"] == "higher"
    assert math.isnan(row["accuracy_interval_low"])
    choice = best_criterion(table, 1)
    assert (choice.name, choice.seeds, choice.shown) == ("cka", 1, True)


def test_pairs_share_one_estimate_of_the_spread(planted):
    tables = {
        "baseline": [0.80, 0.80, 0.80],
        "cka": [0.800, 0.810, 0.790],
        "consensus": [0.809, 0.802, 0.796],
        "random": [0.700, 0.709, 0.692],
    }
    pairs = compare_criteria(accuracies(planted, tables))
    values = pd.DataFrame(tables).drop(columns="baseline").to_numpy()
    rest = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
    error = math.sqrt(2 * (rest**2).sum() / 4 / 3)
    row = row_of(pairs, criterion="cka", other="random")
    # the studentised range of three means and four degrees of freedom is 5.040
    assert row["difference_interval_low"] == pytest.approx(
        row["difference_mean"] - 5.040 / math.sqrt(2) * error, abs=1e-5
    )
    assert (row["verdict"], row["seeds"]) == ("cka higher", 3)
    assert row["difference_mean"] == pytest.approx((0.1 + 0.101 + 0.098) / 3)
    row = row_of(pairs, criterion="cka", other="consensus")
    assert row["verdict"] == "no difference shown" and row["p_value"] > 0.05


def test_the_best_is_chosen_on_validation_and_shown_on_test(planted):
    tables = {
        "baseline": [0.8, 0.8, 0.8],
        "cka": [0.75, 0.76, 0.77],
        "random": [0.70, 0.709, 0.721],
    }
    choice = best_criterion(accuracies(planted, tables), 1)
    assert (choice.name, choice.shown, choice.tied, choice.better) == ("cka", True, [], [])
    # validation that prefers the other is believed, and test says that it is not the better one
    choice = best_criterion(accuracies(planted, tables, random=0.9), 1)
    assert (choice.name, choice.shown, choice.better) == ("random", False, ["cka"])
    assert choice.leads["cka"].mean == pytest.approx(-0.05)
    close = best_criterion(accuracies(planted, tables | {"cka": [0.69, 0.72, 0.73]}), 1)
    assert (close.shown, close.tied) == (False, ["random"])


@pytest.mark.parametrize("seeds", [1, 3])
def test_criteria_that_made_the_same_networks_count_once(planted, seeds):
    tables = {
        "baseline": [0.8, 0.81, 0.8],
        "cka": [0.75, 0.76, 0.77],
        "random": [0.60, 0.609, 0.621],
    }
    tables = {name: values[:seeds] for name, values in tables.items()}
    alone = accuracies(planted, tables)
    both = accuracies(planted, tables | {"kl": tables["cka"]})
    own, other = best_criterion(alone, 1), best_criterion(both, 1)
    assert other == dataclasses.replace(own, same=["kl"]) and own.shown
    pairs = compare_criteria(both)
    row = row_of(pairs, criterion="cka", other="kl")
    assert (row["verdict"], row["difference_mean"]) == (SAME, 0)
    assert math.isnan(row["difference_interval_low"]) and math.isnan(row["p_value"])
    kept = [row_of(pairs, criterion=name, other="random")["difference_interval_low"] for name in
            ("cka", "kl")]  # fmt: skip
    expected = row_of(compare_criteria(alone), criterion="cka", other="random")
    assert kept == [expected["difference_interval_low"]] * 2
    # against the baseline too
    assert changes(both, 1, "baseline") == changes(alone, 1, "baseline") | {
        "kl": changes(alone, 1, "baseline")["cka"]
    }


def test_the_same_accuracies_of_other_blocks_are_other_networks(planted):
    rows = [
        planted.network(seed, name, blocks, test=0.8)
        for seed in range(2)
        for name, blocks in {"baseline": (), "cka": BLOCKS[:1], "kl": BLOCKS[1:2]}.items()
    ]
    assert best_criterion(summarise(rows), 1).same == []


def test_null_is_unknown_and_not_zero(planted):
    base = planted.network(0)
    pruned = planted.network(0, "cka", BLOCKS[:1])
    path = planted.energy(pruned, 1.5)
    record = json.loads(path.read_text())
    record["inference"] |= {"seconds_per_image": None}
    row = row_of(summarise([base, pruned], energies=[planted.write(path, record)]), removed=1)
    assert math.isnan(row["inference_seconds_per_image"])
    assert row["inference_joules_per_image"] == 1.5
    record["inference"] |= {"seconds_per_image": "0.003"}
    planted.write(path, record)
    with pytest.raises(ValueError, match="expected a number or null"):
        summarise([base, pruned], energies=[path])


def test_without_a_baseline_there_is_no_difference(planted):
    planted.network(0)
    with pytest.raises(ValueError, match="no baseline for"):
        aggregate(summarise([planted.network(0, "cka", BLOCKS[:1])]))


def test_energy_over_seeds_is_unknown_when_one_seed_is(planted):
    table = summarise(
        [
            *(planted.network(seed, method=GUESSED) for seed in (0, 1)),
            planted.network(0, "cka", BLOCKS[:1], kwh=0.2),
            planted.network(1, "cka", BLOCKS[:1], kwh=None),
        ]
    )
    rows = aggregate(table)
    assert math.isnan(row_of(rows, criterion="cka")["finetuning_energy_kwh"])
    assert row_of(rows, criterion="cka")["training_energy_kwh"] == 0.5


def test_rankings_know_their_step_and_criterion(planted):
    alone = {"kendall_tau": {"metrics": ["cka"], "matrix": [[1.0]]}, "bootstrap": None}
    folders = {planted.folder(2, "cka", 1): 1.0, planted.folder(2): 0.5}
    paths = [
        planted.write(folder / "ranking" / "cka.json", alone | {"kendall_w": w})
        for folder, w in folders.items()
    ]
    first, second = read_rankings(paths)
    assert (first["criterion"], first["step"], first["kendall_w"]) == ("cka", 1, 0.5)
    assert (second["criterion"], second["step"], second["seed"]) == ("cka", 2, 2)
    wrong = planted.write(planted.folder(2, "cka", 1) / "ranking" / "random.json", {})
    with pytest.raises(ValueError, match="a ranking by random on a path of cka"):
        read_rankings([wrong])


def test_what_went_at_each_step_is_read_off_the_networks(planted):
    folders = [planted.network(0, "cka", BLOCKS[:n]) for n in (3, 4)]
    steps = read_steps([folder / "complexity.json" for folder in folders])
    assert steps == {1: BLOCKS[:3], 4: BLOCKS[3:4]}

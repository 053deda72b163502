"""The tables of docs/results.md."""

import shutil
import sys

import numpy as np
import pandas as pd

from layer_pruning.report.network_tables import read_csv, write_csv
from shared_files import ROOT

# benchmarks are scripts, which import each other from their own folder
sys.path.append(str(ROOT / "benchmarks"))

import results

FGSM = "robust_accuracy_fgsm_linf_0.00392157"


def test_robust_accuracy_is_a_mean_over_the_seeds_that_were_attacked():
    rows = pd.DataFrame(
        {
            "criterion": ["baseline", "baseline", "consensus", "random"],
            "removed": [0, 0, 5, 5],
            "seed": [0, 1, 0, 0],
            FGSM: [0.5, 0.6, 0.4, np.nan],
        }
    )
    heading, _, *lines = results.robust_over_seeds(rows).splitlines()
    assert heading.endswith("| fgsm, Linf 1/255 |")
    assert lines == ["| baseline | 0 | 2 | 55.00 ± 7.07 |", "| consensus | 5 | 1 | 40.00 |"]
    assert results.robust_over_seeds(rows.drop(columns=FGSM)) == ""


def test_a_seed_without_an_evaluated_baseline_is_left_out_and_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for path in ("seed-0/baseline", "seed-0/consensus/removed-01", "seed-1/consensus/removed-01"):
        folder = tmp_path / "results/digits/resnet8" / path
        folder.mkdir(parents=True)
        (folder / "accuracy.json").touch()
    config = {
        "datasets": {"digits": {}},
        "architectures": {"resnet8": {}},
        "seeds": [0, 1],
        "criteria": {"consensus": {"metrics": ["cka"]}},
    }
    monkeypatch.setattr(results, "origins", lambda config: {})
    needed = ["accuracy.json"]
    runs = list(results.runs_of(config, needed))
    found = [str(path) for path in results.folders_of(config, runs, needed)]
    run = "results/digits/resnet8/seed-0"
    assert found == [f"{run}/baseline", f"{run}/consensus/removed-01"]
    assert "seed-1: left out, baseline has no accuracy.json" in capsys.readouterr().out


def test_epochs_on_the_way_count_where_no_network_there_was_evaluated(tmp_path, monkeypatch):
    run = tmp_path / "results/digits/resnet8/seed-0"
    made = {"baseline": results.NEEDED, "consensus-final/removed-01": results.NEEDED}
    made["consensus/removed-01"] = ("history.csv",)
    for path, names in made.items():
        (run / path).mkdir(parents=True)
        for name in names:
            (run / path / name).touch()
    config = {
        "datasets": {"digits": {}},
        "architectures": {"resnet8": {}},
        "seeds": [0],
        "criteria": {
            "consensus": {"metrics": ["cka"]},
            "beam": {"metrics": ["kl"], "search": "beam"},
        },
        "attacks": {},
    }
    told = {}

    def summarise(folders, attacks, **given):
        told.update(given, folders=folders)
        return pd.DataFrame(columns=results.COLUMNS)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(results, "origins", lambda config: {"consensus-final": ("final", "")})
    monkeypatch.setattr(results, "blocks_per_step", lambda config: 1)
    monkeypatch.setattr(results, "summarise", summarise)
    results.accuracies(config)
    assert {str(path.relative_to(run.relative_to(tmp_path))) for path in told["folders"]} == {
        "baseline",
        "consensus-final/removed-01",
    }
    ways = {path.parent for path in told["histories"]}
    assert ways == {run.relative_to(tmp_path) / path for path in made}
    # a search has no networks on the way
    assert told["searched"] == ["beam"]


def test_attacks_of_another_configuration_in_the_same_folder_are_left_out(tmp_path):
    for name in ("fgsm", "autoattack"):
        path = tmp_path / "baseline" / "attacks" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    folders = [tmp_path / "baseline", tmp_path / "consensus"]
    found = results.records_of({"attacks": {"fgsm": {}, "pgd": {}}}, folders)
    assert found == [tmp_path / "baseline/attacks/fgsm.json"]
    assert results.records_of({"attacks": {}}, folders) == []


def test_comparisons_whose_records_are_gone_are_left_as_they_are(tmp_path, capsys):
    table = tmp_path / "rows.csv"
    (tmp_path / "rows-attacked.csv").write_text("of five seeds\n")
    assert results.under_attack(pd.DataFrame(), [], table, add=True) is None
    assert (tmp_path / "rows-attacked.csv").read_text() == "of five seeds\n"
    assert "left as it is" in capsys.readouterr().out


def test_published_comparisons_follow_from_the_records_that_were_kept(tmp_path, monkeypatch):
    data = ROOT / "docs" / "data"
    for path in (*data.glob("pgd*"), *data.glob("resnet56*")):
        shutil.copy(path, tmp_path)
    for path in tmp_path.glob("*-attacked.csv"):
        write_csv(read_csv(path).assign(difference=0.0), path)
    monkeypatch.setattr(results, "DATA", tmp_path)
    results.compare()
    for path in tmp_path.glob("*-attacked.csv"):
        assert path.read_bytes() == (data / path.name).read_bytes()

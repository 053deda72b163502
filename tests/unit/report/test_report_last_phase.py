"""Networks before and after a last phase of fine-tuning have had different budgets."""

import pytest
from planted_results import BLOCKS, answers_on, facts_on

from layer_pruning.report.answers.notes import Notes
from layer_pruning.report.pages.overview import tables_of
from layer_pruning.report.pages.table_pages import robustness_page
from layer_pruning.report.selection import on_the_way
from layer_pruning.report.summary import summarise

ORIGINS = {
    "cka-final": ("final", "cka"),
    "kl-final": ("final", "kl"),
    "continued": ("continued", "cka"),
    "scratch": ("scratch", "cka"),
}
# of forty images
WON, LOST, SAME = [1] * 30 + [0] * 10, [0] * 30 + [1] * 10, [1, 0] * 20


@pytest.fixture
def longer(planted):
    """By name: a baseline, two networks after one removal, after a last phase, and `scratch`."""
    names = ("cka", "kl", "cka-final", "kl-final", "scratch")
    found = {name: planted.network(0, name, BLOCKS[:1]) for name in names}
    return {"baseline": planted.network(0)} | found


def robustness(planted, folders, **outcomes):
    """The comparisons under attack of those networks whose outcomes are given."""
    files = [
        planted.attack(folders[name.replace("_", "-")], {0.1: o}) for name, o in outcomes.items()
    ]
    summary = summarise(folders.values(), files, origins=ORIGINS)
    return summary, tables_of(summary, files).robustness, files


def test_networks_on_the_way_are_those_that_a_last_phase_went_on_from(planted, longer):
    deeper = planted.network(0, "cka", BLOCKS[:2])
    summary = summarise([*longer.values(), deeper], origins=ORIGINS)
    # after two removals there was no last phase: those networks count
    assert on_the_way(summary) == {("toy", "resnet8", name, 1) for name in ("cka", "kl")}


def test_networks_on_the_way_are_beside_nothing_that_was_trained_for_longer(planted, longer):
    given = {"baseline": SAME, "cka": WON, "cka_final": WON, "scratch": SAME}
    summary, table, files = robustness(planted, longer, **given)
    beside = table.groupby("criterion")["other"].agg(set)
    assert beside["cka"] == {"baseline"} and beside["cka-final"] == {"baseline", "scratch"}
    told = answers_on(summary, files)["robustness"]
    assert set(told.facts.criteria) == {"cka-final"}
    assert [(one.other, one.count.total) for one in told.facts.others] == [("scratch", 1)]
    page = robustness_page(files, [], on_the_way(summary))
    assert "cka-final" in page


def test_networks_on_the_way_change_no_interval_of_those_that_count(planted, longer):
    both = {"baseline": SAME, "cka_final": WON, "kl_final": LOST}
    alone = robustness(planted, longer, **both)[1]
    beside = robustness(planted, longer, **both, cka=SAME, kl=LOST)[1]
    counting = beside[beside["criterion"].isin(["cka-final", "kl-final"])]
    ends = ["difference", "interval_low", "interval_high", "p_value", "detectable"]
    assert counting[ends].to_numpy() == pytest.approx(alone[ends].to_numpy(), nan_ok=True)
    # and what is told of them is as if they were alone
    passed = beside[beside["criterion"].isin(["cka", "kl"])]
    before = {name: folder for name, folder in longer.items() if "final" not in name}
    as_alone = robustness(planted, before, baseline=SAME, cka=SAME, kl=LOST)[1]
    assert passed[ends].to_numpy() == pytest.approx(as_alone[ends].to_numpy(), nan_ok=True)


def test_where_criteria_end_apart_the_answers_are_about_those_that_went_furthest(planted):
    folders = [planted.network(0)]
    folders += [planted.network(0, "cka", BLOCKS[:n]) for n in range(1, 5)]
    folders += [planted.network(0, "kl", BLOCKS[:n]) for n in range(1, 4)]
    folders += [planted.network(0, "cka-final", BLOCKS[:4], test=0.9)]
    folders += [planted.network(0, "kl-final", BLOCKS[:3])]
    summary = summarise(folders, origins=ORIGINS, counting=folders[-2:])
    told = answers_on(summary)
    done = told["done"]
    assert (done.facts.level, done.facts.criteria, done.facts.shorter) == (4, ["cka"], {"kl": 3})
    assert "1 criterion (cka)" in done.evidence and "kl ended at 3" in done.evidence
    assert (planted.folder(0).parent / done.file).is_file()
    assert set(told["accuracy"].facts.criteria) == {"cka-final"}


def test_a_network_from_new_weights_is_beside_its_like_whatever_others_removed(planted):
    folders = [planted.network(0)]
    folders += [planted.network(0, "cka", BLOCKS[:n]) for n in (1, 2)]
    folders += [planted.network(0, "cka-final", BLOCKS[:2])]
    folders += [planted.network(0, "scratch", BLOCKS[:2], test=0.7)]
    for name in ("kl", "random"):
        folders += [planted.network(0, name, BLOCKS[:n]) for n in range(1, 5)]
        folders += [planted.network(0, f"{name}-final", BLOCKS[:4])]
    origins = ORIGINS | {"random-final": ("final", "random")}
    told = answers_on(summarise(folders, origins=origins))
    assert told["done"].facts.level == 4
    weights = told["weights"]
    assert (weights.facts.removed, weights.facts.source) == (2, "cka-final")
    assert weights.number == pytest.approx(10) and "left after 2 removals" in weights.evidence
    assert (planted.folder(0).parent / weights.file).is_file()


def test_the_budget_that_is_told_is_that_of_the_networks_that_count(planted, longer):
    epochs = {"baseline": 30, "cka": 4, "kl": 4, "cka-final": 6, "kl-final": 6, "scratch": 40}
    histories = [planted.history(longer[name], number) for name, number in epochs.items()]
    summary = summarise(longer.values(), histories=histories, origins=ORIGINS)
    # the short phase and the last one
    assert Notes.of(summary, 1).finetuning_epochs == (10, 10)
    assert facts_on(summary)["weights"].epochs == (40, 40)

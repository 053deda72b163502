import math

import pytest
from planted_results import Planted, answers_on
from test_report_figures import summary_of, texts

from layer_pruning.report.columns import SUMMARY
from layer_pruning.report.figures.shortcut import shortcut_figure
from layer_pruning.report.findings.shortcut import (
    Shortcut,
    compared_shortcuts,
    outcomes,
)
from layer_pruning.report.pages.table_pages import shortcut_page
from layer_pruning.report.statistics.paired import NO_CHANGE


def trials(planted: Planted, seed: int, lost_before: int, lost_after: int, *, wrong_after=0):
    """A baseline and a pruned network that get 100 images right, less those lost to the cue.

    The pruned one also gets ``wrong_after`` images wrong with any cue and with none.
    """
    right = [1] * 100
    before = [0] * lost_before + [1] * (100 - lost_before)
    clean = [1] * (100 - wrong_after) + [0] * wrong_after
    after = [0] * lost_after + [1] * (100 - lost_after - wrong_after) + [0] * wrong_after
    won = [1] * lost_after + [0] * (100 - lost_after)
    return [
        planted.shortcut(planted.folder(seed), right, before, [1 - x for x in before]),
        planted.shortcut(planted.folder(seed, "cka", 2), clean, after, won),
    ]


def test_reliance_is_the_accuracy_that_the_wrong_cue_costs(planted):
    baseline, pruned = outcomes(trials(planted, 0, 30, 10, wrong_after=5)).to_dict("records")
    assert baseline["shortcut_reliance"] == pytest.approx(0.30)
    # the right cue makes no image of this network wrong
    assert pruned["cue_effect"] == pytest.approx(1 - 0.85)
    assert pruned["shortcut_reliance"] == pytest.approx(0.95 - 0.85)
    # the spread of ten images of a hundred about 0, one image's worth more, and Student's t
    half = 1.984217 * math.sqrt(0.1 / 100 + 1 / 102**2)
    assert pruned["shortcut_reliance_interval_low"] == pytest.approx(0.1 - half)
    assert pruned["shortcut_reliance_interval_high"] == pytest.approx(0.1 + half)
    assert (pruned["follows_cue"], pruned["accuracy_congruent_cue"]) == (0.10, 1.0)
    assert (pruned["accuracy_clean"], pruned["accuracy_swapped_cue"]) == (0.95, 0.85)
    assert (baseline["cue_alone"], baseline["removed"], pruned["criterion"]) == (0.5, 0, "cka")


def rows_of(paths, **how):
    """The comparisons of the one pruned network of each seed, by measure."""
    return compared_shortcuts(paths, **how).set_index("measure")


def test_images_that_only_one_network_gets_right_are_counted(planted):
    rows = rows_of(trials(planted, 0, 30, 12), pooled=False)
    row = rows.loc["swapped cue"]
    assert (row["worse"], row["better"], row["images"], row["seed"]) == (0, 18, 100, 0)
    assert row["difference"] == pytest.approx(0.18)
    assert row["verdict"] == "higher" and row["interval_low"] < 0.18 < row["interval_high"]
    assert rows.loc["reliance", "difference"] == pytest.approx(-0.18)
    assert rows.loc["reliance", "verdict"] == "relies less"


def test_a_network_that_is_worse_at_everything_does_not_rely_more(planted):
    rows = rows_of(trials(planted, 0, 20, 20, wrong_after=40), pooled=False)
    assert rows.loc["swapped cue", "difference"] == pytest.approx(-0.4)
    assert rows.loc["swapped cue", "p_value"] < 1e-6
    assert rows.loc["reliance", "difference"] == 0
    assert rows.loc["reliance", "verdict"] == NO_CHANGE
    # but the right cue saves it: all 40 are right with it and wrong with the other
    assert rows.loc["effect of the cue", "difference"] == pytest.approx(0.4)
    assert rows.loc["effect of the cue", "verdict"] == "relies more"


def test_more_reliance_is_found_too_and_the_number_of_rows_is_paid_for(planted):
    paths = trials(planted, 0, 5, 17)
    alone = rows_of(paths, pooled=False).loc["reliance"]
    assert alone["verdict"] == "relies more"
    paths += [path for seed in range(1, 19) for path in trials(planted, seed, 7, 7)]
    many = rows_of(paths, pooled=False).loc["reliance"]
    row = many[many["seed"] == 0].iloc[0]
    assert row["p_value"] == pytest.approx(19 * alone["p_value"])
    assert row["verdict"] == NO_CHANGE


def test_seeds_together_speak_of_other_trainings(planted):
    paths = [path for seed in (0, 1, 2) for path in trials(planted, seed, 20 + seed, 4)]
    row = rows_of(paths).loc["reliance"]
    assert (row["seeds"], row["images"]) == (3, 100)
    assert row["difference"] == pytest.approx(-0.17)
    assert row["verdict"] == "relies less"
    # two trainings that contradict each other show nothing
    paths = trials(planted, 5, 30, 4) + trials(planted, 6, 4, 20)
    row = rows_of(paths).loc["reliance"]
    assert row["verdict"] == NO_CHANGE and row["interval_low"] >= -2


def test_a_test_of_another_kind_or_without_its_baseline_is_no_pair(planted):
    baseline, pruned = trials(planted, 0, 3, 2)
    with pytest.raises(ValueError, match="its baseline was not given for swapped cue"):
        compared_shortcuts([pruned])
    planted.shortcut(planted.folder(0), [1] * 100, [1] * 100, wrong=3)
    with pytest.raises(ValueError, match=r"removed-02.*tested on other images than its baseline"):
        compared_shortcuts([baseline, pruned])


def test_a_record_whose_lists_do_not_fit_is_named(planted):
    path = planted.shortcut(planted.folder(0), [1, 1], [1, 0])
    path.write_text(path.read_text().replace('"labels": [0, 0]', '"labels": [0]'))
    with pytest.raises(ValueError, match=r"shortcut\.json: expected one prediction for each of 1"):
        Shortcut.read(path)


def with_tests(planted: Planted, seeds=(0, 1, 2)):
    paths = [path for seed in seeds for path in trials(planted, seed, 30 + seed, 10 + seed)]
    return summary_of(planted, criteria=("cka",), seeds=seeds, shortcuts=paths), paths


def test_the_summary_gains_columns_where_networks_were_trials(planted):
    wider, _ = with_tests(planted)
    without = summary_of(planted, criteria=("cka",))
    added = [
        name for column in SUMMARY if column.source == "shortcut.json" for name in column.names
    ]
    assert [name for name in wider if name not in without] == added
    deepest = wider[(wider["removed"] == 2) & (wider["seed"] == 1)].iloc[0]
    assert deepest["shortcut_reliance"] == pytest.approx(0.11)
    assert wider.loc[wider["removed"] == 1, added].isna().all().all()
    assert len(wider) == len(without)


def test_the_front_page_says_what_the_reliance_is(planted):
    summary, paths = with_tests(planted)
    answer = answers_on(summary, shortcuts=paths)["shortcut"]
    assert answer.question == "Does it rely on the cue?"
    assert answer.verdict == "No: less reliance throughout."
    told = answer.facts
    assert told.before == pytest.approx(0.31)
    assert told.criteria["cka"]["share"] == pytest.approx(0.11)
    assert told.criteria["cka"]["difference"] == pytest.approx(-0.2)
    assert "shortcut" not in answers_on(summary)


def test_the_figure_shows_the_planted_reliance_and_every_seed(planted):
    _, paths = with_tests(planted)
    figure = shortcut_figure(outcomes(paths))
    _, reliance, follows = figure.axes
    marks = [line for line in reliance.get_lines() if line.get_marker() == "D"]
    assert [float(line.get_xdata()[0]) for line in marks] == pytest.approx([31.0, 11.0])
    single = [line for line in reliance.get_lines() if line.get_marker() == "o"]
    assert sorted(single[1].get_xdata()) == pytest.approx([10, 11, 12])
    assert "cka (−2)" in texts(figure) and "toy, resnet8: shortcut learning" in texts(figure)
    assert [float(line.get_xdata()[0]) for line in follows.get_lines()[1::2]] == pytest.approx(
        [31.0, 11.0]
    )


def test_of_one_seed_the_bar_is_that_of_its_images(planted):
    paths = trials(planted, 0, 30, 10)
    frame = outcomes(paths)
    reliance = shortcut_figure(frame).axes[1]
    ends = [bar.get_segments()[0][:, 0] for bar in reliance.collections]
    row = frame.iloc[1]
    own = [row[f"shortcut_reliance_interval_{end}"] for end in ("low", "high")]
    assert list(ends[1]) == pytest.approx([100 * value for value in own])
    with pytest.raises(ValueError, match="no shortcut test of the baseline"):
        shortcut_figure(frame[frame["criterion"] != "baseline"])


def test_the_page_holds_both_comparisons_and_every_network(planted):
    _, paths = with_tests(planted)
    page = shortcut_page(paths)
    assert page.count("<table>") == 3
    # by either measure, together and in each of three seeds
    assert page.count(">relies less<") == 2 * 4

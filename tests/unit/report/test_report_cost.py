import math

import pytest
from matplotlib.figure import Figure
from planted_results import BLOCKS, COUNTED, GUESSED, answers_on, facts_on

from layer_pruning.report.figures.latency import latency_figure
from layer_pruning.report.figures.ledger import ledger_figure
from layer_pruning.report.findings.cost import (
    TOO_FEW,
    cost_claims,
    faster,
    latency_table,
    ledger_table,
    saves_energy,
)
from layer_pruning.report.network_tables import read_csv, write_csv
from layer_pruning.report.pages.table_pages import cost_page
from layer_pruning.report.records import NOT_MEASURED
from layer_pruning.report.summary import summarise


@pytest.fixture
def files(planted):
    """Two criteria and a seed: one faster and paid back, one neither faster nor shown to save."""
    baseline = planted.network(0, method=COUNTED)
    good = planted.network(0, "good", BLOCKS[:2])
    bad = planted.network(0, "bad", BLOCKS[1:3])
    first = planted.network(0, "good", BLOCKS[:1])
    other = planted.network(0, "bad", BLOCKS[1:2])
    return {
        "folders": [baseline, first, good, other, bad],
        "energies": [planted.energy(good, 1.5), planted.energy(bad, 2.0, method=GUESSED)],
        "latencies": [
            planted.latency(good, 1.25, 0.9, {"stage1": 1.2}),
            planted.latency(bad, 0.9, 0.7, {"stage1": 1.0, "stage2": 0.8}, spread=0.2),
        ],
        "ledgers": [
            planted.ledger(good),
            planted.ledger(
                bad,
                (0.01, -0.1, 0.1),
                images=None,
                verdict="not shown to pay back",
                scoring=None,
                mixed_scales="the processor by 64 W in training, 8 W in inference",
            ),
        ],
    }


@pytest.fixture
def summary(files):
    named = {name: paths for name, paths in files.items() if name != "folders"}
    return summarise(files["folders"], **named)


def row(summary, criterion, removed=2):
    chosen = summary[(summary["criterion"] == criterion) & (summary["removed"] == removed)]
    return chosen.iloc[0]


def texts(figure: Figure) -> str:
    found = figure.findobj(lambda artist: hasattr(artist, "get_text"))
    return "\n".join(artist.get_text() for artist in found)


def test_the_summary_has_the_planted_numbers_with_units_in_their_names(summary, tmp_path):
    good = row(summary, "good")
    assert good["latency_batch_64_seconds"] == pytest.approx(64 / 1.25 / 1.1)
    assert good["baseline_latency_batch_1_seconds"] == 1
    assert good["speed_up_over_macs_batch_1_ratio"] == pytest.approx(0.9)
    # the headline is the largest batch
    assert good["speed_up_ratio"] == pytest.approx(1.25 * 1.1)
    assert good["speed_up_over_macs_ratio"] == pytest.approx(0.9 * 1.1)
    assert good["scoring_energy_kwh"] == pytest.approx(100 / 3.6e6)
    assert (good["scoring_energy_basis"], good["attacks_energy_basis"]) == ("estimate", "estimate")
    assert (good["break_even_images"], good["break_even"]) == (1000, "pays back")
    write_csv(summary, tmp_path / "summary.csv")
    again = read_csv(tmp_path / "summary.csv")
    assert again["break_even"].tolist() == summary["break_even"].tolist()
    assert math.isnan(row(again, "baseline", 0)["speed_up_ratio"])


def test_a_cost_that_is_not_known_is_empty_and_noted(summary):
    bad = row(summary, "bad")
    assert math.isnan(bad["scoring_energy_kwh"]) and math.isnan(bad["break_even_images"])
    assert bad["scoring_energy_basis"] == "not measured"
    assert "energy of scoring not measured: no power model" in bad["notes"]


def test_energies_of_two_scales_are_noted(summary):
    told = "one scale of energy for the break-even: the processor by 64 W in training, 8 W in "
    assert told in row(summary, "bad")["notes"] and told not in row(summary, "good")["notes"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.01, 1.2, "faster"),
        (0.8, 0.99, "slower"),
        (0.9, 1.1, "not shown to be faster"),
        (math.nan, math.nan, "not measured"),
    ],
)
def test_faster_is_said_only_where_the_interval_says_so(low, high, expected):
    ends = {"speed_up_ratio_interval_low": low, "speed_up_ratio_interval_high": high}
    assert faster(ends | {"latency_interval_coverage": 0.96}) == expected
    # five rounds enclose the median with 93.75 % at most, and two with 50 %
    few = NOT_MEASURED if math.isnan(low) else TOO_FEW
    assert faster(ends | {"latency_interval_coverage": 0.9375}) == few


def test_less_energy_is_said_only_where_the_interval_says_so():
    def said(low, high, coverage=0.96875):
        name = "saving_joules_per_image_interval"
        ends = {f"{name}_low": low, f"{name}_high": high}
        return saves_energy(ends | {"inference_interval_coverage": coverage})

    assert said(0.1, 0.2) == "less energy"
    assert said(-0.2, -0.1) == "more energy"
    assert said(-0.1, 0.2) == "not shown to save energy"
    assert said(0.1, 0.2, 0.5) == TOO_FEW


def test_the_claims_answer_for_time_and_energy(summary):
    claims = cost_claims(summary).set_index("criterion")
    assert list(claims.index) == ["bad", "good"]
    assert claims.loc["good", "cheaper_in_time"] == "faster"
    assert claims.loc["bad", "cheaper_in_time"] == "not shown to be faster"
    assert claims.loc["good", "cheaper_in_energy"] == "less energy"
    assert claims.loc["bad", "cheaper_in_energy"] == "not shown to save energy"
    assert claims.loc["good", "macs_ratio"] == pytest.approx(1500 / 1300)
    page = cost_page(summary)
    assert "1\u202f000" in page and "not shown to pay back" in page
    assert "estimate" in page and "counter" in page


def test_the_front_page_says_whether_it_is_cheaper(summary):
    answers = answers_on(summary)
    in_part = "For this one trained network: in part: 1 of 2 networks."
    assert answers["speed"].verdict == answers["energy"].verdict == in_part
    assert answers["speed"].facts.claim.counts == {"faster": 1, "not shown to be faster": 1}
    counts = answers["energy"].facts.claim.counts
    assert counts == {"less energy": 1, "not shown to save energy": 1}
    earned = answers["cost"].facts.earned
    assert (earned.images, earned.paid, earned.judged) == ((1000, 1000), 1, 2)
    assert earned.others == {"not shown to pay back": 1}
    assert answers["cost"].evidence.endswith(
        "Earned back after 1\u202f000 images (1 of 2 networks); "
        "not shown to pay back: 1 of 2 networks."
    )


def test_without_measurements_the_pages_say_so(planted):
    summary = summarise([planted.network(0), planted.network(0, "cka", BLOCKS[:1])])
    told = facts_on(summary)
    assert told["speed"].claim is told["energy"].claim is None
    assert "not measured" in cost_page(summary)


def test_the_latency_table_is_relative_to_the_baseline(files):
    table = latency_table(files["latencies"])
    good = table[(table["criterion"] == "good") & (table["batch_size"] == 1)].set_index("part")
    assert good.loc["all", "macs_percent"] == pytest.approx(100 * 0.9 / 1.25)
    assert good.loc["all", "time_percent"] == pytest.approx(80)
    low, high = good.loc["all", ["time_percent_interval_low", "time_percent_interval_high"]]
    assert low < 80 < high
    assert good.loc["stage1", "speed_up_over_macs_ratio"] == pytest.approx(1.08)


def test_the_latency_figure_has_a_column_a_batch_and_the_ideal_line(files):
    figure = latency_figure(latency_table(files["latencies"]))
    assert len(figure.axes) == 4
    above, below = figure.axes[0], figure.axes[2]
    assert any(list(line.get_xdata()) == list(line.get_ydata()) for line in above.get_lines())
    points = {(round(x), round(y)) for line in above.get_lines() for x, y in [_first(line)]}
    assert (round(100 * 0.9 / 1.25), 80) in points
    quotients = [_first(line)[0] for line in below.get_lines()]
    assert any(value == pytest.approx(0.9) for value in quotients)
    words = texts(figure)
    assert "batch of 64" in words and "stage2" in words and "whole network" in words


def _first(line):
    return float(line.get_xdata()[0]), float(line.get_ydata()[0])


def test_modes_have_rows_of_their_own(planted):
    folder = planted.folder(0, "cka", 1)
    path = planted.latency(folder, 1.2, 0.9, modes=("eager", "compiled"))
    figure = latency_figure(latency_table([path]))
    assert len(figure.axes) == 8
    assert "batch of 1, compiled" in texts(figure)


def test_the_ledger_figure_stacks_the_planted_costs_and_marks_the_break_even(files):
    figure = ledger_figure(ledger_table(files["ledgers"]))
    costs, saving, even = figure.axes
    widths = sorted(patch.get_width() for patch in costs.patches)
    # both rows lack nothing but the scoring of one of them; kilojoules
    assert widths == pytest.approx([0.1, 0.4, 0.4, 0.9, 0.9, 3, 3])
    words = texts(figure)
    assert "scoring: not measured" in words and "not shown to pay back (1)" in words
    assert "counter, estimate" in costs.get_xlabel()
    assert "counter" in saving.get_xlabel()
    assert [_first(line) for line in even.get_lines() if len(line.get_xdata())] == [(1000, 1)]


@pytest.mark.parametrize(
    ("images", "scale"), [((1000.0, 800.0, 1250.0), "linear"), ((1000.0, 100.0, 5000.0), "log")]
)
def test_break_even_has_a_logarithmic_axis_where_it_spans_magnitudes(planted, images, scale):
    path = planted.ledger(planted.network(0, "cka", BLOCKS[:1]), images=images)
    even = ledger_figure(ledger_table([path])).axes[2]
    assert even.get_xscale() == scale
    low, high = even.get_xlim()
    assert sum(low <= tick <= high for tick in even.get_xticks()) >= 2


def test_figures_without_data_are_a_sentence():
    assert "No latency" in texts(latency_figure(latency_table([])))
    assert "No energy" in texts(ledger_figure(ledger_table([])))

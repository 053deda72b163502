from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planted_results import BLOCKS
from test_report_figures import SEEDS, planted_accuracy, summary_of, texts

from layer_pruning.report.figures.pareto import FRONT, on_front, pareto_figure
from layer_pruning.report.findings.cost import latency_table
from layer_pruning.report.published import COLUMNS, published_points
from layer_pruning.report.summary import summarise

POINTS = Path(__file__).parents[3] / "config" / "published" / "points.csv"


def front_of(axis):
    return [line for line in axis.get_lines() if line.get_linewidth() == FRONT["linewidth"]]


def curve(axis, colour, marker):
    """The means of one criterion: the line of its colour and marker that is not faint."""
    found = [line for line in axis.get_lines() if line.get_color() == colour]
    return next(line for line in found if line.get_marker() == marker and line.get_alpha() is None)


def test_the_front_holds_what_nothing_surpasses_in_both():
    saved = np.array([0, 10, 20, 30, 30, 20])
    change = np.array([0, 1, 0.5, -1, -2, 0.5])
    # the baseline is beaten by (10, 1), (30, -2) by (30, -1); equal points are both on it
    assert on_front(saved, change).tolist() == [False, True, True, True, False, True]


def test_a_point_is_on_the_front_exactly_if_no_other_dominates_it():
    random = np.random.default_rng(0)
    points = random.integers(0, 6, size=(40, 2)).astype(float)
    front = on_front(*points.T)
    for place, point in enumerate(points):
        others = [q for q in points if (q >= point).all() and (q > point).any()]
        assert front[place] == (not others)


def test_points_are_changes_against_the_baseline_of_the_seed(planted):
    figure = pareto_figure(summary_of(planted), latency_table([]))
    macs, time, energy = figure.axes
    means = curve(macs, "#0072B2", "o")
    assert means.get_xdata() == pytest.approx([100 * 100 / 1500, 100 * 200 / 1500])
    expected = [
        np.mean([planted_accuracy("cka", s, k) - planted_accuracy("baseline", s, 0) for s in SEEDS])
        for k in (1, 2)
    ]
    assert means.get_ydata() == pytest.approx([100 * value for value in expected])
    for axis in (macs, time, energy):
        (baseline,) = [line for line in axis.get_lines() if line.get_markerfacecolor() == "white"]
        assert (baseline.get_xdata(), baseline.get_ydata()) == ([0], [0])
    for axis in (time, energy):
        assert "12 of 12 networks not measured, left out" in axis.get_xlabel()
        assert not front_of(axis)
    assert "not measured" not in macs.get_xlabel()


def test_the_front_of_the_figure_is_that_of_the_planted_means(planted):
    # random, of a longer name, is 0.3 points of accuracy above cka at every step
    (front,) = front_of(pareto_figure(summary_of(planted), latency_table([])).axes[0])
    corners = list(zip(front.get_xdata(), front.get_ydata(), strict=True))
    best = [100 * (-0.02 * k + 0.001 * len("random")) for k in (1, 2)]
    one, two = 100 * 100 / 1500, 100 * 200 / 1500
    steps = [(0, 0), (0, 0), (0, best[0]), (one, best[0]), (one, best[1]), (two, best[1])]
    steps.append((two, 100 * (-0.04 + 0.001 * len("cka"))))
    assert np.array(corners) == pytest.approx(np.array(steps))


def test_time_and_energy_are_shares_of_the_baseline_s(planted):
    folders = [planted.folder(seed, "cka", 2) for seed in SEEDS]
    energies = [planted.energy(f, j) for f, j in zip(folders, (1.0, 1.2, 1.4), strict=True)]
    latencies = [planted.latency(f, 1.25, 0.9, batches=(1, 64)) for f in folders]
    table = summary_of(planted, energies=energies, latencies=latencies)
    _, time, energy = pareto_figure(table, latency_table(latencies)).axes
    # the batch of 64 is a tenth faster than that of 1
    assert curve(time, "#0072B2", "o").get_xdata() == pytest.approx([100 * (1 - 1 / 1.375)])
    assert "cpu, batch of 64" in time.get_xlabel()
    assert curve(energy, "#0072B2", "o").get_xdata() == pytest.approx([100 * (1 - 1.2 / 2)])
    assert "counter" in energy.get_xlabel()
    assert "9 of 12 networks not measured" in energy.get_xlabel()


def test_networks_from_new_weights_are_no_path(planted):
    folders = [planted.network(s, "scratch", BLOCKS[:2], 0.7) for s in SEEDS]
    bases = [planted.network(s) for s in SEEDS]
    table = summarise([*bases, *folders], origins={"scratch": ("scratch", "cka")})
    figure = pareto_figure(table, latency_table([]))
    assert curve(figure.axes[0], "#0072B2", "o").get_linestyle() == "None"


def point(**changes):
    row = ["cifar10", "resnet56", "Method", "layers", "50", "-0.5", "table", "other", "a paper"]
    return dict(zip(COLUMNS, row, strict=True)) | changes


def table_of(folder, *rows):
    path = folder / "points.csv"
    pd.DataFrame(list(rows)).to_csv(path, index=False)
    return path


def test_published_points_are_beside_ours_and_hollow_on_other_images(planted, tmp_path):
    path = table_of(
        tmp_path,
        point(),
        point(method="Another", kind="filters", reading="chart", macs_reduction_percent="60"),
        point(network="resnet110", macs_reduction_percent="70"),
    )
    points = published_points(path, "cifar10", "resnet56")
    assert points["macs_reduction_percent"].tolist() == [60, 50]
    for same in (True, False):
        figure = pareto_figure(summary_of(planted), latency_table([]), points, same)
        grey = [line for line in figure.axes[0].get_lines() if line.get_color() == "#7f7f7f"]
        drawn = {(line.get_xdata()[0], line.get_ydata()[0], line.get_marker()) for line in grey[1:]}
        assert drawn == {(50, -0.5, "s"), (60, -0.5, "^")}
        assert (grey[1].get_markerfacecolor() == "white") == (not same)
        assert {text.get_text() for text in figure.axes[0].texts} == {"≈1", "2"}
        said = texts(figure)
        assert ("other images" in said) == (not same)
        for word in ("other protocols", "Another", "Method", "layers removed", "read off a chart"):
            assert word in said


def test_without_published_points_nothing_is_said_of_them(planted):
    assert "Published" not in texts(pareto_figure(summary_of(planted), latency_table([])))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "blocks"}, "line 3: kind 'blocks' is none of layers, filters, both"),
        ({"reading": ""}, "line 3: reading '' is none of table, chart"),
        ({"accuracy_change_points": "+?"}, "line 3: accuracy_change_points '+?' is no number"),
        ({"source": ""}, "line 3: a point without a source"),
        ({"more": "1"}, "the columns should be dataset, network"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, change, says):
    path = table_of(tmp_path, point(), point(**change))
    with pytest.raises(ValueError, match=r"points\.csv") as error:
        published_points(path, "cifar10", "resnet56")
    assert says in str(error.value)


def test_the_table_that_comes_with_the_project():
    known = {("cifar10", f"resnet{depth}") for depth in (32, 44, 56, 110)}
    known.add(("imagenet", "resnet50"))
    table = pd.read_csv(POINTS)
    assert set(zip(table["dataset"], table["network"], strict=True)) == known
    for dataset, network in known:
        points = published_points(POINTS, dataset, network)
        assert points["macs_reduction_percent"].between(0, 100).all()
        assert (points["protocol"] != "").all()
    assert published_points(POINTS, "digits", "resnet56").empty
    # a block of a ResNet-56 with projections is 4,718,592 of 125,747,840 (docs/how-to/reproduce.md)
    resnet56 = published_points(POINTS, "cifar10", "resnet56")
    ours = resnet56.loc[resnet56["method"] == "CKA", "macs_reduction_percent"]
    lattice = 100 * np.arange(28) * 4_718_592 / 125_747_840
    assert all(np.abs(lattice - value).min() < 0.006 for value in ours)

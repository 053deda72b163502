import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text
from planted_results import BLOCKS, Planted

from layer_pruning.report.figures.accuracy import accuracy_figure
from layer_pruning.report.figures.agreement import agreement_figure, mean_tau
from layer_pruning.report.figures.ranks import ranks_figure
from layer_pruning.report.figures.removals import removals_figure
from layer_pruning.report.figures.robustness import robustness_figure
from layer_pruning.report.figures.style import bar_styles, criterion_styles, save
from layer_pruning.report.findings.robustness import robust_accuracy
from layer_pruning.report.statistics.significance import Mean
from layer_pruning.report.summary import summarise

SEEDS = (0, 1, 2)


def removed_by(name: str, seed: int, count: int) -> list[str]:
    """A different order for every criterion and seed."""
    start = (len(name) + seed) % len(BLOCKS)
    return [*BLOCKS[start:], *BLOCKS[:start]][:count]


def planted_accuracy(name: str, seed: int, removed: int) -> float:
    return 0.8 + 0.01 * seed - 0.02 * removed + 0.001 * len(name) * (removed > 0)


def summary_of(planted: Planted, criteria=("cka", "random"), seeds=SEEDS, steps=2, **more):
    folders = [
        planted.network(seed, name, removed_by(name, seed, k), planted_accuracy(name, seed, k))
        for seed in seeds
        for name in criteria
        for k in range(1, steps + 1)
    ]
    bases = [planted.network(s, test=planted_accuracy("baseline", s, 0)) for s in seeds]
    return summarise([*bases, *folders], **more)


def lines(axis, label: str):
    return [line for line in axis.get_lines() if line.get_label() == label]


def texts(figure: Figure) -> str:
    found = figure.findobj(lambda artist: hasattr(artist, "get_text"))
    return "\n".join(artist.get_text() for artist in found)


def test_accuracy_curves_are_the_planted_means(planted):
    figure = accuracy_figure(summary_of(planted))
    (axis,) = figure.axes
    for name in ("cka", "random"):
        (curve,) = lines(axis, name)
        means = [np.mean([planted_accuracy(name, s, k) for s in SEEDS]) for k in (0, 1, 2)]
        assert curve.get_xdata() == pytest.approx([0, 100 * 100 / 1500, 100 * 200 / 1500])
        assert curve.get_ydata() == pytest.approx([100 * mean for mean in means])
        singles = [
            line
            for line in axis.get_lines()
            if line.get_color() == curve.get_color() and line.get_linestyle() == "None"
        ]
        assert sorted(singles[0].get_ydata()) == pytest.approx(
            sorted(100 * planted_accuracy(name, s, k) for s in SEEDS for k in (1, 2))
        )
    (baseline,) = lines(axis, "baseline, 95 % interval")
    assert list(baseline.get_ydata()) == pytest.approx([81.0, 81.0])


def test_the_baseline_band_is_its_interval(planted):
    band = accuracy_figure(summary_of(planted)).axes[0].patches[0].get_extents()
    over_seeds = Mean.of([0.80, 0.81, 0.82])
    axis = accuracy_figure(summary_of(planted)).axes[0]
    low, high = axis.transData.inverted().transform([[0, band.y0], [0, band.y1]])[:, 1]
    assert (low, high) == pytest.approx((100 * over_seeds.low, 100 * over_seeds.high))
    axis = accuracy_figure(summary_of(planted, seeds=(0,))).axes[0]
    band = axis.patches[0].get_extents()
    low, high = axis.transData.inverted().transform([[0, band.y0], [0, band.y1]])[:, 1]
    assert (low, high) == pytest.approx((78.0, 82.0))  # of the file


def test_many_criteria_get_a_panel_each_with_the_baseline(planted):
    names = ["cka", "cca", "random", "consensus", "magnitude"]
    figure = accuracy_figure(summary_of(planted, names))
    panels = [axis for axis in figure.axes if axis.get_visible()]
    assert [axis.get_title(loc="left") for axis in panels] == sorted(names)
    for axis in panels:
        assert len(lines(axis, axis.get_title(loc="left"))) == 1
        assert len(lines(axis, "baseline, 95 % interval")) == 1


def test_all_data_are_inside_the_axes(planted):
    axis = accuracy_figure(summary_of(planted)).axes[0]
    (low, high), (left, right) = axis.get_ylim(), axis.get_xlim()
    assert left < 0
    assert right > 100 * 200 / 1500
    assert low < 100 * min(planted_accuracy(n, 0, 2) for n in ("cka", "random"))
    assert high > 82


def test_styles_differ_in_grey_too():
    names = [f"criterion{n:02d}" for n in range(12)]
    styles = criterion_styles(names)
    assert len({style["marker"] for name, style in styles.items() if name in names}) == 12
    assert styles["baseline"]["color"] == "#000000"
    assert all(styles[name]["color"] != "#000000" for name in names)
    assert criterion_styles([*reversed(names), "baseline"]) == styles


def test_the_map_shows_each_block_at_its_step(planted):
    figure = removals_figure(summary_of(planted, steps=3))
    axis = figure.axes[0]
    (image,) = axis.get_images()
    grid = np.ma.filled(image.get_array(), np.nan)
    assert [label.get_text() for label in axis.get_yticklabels()] == BLOCKS
    columns = [(name, seed) for name in ("cka", "random") for seed in SEEDS]
    assert grid.shape == (len(BLOCKS), len(columns))
    for column, (name, seed) in enumerate(columns):
        for step, block in enumerate(removed_by(name, seed, 3), start=1):
            assert grid[BLOCKS.index(block), column] == step
        assert np.isnan(grid[:, column]).sum() == len(BLOCKS) - 3


def ranking(blocks, ranks: dict[str, list[float]], removed: str, tied: bool) -> pd.DataFrame:
    table = pd.DataFrame({"block": blocks})
    for metric, values in ranks.items():
        table[metric] = np.array(values) / 10
        table[f"{metric}_rank"] = values
    table["rank_sum"] = sum(np.array(values) for values in ranks.values())
    table["order"] = 1
    table["removed"] = [block == removed for block in blocks]
    table["tied"] = tied
    return table


def test_ranks_are_shares_of_the_blocks_still_there():
    figure = ranks_figure(
        {
            1: ranking(BLOCKS, {"cka": [1, 2, 3, 4, 5], "cca": [5, 4, 3, 2, 1]}, BLOCKS[0], False),
            2: ranking(BLOCKS[1:], {"cka": [1.5, 1.5, 3, 4], "cca": [4, 3, 2, 1]}, BLOCKS[2], True),
        },
        "toy",
    )
    first, second = (axis.get_images()[0].get_array() for axis in figure.axes[:2])
    assert np.ma.filled(first, -1).tolist() == [
        [0, 1],
        [0.25, 0.75],
        [0.5, 0.5],
        [0.75, 0.25],
        [1, 0],
    ]
    assert np.ma.getmaskarray(second)[0].all()
    assert second[1, 0] == pytest.approx(0.5 / 3)
    assert second[1, 1] == 1
    assert figure.axes[1].get_title(loc="left") == "step 2 (tie)"
    frames = [axis.patches[0].get_y() for axis in figure.axes[:2]]
    assert frames == [-0.5, 1.5]
    assert "1.5" in texts(figure)


def sidecar(criterion, step, metrics, tau, w, probability, seed=0):
    return {
        "dataset": "toy",
        "architecture": "resnet8",
        "criterion": criterion,
        "seed": seed,
        "step": step,
        "kendall_tau": {"metrics": metrics, "matrix": tau},
        "kendall_w": w,
        "leave_one_out": {},
        "bootstrap": None
        if probability is None
        else {"resamples": 10, "removed_probability": probability},
    }


def test_tau_is_averaged_over_the_rankings_that_have_both_metrics():
    records = [
        sidecar("consensus", 1, ["cka", "cca"], [[1, 0.2], [0.2, 1]], 0.6, 0.9),
        sidecar("consensus", 2, ["cca", "cka"], [[1, 0.6], [0.6, 1]], 0.8, 0.7),
        sidecar("consensus", 3, ["cka", "cca"], [[1, None], [None, 1]], 0.4, None),
        sidecar("trio", 1, ["cka", "wasserstein"], [[1, -0.5], [-0.5, 1]], 0.1, 0.3),
        sidecar("cka", 1, ["cka"], [[1]], None, 1.0),
    ]
    metrics, tau, counts = mean_tau(records)
    assert metrics == ["cka", "cca", "wasserstein"]
    assert tau[0, 1] == tau[1, 0] == pytest.approx(0.4)
    assert tau[0, 2] == pytest.approx(-0.5)
    assert math.isnan(tau[1, 2])
    assert counts[0, 1] == 2
    figure = agreement_figure(records)
    heat, w, bootstrap = (axis for axis in figure.axes if axis.get_title(loc="left"))
    assert np.ma.filled(heat.get_images()[0].get_array(), 9)[0].tolist() == pytest.approx(
        [1, 0.4, -0.5]
    )
    assert list(lines(w, "consensus")[0].get_ydata()) == [0.6, 0.8, 0.4]
    assert lines(w, "cka") == []
    assert list(lines(bootstrap, "consensus")[0].get_xdata()) == [1, 2]
    assert list(lines(bootstrap, "consensus")[0].get_ydata()) == [0.9, 0.7]
    assert list(lines(bootstrap, "cka")[0].get_ydata()) == [1.0]


@pytest.mark.parametrize(("spread", "told"), [(48.1, "48"), (108.3, "110"), (0.0029, "0.0029")])
def test_no_text_of_the_agreement_is_cut_off_at_the_border(spread, told):
    metrics = ["stochastic_means", "stochastic_covariances", "stochastic"]
    tau = [[1, 0.2, 0.5], [0.2, 1, 0.1], [0.5, 0.1, 1]]
    records = [sidecar("consensus", step, metrics, tau, 0.6, 0.9) for step in (1, 2)]
    blocks = {"spread_percent": spread, "removed_blocks": {"0": "a", "1": "b"}}
    figure = agreement_figure(records, [dict.fromkeys(metrics, blocks)] * 3)
    line = f"stochastic_covariances: from other starts up to {told} % more or less"
    assert line in texts(figure)
    figure.draw_without_rendering()
    for text in figure.findobj(Text):
        # numbers of ticks beyond the limits of an axis are there, and are not drawn
        if text.get_visible() and text.get_text().strip("0123456789. "):
            box = text.get_window_extent()
            inside = figure.bbox.x0 - 1 <= box.x0 and box.x1 <= figure.bbox.x1 + 1
            assert inside and box.y0 >= -1 and box.y1 <= figure.bbox.y1 + 1, text.get_text()


def test_without_a_bootstrap_the_figure_says_so():
    record = sidecar("cka", 1, ["cka"], [[1]], None, None)
    said = texts(agreement_figure([record]))
    assert "no bootstrap was run" in said
    assert "no criterion with several metrics" in said


def test_without_data_a_figure_says_so():
    assert "No criterion has several metrics" in texts(agreement_figure([]))
    assert "No network was attacked" in texts(robustness_figure(robust_accuracy([])))


def test_many_criteria_agree_in_a_heat_map():
    records = [
        sidecar(f"c{n}", step, ["cka", "cca"], [[1, 0], [0, 1]], n / 10, (n + step) / 10, seed)
        for n in range(6)
        for step in (1, 2)
        for seed in (0, 1)
    ]
    figure = agreement_figure(records)
    bootstrap = next(a for a in figure.axes if a.get_title(loc="left").startswith("Bootstrap"))
    expected = [[(n + step) / 10 for step in (1, 2)] for n in range(6)]
    assert np.asarray(bootstrap.get_images()[0].get_array()) == pytest.approx(np.array(expected))


def attacked(planted: Planted, attacks=("fgsm",)):
    paths = []
    for attack in attacks:
        for seed in SEEDS:
            paths.append(
                planted.attack(
                    planted.folder(seed), {0.1: [1, 1, 0, 0], 0.2: [1, 0, 0, 0]}, attack=attack
                )
            )
            for step, right in ((1, [0, 0, 0, 0]), (2, [1, 1, 1, 0])):
                paths.append(
                    planted.attack(
                        planted.folder(seed, "cka", step), {0.1: right, 0.2: [0] * 4}, attack=attack
                    )
                )
    return robust_accuracy(paths)


def test_robustness_shows_the_deepest_network_beside_the_baseline(planted):
    figure = robustness_figure(attacked(planted, ("autoattack", "fgsm")))
    assert len(figure.axes) == 4
    left, right = figure.axes[:2]
    assert list(lines(left, "baseline")[0].get_xdata()) == [0, 0.1, 0.2]
    assert lines(left, "baseline")[0].get_ydata() == pytest.approx([100, 50, 25])
    assert lines(left, "cka (−2)")[0].get_ydata() == pytest.approx([100, 75, 0])
    assert lines(right, "baseline")[0].get_ydata() == pytest.approx([0, 0, 0])
    assert lines(right, "cka (−2)")[0].get_ydata() == pytest.approx([0, 25, -25])


def test_robustness_without_a_baseline_is_refused(planted):
    table = attacked(planted)
    with pytest.raises(ValueError, match="no attacked baseline"):
        robustness_figure(table[table["criterion"] != "baseline"])


def test_a_figure_is_about_one_network_family(planted, tmp_path):
    other = Planted(tmp_path, BLOCKS, architecture="resnet14")
    both = pd.concat([summary_of(planted), summary_of(other)])
    for draw in (accuracy_figure, removals_figure):
        with pytest.raises(ValueError, match="expected 1 a figure"):
            draw(both)


def test_saved_figures_are_the_same_every_time(planted, tmp_path):
    table, magic = summary_of(planted), {".svg": b"<?xml", ".png": b"\x89PNG"}
    for name in ("one", "two"):
        save(accuracy_figure(table), *(tmp_path / f"{name}{suffix}" for suffix in magic))
    for suffix, start in magic.items():
        one = (tmp_path / f"one{suffix}").read_bytes()
        assert one == (tmp_path / f"two{suffix}").read_bytes()
        assert one.startswith(start)


def test_pictures_are_dense_enough_for_print(planted, tmp_path):
    figure = accuracy_figure(summary_of(planted))
    save(figure, tmp_path / "accuracy.png")
    height, width, _ = imread(tmp_path / "accuracy.png").shape
    assert (width, height) == pytest.approx([300 * inches for inches in figure.get_size_inches()])


@pytest.mark.parametrize(
    ("steps", "grid"), [(1, (1, 1)), (6, (1, 6)), (7, (2, 4)), (10, (2, 5)), (20, (4, 5))]
)
def test_panels_of_ranks_leave_few_places_empty(steps, grid):
    table = ranking(BLOCKS, {"cka": [1, 2, 3, 4, 5]}, BLOCKS[0], False)
    figure = ranks_figure(dict.fromkeys(range(1, steps + 1), table))
    assert figure.axes[0].get_subplotspec().get_gridspec().get_geometry() == grid


def test_metrics_without_company_are_not_in_the_map():
    records = [
        sidecar("consensus", 1, ["cka", "cca"], [[1, 0.2], [0.2, 1]], 0.6, 0.9),
        sidecar("random", 1, ["random"], [[1]], None, None),
    ]
    (heat,) = [a for a in agreement_figure(records).axes if "tau" in a.get_title(loc="left")]
    assert [label.get_text() for label in heat.get_yticklabels()] == ["cka", "cca"]


def test_bars_side_by_side_differ_in_grey():
    names = [f"criterion{n}" for n in range(6)]
    styles = bar_styles(names)
    assert len({style.get("hatch", "") for style in styles.values()}) == 7


def test_networks_from_new_weights_are_points_and_have_no_order(planted):
    folders = [planted.network(s, "scratch", BLOCKS[:2], 0.7 + 0.1 * s) for s in SEEDS]
    summary = summary_of(planted, ["cka"])
    alone = summarise(
        [*map(planted.folder, SEEDS), *folders], origins={"scratch": ("scratch", "cka")}
    )
    both = pd.concat([summary, alone[alone["criterion"] == "scratch"]], ignore_index=True)
    (axis,) = accuracy_figure(both).axes
    (points,) = lines(axis, "scratch")
    assert points.get_xdata() == pytest.approx([100 * 200 / 1500])
    assert points.get_ydata() == pytest.approx([80])
    assert len(lines(axis, "cka")[0].get_xdata()) == 3
    axis = removals_figure(both).axes[0]
    assert axis.get_images()[0].get_array().shape == (len(BLOCKS), len(SEEDS))


def test_all_blocks_of_a_step_are_framed():
    tables = {1: ranking(BLOCKS, {"cka": [1, 2, 3, 4, 5]}, BLOCKS[0], False)}
    figure = ranks_figure(tables, gone={1: [BLOCKS[0], BLOCKS[3]]})
    assert [frame.get_y() for frame in figure.axes[0].patches] == [-0.5, 2.5]
    assert figure.axes[0].get_title(loc="left") == "steps 1–2"

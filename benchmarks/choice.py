"""What a landscape says: the best profiles, what each criterion misses, and what foretells them.

A landscape is a table of networks that lost their blocks at once and were trained alike, a row a
set of blocks (and seed); `landscape.py` makes the two tables beside it.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from layer_pruning.report.figures.style import (
    GREY,
    PALE,
    criterion_styles,
    headline,
    styled,
)
from layer_pruning.report.records import BASELINE
from layer_pruning.report.wording import p_text
from layer_pruning.searching.sets import named_set

PREDICTORS, PATHS = "-predictors", "-paths"
"""What the names of the two tables end with, after that of the accuracies."""
RENEWED = "_renewed"
"""What a column ends with whose distances are those after norms were estimated anew."""
CHANCE = "a draw at random"
ALL_SETS = "over all sets"
"""What a criterion is called that looks at whole sets, and not at blocks one after the other."""
TOLD = ("removed", "removed_blocks", "seed", "network", "checksum")
"""Columns of the table of predictors that are no distances."""
SHOWN = ("consensus", "functional", "shallowest")
"""Criteria whose paths the figure draws."""

Profile = tuple[int, ...]
"""How many blocks each stage keeps."""


def stages_of(rows: pd.DataFrame) -> dict[str, str]:
    """The stage of every block of the unpruned network, in network order."""
    (blocks,) = set(rows.loc[rows["criterion"] == BASELINE, "blocks"])
    return {name: name.split(".")[0] for name in named_set(blocks)}


def profile_of(removed: str, blocks: Mapping[str, str]) -> Profile:
    """How many blocks each stage keeps; ``blocks`` is the stage of each."""
    left = [stage for name, stage in blocks.items() if name not in named_set(removed)]
    return tuple(left.count(stage) for stage in dict.fromkeys(blocks.values()))


def chances(blocks: Mapping[str, str], sets: Sequence[str]) -> dict[Profile, Fraction]:
    """How likely each profile is where every next block is drawn among those that may go.

    ``sets`` are the names of all sets that can go, so that what may go after what is known.
    """
    possible = {frozenset(named_set(name)) for name in sets}
    reached = {frozenset[str](): Fraction(1)}
    by_profile: dict[Profile, Fraction] = {}
    while reached:
        grown: dict[frozenset[str], Fraction] = {}
        for gone, chance in reached.items():
            nexts = [one for name in blocks if (one := gone | {name}) in possible and one != gone]
            for one in nexts:
                grown[one] = grown.get(one, Fraction(0)) + chance / len(nexts)
        for gone, chance in grown.items():
            profile = profile_of(" ".join(gone), blocks)
            by_profile[profile] = by_profile.get(profile, Fraction(0)) + chance
        reached = grown
    return by_profile


def agreement(distances: pd.Series, accuracies: pd.Series, sizes: pd.Series) -> float:
    """Spearman's correlation of distance and accuracy among sets of one size, over all sizes.

    Ranks are taken within each size and centred there, so that more removals being worse, which
    everybody knows, counts for nothing. -1 where every smaller distance has the higher accuracy;
    NaN where nothing varies. The three series are of the same n sets.
    """
    return float(_centred(distances, sizes).corr(_centred(accuracies, sizes)))


def _centred(values: pd.Series, sizes: pd.Series) -> pd.Series:
    """Ranks within each size, about their mean."""
    ranks = values.groupby(sizes).rank()
    return ranks - ranks.groupby(sizes).transform("mean")


def trained(rows: pd.DataFrame) -> pd.DataFrame:
    """The networks that lost blocks, a row a set: mean accuracy over seeds, profile and seeds."""
    blocks = stages_of(rows)
    lost = rows[rows["made_by"] == "pruned"]
    table = lost.groupby("removed_blocks", sort=False).agg(
        removed=("removed", "first"),
        macs=("macs_reduction_percent", "first"),
        parameters=("parameters_reduction_percent", "first"),
        accuracy=("accuracy_test", "mean"),
        seeds=("seed", "nunique"),
    )
    table["profile"] = [profile_of(name, blocks) for name in table.index]
    return table.sort_values(["removed", "accuracy"], ascending=[True, False])


def of_profiles(table: pd.DataFrame) -> pd.Series:
    """The accuracy of each profile, where several sets have one the mean of theirs."""
    return table.groupby("profile")["accuracy"].mean()


def best_of_size(table: pd.DataFrame) -> pd.Series:
    """The accuracy of the best profile, by the number of blocks removed."""
    return table.groupby(["removed", "profile"])["accuracy"].mean().groupby("removed").max()


def of_whole_sets(predictors: pd.DataFrame) -> pd.DataFrame:
    """Which set of each size every distance likes best, as rows of a table of paths.

    With norms as they are that is `search: beam` where the beam holds every set.
    """
    sizes, parts = predictors.groupby("removed"), []
    for name in distances_of(predictors):
        found = predictors.loc[sizes[name].idxmin(), ["removed", "removed_blocks"]]
        anew = f"{ALL_SETS}, norms estimated anew" if name.endswith(RENEWED) else ALL_SETS
        parts.append(found.assign(criterion=f"{name.removesuffix(RENEWED)} {anew}"))
    return pd.concat(parts)


def distances_of(predictors: pd.DataFrame) -> list[str]:
    """The columns of a table of predictors that say how far a set is from the whole network."""
    return [str(name) for name in predictors if name not in TOLD]


def regrets(table: pd.DataFrame, paths: pd.DataFrame, blocks: Mapping[str, str]) -> pd.DataFrame:
    """How far below the best profile of its size each criterion ends, a column a size.

    In points of accuracy, of the profile that a criterion's blocks leave; NaN where that profile
    was not trained. The best is the best of what was trained, by the same test images, so that
    every regret is a little too large where profiles are close.
    """
    known = of_profiles(table)
    best = best_of_size(table)
    reached = [profile_of(name, blocks) for name in paths["removed_blocks"]]
    accuracies = known.reindex(pd.Index(reached, tupleize_cols=False)).to_numpy()
    lost = 100 * (paths["removed"].map(best).to_numpy() - accuracies)
    return paths.assign(regret=lost).pivot(index="criterion", columns="removed", values="regret")


def regret_of_chance(
    table: pd.DataFrame, blocks: Mapping[str, str], sets: Sequence[str]
) -> pd.Series:
    """What a draw at random has to expect, by size, where all its profiles were trained."""
    known, best, total = of_profiles(table), best_of_size(table), len(blocks)
    by_size: dict[int, float] = {}
    for profile, chance in chances(blocks, sets).items():
        size = total - sum(profile)
        lost = best.get(size, np.nan) - known.get(profile, np.nan)
        by_size[size] = by_size.get(size, 0.0) + 100 * float(chance) * lost
    return pd.Series(by_size).sort_index()


def chance_of_agreement(
    distances: pd.Series, accuracies: pd.Series, sizes: pd.Series, draws: int = 9999
) -> float:
    """How often an agreement as far from 0 comes of accuracies shuffled within their size.

    A permutation test, of both sides, with the given order counted among the draws.
    """
    own, other = (_centred(values, sizes).to_numpy() for values in (distances, accuracies))
    places = [np.flatnonzero(sizes.to_numpy() == size) for size in sizes.unique()]
    generator, reached = np.random.default_rng(0), 1
    for _ in range(draws):
        shuffled = other.copy()
        for those in places:
            shuffled[those] = generator.permutation(shuffled[those])
        reached += abs(own @ shuffled) >= abs(own @ other) - 1e-9
    return reached / (draws + 1)


def foretold(table: pd.DataFrame, predictors: pd.DataFrame) -> pd.DataFrame:
    """How well each distance of an untrained set foretells its accuracy, the best first.

    Columns ``agreement`` and ``p_value``, each of its own: not corrected for their number.
    """
    known = predictors.set_index("removed_blocks").reindex(table.index)
    found = {
        name: {
            "agreement": agreement(known[name], table["accuracy"], table["removed"]),
            "p_value": chance_of_agreement(known[name], table["accuracy"], table["removed"]),
        }
        for name in distances_of(predictors)
    }
    return pd.DataFrame.from_dict(found, orient="index").sort_values("agreement")


def named(profile: Profile) -> str:
    """A profile as text."""
    return ", ".join(map(str, profile))


def choice_tables(rows: pd.DataFrame, predictors: pd.DataFrame, paths: pd.DataFrame) -> str:
    """Markdown tables: profiles, sets of one profile, regrets, and what foretells the accuracy."""
    table, blocks = trained(rows), stages_of(rows)
    sets = list(predictors["removed_blocks"])
    ways = pd.concat([paths, of_whole_sets(predictors)], ignore_index=True)
    parts = [_profiles(table), _of_one_profile(table)]
    parts += [_regrets(table, ways, blocks, sets), _foretold(table, predictors)]
    return "\n\n".join(filter(None, parts))


def _profiles(table: pd.DataFrame) -> str:
    lines = [
        "| removed | MACs saved, % | sets trained | blocks left in each stage: test accuracy, %, "
        "the best first | best − worst, points |",
        "|---|---|---|---|---|",
    ]
    for removed, group in table.groupby("removed"):
        told = [
            f"{named(profile)}: {100 * accuracy:.2f}"
            for profile, accuracy in zip(group["profile"], group["accuracy"], strict=True)
        ]
        spread = 100 * (group["accuracy"].max() - group["accuracy"].min())
        cells = [removed, f"{group['macs'].mean():.1f}", len(group), "; ".join(told)]
        lines.append(f"| {' | '.join(map(str, [*cells, f'{spread:.2f}']))} |")
    return "\n".join(lines)


def _of_one_profile(table: pd.DataFrame) -> str:
    """Sets that leave as many blocks in each stage; empty where no two do."""
    lines = [
        "| blocks left in each stage | the blocks that go: test accuracy, %, the best first | "
        "best − worst, points |",
        "|---|---|---|",
    ]
    for profile, group in table.groupby("profile", sort=False):
        if len(group) == 1:
            continue
        told = [f"{gone}: {100 * value:.2f}" for gone, value in group["accuracy"].items()]
        spread = 100 * (group["accuracy"].max() - group["accuracy"].min())
        lines.append(f"| {named(profile)} | {'; '.join(told)} | {spread:.2f} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def _regrets(
    table: pd.DataFrame, paths: pd.DataFrame, blocks: Mapping[str, str], sets: Sequence[str]
) -> str:
    missed = regrets(table, paths, blocks)
    missed.loc[CHANCE] = regret_of_chance(table, blocks, sets)
    # a size with one profile leaves nothing to choose
    missed = missed.loc[:, (missed > 0).any()]
    missed["mean"] = missed.mean(axis="columns", skipna=False)
    sizes = [f"{size} removed" if size != "mean" else "mean" for size in missed]
    lines = [f"| criterion | {' | '.join(sizes)} |", "|---" * (len(sizes) + 1) + "|"]
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, row in missed.sort_values(["mean", *missed.columns[:-1]]).iterrows():
        cells = ("not trained" if np.isnan(value) else f"{value:.2f}" for value in row)
        alike.setdefault(tuple(cells), []).append(str(name))
    lines += [f"| {'; '.join(names)} | {' | '.join(cells)} |" for cells, names in alike.items()]
    return "\n".join(lines)


def _foretold(table: pd.DataFrame, predictors: pd.DataFrame) -> str:
    found = foretold(table, predictors)
    ways = ["as it is", "norms estimated anew"]
    headings = [
        "distance of the untrained set",
        *(f"{way}{p}" for way in ways for p in ("", ", p")),
    ]
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    for name in dict.fromkeys(one.removesuffix(RENEWED) for one in found.index):
        cells = [name]
        for way in (name, f"{name}{RENEWED}"):
            known = way in found.index and not np.isnan(found.loc[way, "agreement"])
            cells += [_with_sign(found.loc[way, "agreement"])] if known else [""]
            cells += [p_text(found.loc[way, "p_value"])] if known else [""]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _with_sign(value: float) -> str:
    # no zero is below zero
    return f"{round(value, 2) + 0.0:+.2f}".replace("-", "−")


@styled
def choice_figure(rows: pd.DataFrame, paths: pd.DataFrame) -> Figure:
    """Accuracy of every trained set against what it saves, and where criteria lead.

    Left multiply-accumulates, right parameters; a number is the blocks that each stage keeps.
    """
    table, blocks = trained(rows), stages_of(rows)
    figure = Figure(figsize=(9.6, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _points(left, table, "macs", "MACs removed (% of the baseline)")
    _points(right, table, "parameters", "Parameters removed (% of the baseline)")
    known = of_profiles(table)
    saved = table.groupby("profile")[["macs", "parameters"]].mean()
    styles = criterion_styles(SHOWN)
    for name in SHOWN:
        here = paths[paths["criterion"] == name]
        profiles = [profile_of(one, blocks) for one in here["removed_blocks"]]
        met = [profile for profile in profiles if profile in known.index]
        for axis, column in ((left, "macs"), (right, "parameters")):
            x = [saved.loc[[one], column].iloc[0] for one in met]
            y = [100 * known[one] for one in met]
            axis.plot(x, y, label=name, markersize=4, alpha=0.8, **_line(styles[name]))
    baseline = 100 * rows.loc[rows["criterion"] == BASELINE, "accuracy_test"].mean()
    for axis in (left, right):
        axis.axhline(baseline, color=GREY, linewidth=0.8, linestyle=":")
        axis.grid(axis="y", color=PALE, linewidth=0.5)
    left.set_ylabel("Test accuracy (%)")
    left.legend(loc="lower left", title="at once, by its ranking")
    headline(figure, f"{len(table)} sets of blocks, removed at once and trained alike")
    return figure


def _line(style: Mapping[str, object]) -> dict[str, object]:
    return {key: style[key] for key in ("color", "marker", "linestyle")}


AXIS, LABEL = (300.0, 280.0), (14.0, 8.0)
"""About how large an axis of the figure and a label of three figures are, in points."""
SIDES = ((1, 1), (-1, 1), (1, -1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1))
"""On which side of its point a label may stand, to the right and above first."""
REACHES = (3.0, 9.0, 15.0, 21.0)
"""How far from it, in points; beyond the first a line leads there."""


def _points(axis: Axes, table: pd.DataFrame, column: str, label: str) -> None:
    axis.plot(table[column], 100 * table["accuracy"], "o", color=GREY, markersize=3, zorder=1)
    points = list(zip(table[column], 100 * table["accuracy"], strict=True))
    for profile, point, (x, y) in zip(table["profile"], points, _places(points), strict=True):
        far = max(abs(x), abs(y)) > REACHES[0]
        axis.annotate(
            "".join(map(str, profile)), point, (x, y), textcoords="offset points",
            ha=("center", "left", "right")[_sign(x)], va=("center", "bottom", "top")[_sign(y)],
            arrowprops={"arrowstyle": "-", "color": PALE, "linewidth": 0.5} if far else None,
            fontsize=6.5, color=GREY,
        )  # fmt: skip
    axis.set_xlabel(label)


def _sign(value: float) -> int:
    return int(np.sign(value))


def _places(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Where the label of each point stands beside it, in points: the nearest that covers none."""
    spans = np.ptp(np.asarray(points), axis=0)
    # of points that are all alike the one place is as good as the other
    scale = np.divide(AXIS, spans, out=np.zeros(2), where=spans > 0)
    taken: list[np.ndarray] = []
    chosen = []
    for point in points:
        places = [np.multiply(side, reach) for reach in REACHES for side in SIDES]
        centres = [point * scale + place + np.sign(place) * np.divide(LABEL, 2) for place in places]
        free = [
            index
            for index, centre in enumerate(centres)
            if all((np.abs(centre - other) >= LABEL).any() for other in taken)
        ]
        best = free[0] if free else 0
        taken.append(centres[best])
        chosen.append((float(places[best][0]), float(places[best][1])))
    return chosen

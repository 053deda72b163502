"""The parts of the report, from the files of a run."""

import re
from collections.abc import Iterable, Mapping
from os.path import relpath
from pathlib import Path
from typing import Any

import pandas as pd

from layer_pruning.report.catalog import FIGURES
from layer_pruning.report.findings.robustness import robust_accuracy
from layer_pruning.report.pages.charts import accuracy_chart, robustness_chart
from layer_pruning.report.pages.front_page import PairSection, Picture
from layer_pruning.report.records import Network

ORDER = list(FIGURES)


def pair_sections(
    answers: Mapping[str, Any],
    summary: pd.DataFrame,
    figures: Iterable[str | Path],
    attacks: Iterable[str | Path],
    pages: Iterable[str | Path],
    captions: Mapping[str, Path],
) -> list[PairSection]:
    """One part for each data set and architecture of ``answers.json``.

    ``figures`` are SVG files ``figures/{dataset}/{architecture}/{name}.svg``, ranks one folder
    further down; ``pages`` are those of networks, and ``captions`` the texts below figures by name.
    """
    drawn, attacked, paged = [[Path(file) for file in files] for files in (figures, attacks, pages)]
    parts = []
    for record in answers["families"]:
        here = record["dataset"], record["architecture"]
        chosen = (summary["dataset"] == here[0]) & (summary["architecture"] == here[1])
        charts = {"accuracy": accuracy_chart(summary[chosen])}
        if own := [file for file in attacked if _pair_of(file.parent.parent) == here]:
            charts["robustness"] = robustness_chart(robust_accuracy(own))
        found = [
            _picture(file, charts, captions)
            for file in drawn
            if (file.parents[1].name, file.parent.name) == here
            or (file.parents[2].name, file.parents[1].name) == here
        ]
        parts.append(
            PairSection(
                record,
                sorted(found, key=lambda picture: ORDER.index(picture.name)),
                {
                    page.parent.as_posix().partition(f"{here[0]}/{here[1]}/")[2]: _address(page)
                    for page in paged
                    if _pair_of(page.parent) == here
                },
            )
        )
    return parts


def _pair_of(folder: Path) -> tuple[str, str]:
    network = Network.of(folder)
    return network.dataset, network.architecture


def _address(page: Path) -> str:
    return Path(relpath(page, Network.of(page.parent).results)).as_posix()


def _picture(
    file: Path, charts: Mapping[str, Mapping[str, Any]], captions: Mapping[str, Path]
) -> Picture:
    name = file.stem if file.parent.name != "ranks" else "ranks"
    caption = captions[name].read_text(encoding="utf-8") if name in captions else ""
    title = ""
    if ranks := re.fullmatch(r"(.+)-seed-(\d+)", file.stem) if name == "ranks" else None:
        title = f"Ranks that {ranks[1]} gave, seed {ranks[2]}"
        caption = title + "."
    return Picture(name, file, caption, charts.get(name), title)

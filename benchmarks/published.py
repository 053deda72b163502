"""Published rows, and records of attacks, to which another run adds networks."""

import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from layer_pruning.report.network_tables import in_order, read_csv
from layer_pruning.report.records import BASELINE, KEYS
from layer_pruning.runtime.atomic import written_whole

RUNS = Path("results")
"""Where a run keeps its networks, from the folder that it is in."""


def with_published(rows: pd.DataFrame, table: Path) -> pd.DataFrame:
    """Rows of a run, and those of a published table that are of other networks.

    Networks of one seed stand beside one baseline: raises SystemExit where the run's is another.
    """
    if not table.exists():
        return rows
    before = read_csv(table)
    baselines, known = (
        frame[frame["criterion"] == BASELINE].set_index(KEYS)["accuracy_test"]
        for frame in (rows, before)
    )
    for place in baselines.index.intersection(known.index):
        if baselines[place] != known[place]:
            raise SystemExit(
                f"{table}: the baseline of seed {place[KEYS.index('seed')]} has a test accuracy of "
                f"{known[place]} there, and of {baselines[place]} here: its networks cannot stand "
                "beside those of this run; remove that seed's rows, or collect without --add"
            )
    made = pd.MultiIndex.from_frame(rows[KEYS])
    kept = before[~pd.MultiIndex.from_frame(before[KEYS]).isin(made)]
    # a column that one of them lacks is of a test that its networks did not have
    return in_order(pd.concat([rows, kept], ignore_index=True)) if len(kept) else rows


@contextmanager
def records_with_published(
    attacks: Iterable[Path], archive: Path | None
) -> Iterator[dict[str, Path]]:
    """By its name, each record of attacks of a run, and of an archive those that it lacks."""
    made = {path.relative_to(RUNS).as_posix(): path for path in attacks}
    with tempfile.TemporaryDirectory() as folder:
        kept = []
        if archive is not None and archive.exists():
            with zipfile.ZipFile(archive) as published:
                kept = [name for name in published.namelist() if name not in made]
                published.extractall(folder, kept)
        yield made | {name: Path(folder, name) for name in kept}


def write_records(records: Mapping[str, Path], archive: Path) -> None:
    """Write records into one file, the same every time."""
    with written_whole(archive) as temporary, zipfile.ZipFile(temporary, "w") as published:
        for name, path in sorted(records.items()):
            # the time of the file stays out
            published.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)

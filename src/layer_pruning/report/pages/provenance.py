"""How the results were made: seeds, machines, versions, and the configuration."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from layer_pruning.report.html_page import rendered
from layer_pruning.report.html_table import table
from layer_pruning.report.pages.sources import seeds_text
from layer_pruning.report.records import BASELINE, Network, records_of

NOT_RECORDED = "not recorded"


def provenance_page(
    emissions: Iterable[str | Path],
    latencies: Iterable[str | Path],
    configuration: str,
    here: Mapping[str, Any],
) -> str:
    """A whole HTML page.

    ``emissions`` and ``latencies`` are files ``emissions.json`` and ``latency.json``, which say
    which machine made them; ``here`` is the machine that writes the report, see
    :func:`layer_pruning.runtime.machine.machine`, and ``configuration`` the completed one as YAML.
    """
    records = list(map(Path, emissions))
    jobs = jobs_and_machines(records, latencies)
    return rendered(
        "provenance.html",
        title="How it was made",
        networks=table(networks_made(records)),
        machines=table(machines(jobs)),
        versions=table(version_table(jobs, here)),
        configuration=configuration,
    )


def jobs_and_machines(
    emissions: Iterable[str | Path], latencies: Iterable[str | Path]
) -> pd.DataFrame:
    """One row a job: ``job`` says what it did, ``machine`` is what it recorded of its machine."""
    rows = []
    for network, record, _ in records_of(emissions):
        # older records have no more than the names that CodeCarbon gave them
        older = {"processor": record.get("cpu_model"), "gpu": record.get("gpu_model")}
        job = (
            "training of baselines"
            if network.criterion == BASELINE
            else "training of networks beside them"
        )
        rows.append({"job": job, "machine": record.get("machine") or older})
    for _, record, _ in records_of(latencies):
        older = (
            {"versions": {"torch": record["torch_version"]}} if "torch_version" in record else {}
        )
        rows.append({"job": "time and energy", "machine": record.get("machine") or older})
    return pd.DataFrame(rows, columns=["job", "machine"])


def networks_made(emissions: Iterable[Path]) -> pd.DataFrame:
    """One row for every data set, architecture and criterion: seeds, and the folders of results."""
    found = [Network.of(path.parent) for path in emissions]
    networks = pd.DataFrame([one.names | {"unpruned": one.unpruned} for one in found])
    rows = []
    for names, group in networks.groupby(["dataset", "architecture", "criterion"], sort=True):
        dataset, architecture, criterion = map(str, names)
        seeds = sorted(group["seed"].unique())
        below = BASELINE
        if criterion != BASELINE:
            kind = "beside" if group["unpruned"].all() else "removed"
            below = f"{criterion}/{kind}-{_steps(sorted(group['removed'].unique()))}"
        row: dict[str, Any] = {"dataset": dataset, "architecture": architecture}
        row |= {"criterion": criterion, "seeds": ", ".join(map(str, seeds)), "networks": len(group)}
        run = f"results/{dataset}/{architecture}/{seeds_text(seeds)}"
        rows.append(row | {"folders": f"{run}/{below}"})
    return pd.DataFrame(rows)


def machines(jobs: pd.DataFrame) -> pd.DataFrame:
    """One row for every machine that jobs ran on, as text."""
    named: dict[str, list[str]] = {}
    for _, row in jobs.iterrows():
        hardware = {k: v for k, v in row["machine"].items() if k != "versions"}
        named.setdefault(json.dumps(hardware, sort_keys=True), []).append(row["job"])
    rows = []
    for text, kinds in named.items():
        counts = pd.Series(kinds).value_counts(sort=False)
        done = ", ".join(f"{kind}: {count}" for kind, count in counts.items())
        rows.append({"jobs": done} | _hardware(json.loads(text)))
    return pd.DataFrame(rows)


def version_table(jobs: pd.DataFrame, here: Mapping[str, Any]) -> pd.DataFrame:
    """One row a package: its versions in every kind of job, and where the report was written."""
    kinds = {
        str(kind): [machine.get("versions") or {} for machine in group["machine"]]
        for kind, group in jobs.groupby("job", sort=False)
    }
    kinds["this report"] = [here["versions"]]
    packages = dict.fromkeys(here["versions"])
    packages |= dict.fromkeys(name for found in kinds.values() for one in found for name in one)
    rows = []
    for package in packages:
        row = {"package": package}
        for kind, found in kinds.items():
            versions = dict.fromkeys(one[package] for one in found if package in one)
            row[kind] = ", ".join(versions) or NOT_RECORDED
        rows.append(row)
    return pd.DataFrame(rows)


def _steps(steps: Sequence[int]) -> str:
    """Numbers of removals in folders, as a shell would expand them: 03, {01,02}, {03..12..3}."""
    names = [f"{step:02d}" for step in steps]
    if len(steps) == 1:
        return names[0]
    widths = {after - before for before, after in pairwise(steps)}
    if len(steps) < 4 or len(widths) > 1:
        return f"{{{','.join(names)}}}"
    width = widths.pop()
    return f"{{{names[0]}..{names[-1]}{'' if width == 1 else f'..{width}'}}}"


def _hardware(machine: Mapping[str, Any]) -> dict[str, str]:
    """A machine in words."""
    cores, usable = machine.get("cores"), machine.get("usable_cores")
    memory = machine.get("memory_bytes")
    if cores is None:
        core_text = NOT_RECORDED
    else:
        core_text = str(cores) if usable in (None, cores) else f"{cores}, of which {usable} usable"
    known = "cores" in machine
    return {
        "processor": machine.get("processor") or NOT_RECORDED,
        "cores": core_text,
        "memory": f"{memory / 2**30:.1f} GiB" if memory else NOT_RECORDED,
        "GPU": machine.get("gpu") or ("none used" if known else NOT_RECORDED),
        "system": machine.get("system") or NOT_RECORDED,
    }

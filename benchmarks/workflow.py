"""Where the time of a finished run went: by rule, and the share of start-up.

    snakemake --cores 2 && python benchmarks/workflow.py results .snakemake/log

Every job says in the last line of its log what its start (Python, imports) and its work took, in
seconds of CPU time, and the most memory that it held; Snakemake's own log says how long the whole
run took. Without the second argument, the wall time and the share of all cores are left out.

    python benchmarks/workflow.py results --asked mine.yaml

With the run's configuration, what jobs asked for stands beside what they held and took.
"""

import itertools
import re
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from options import parser_of

from layer_pruning.configuration import complete
from layer_pruning.configuration.reading import check_parses
from layer_pruning.estimate.requirements import Requirements

TIMES = re.compile(r"start-up ([\d.]+) s, work ([\d.]+) s of CPU time; (\d+) MB")
WORK = {
    "train_baseline": "training",
    "finetune": "finetuning",
    "extract_baseline_activations": "activations",
    "extract_activations": "activations",
    "score_metrics": "scoring",
    "agreement": "agreement",
    "evaluate": "evaluation",
    "corrupt": "corruptions",
    "latency_report": "measurement",
    "energy_report": "measurement",
    "export": "export",
}
"""Rules whose jobs ask for what follows from their work, besides attacks."""


class Job(NamedTuple):
    """CPU seconds of a finished job, and the most megabytes that it held."""

    start_up: float
    work: float
    memory: int


def rule_of(log: Path) -> str:
    """The rule of a log: the file's name, or the folder's where a job has a further wildcard."""
    parts = log.parts[log.parts.index("logs") + 1 :]
    return parts[0].removesuffix(".log")


def jobs_by_rule(results: Path) -> dict[str, list[Job]]:
    """Every job, by rule."""
    found = defaultdict(list)
    for log in sorted(results.rglob("logs/**/*.log")):
        for start_up, work, memory in TIMES.findall(log.read_text())[-1:]:
            found[rule_of(log)].append(Job(float(start_up), float(work), int(memory)))
    return found


def print_asked(rules: dict[str, list[Job]], config: dict[str, Any]) -> None:
    """What jobs held and took at most, beside what they asked for; of each pair of a run."""
    needed = Requirements(config)
    attacks = [("attack", f"attack {name}") for name in config["attacks"]]
    print(f"{'rule':30}{'held MB':>9}{'asked MB':>10}{'CPU min':>9}{'asked min':>11}")
    for dataset, architecture in itertools.product(config["datasets"], config["architectures"]):
        for rule, work in (*WORK.items(), *attacks):
            if rule in rules:
                held = max(job.memory for job in rules[rule])
                took = max(job.start_up + job.work for job in rules[rule]) / 60
                here = (work, dataset, architecture)
                memory, minutes = needed.memory_mb(*here), needed.minutes(*here)
                print(f"{rule:30}{held:9}{memory:10}{took:9.1f}{minutes:11}")


def wall_seconds(logs: Path) -> float:
    """Elapsed time of the longest run in a folder of Snakemake's logs."""
    found = [0.0]
    for log in logs.glob("*.log"):
        for hours, minutes, seconds in re.findall(
            r"Elapsed time: (\d+):(\d+):([\d.]+)", log.read_text()
        ):
            found.append(3600 * int(hours) + 60 * int(minutes) + float(seconds))
    return max(found)


def _spent(item: tuple[str, list[Job]]) -> float:
    return -sum(job.start_up + job.work for job in item[1])


def main() -> None:
    """Print the table."""
    parser = parser_of(__doc__)
    parser.add_argument("results", type=Path, help="folder of the results")
    parser.add_argument("logs", type=Path, nargs="?", help="folder of Snakemake's logs")
    parser.add_argument("--cores", type=int, default=2, help="cores of the run (2)")
    parser.add_argument("--asked", type=Path, help="the run's configuration")
    given = parser.parse_args()
    rules = jobs_by_rule(given.results)
    if not rules:
        parser.error(f"no finished job has left a log in {given.results}")
    print(
        f"{'rule':30}{'jobs':>5}{'start-up s':>12}{'work s':>10}{'median job s':>14}{'held MB':>9}"
    )
    total_start, total_work = 0.0, 0.0
    for rule, jobs in sorted(rules.items(), key=_spent):
        start, work = sum(job.start_up for job in jobs), sum(job.work for job in jobs)
        total_start, total_work = total_start + start, total_work + work
        median = statistics.median(job.start_up + job.work for job in jobs)
        held = max(job.memory for job in jobs)
        print(f"{rule:30}{len(jobs):5}{start:12.1f}{work:10.1f}{median:14.2f}{held:9}")
    count = sum(map(len, rules.values()))
    print(f"{'all':30}{count:5}{total_start:12.1f}{total_work:10.1f}")
    share = 100 * total_start / (total_start + total_work)
    print(f"start-up is {share:.1f} % of the time of all jobs")
    if given.asked:
        print()
        print_asked(rules, complete(check_parses(given.asked)))
    if given.logs and (wall := wall_seconds(given.logs)):
        busy = given.cores * wall
        print(f"wall time {wall:.0f} s on {given.cores} cores")
        print(f"everything but work is {100 * (1 - total_work / busy):.1f} % of all core seconds")


if __name__ == "__main__":
    main()

"""Where the time of a finished run went: by rule, and the share of start-up.

    snakemake --cores 2 && python benchmarks/workflow.py results .snakemake/log

Every job says in the last line of its log what its start (Python, imports) and its work took, in
seconds of CPU time; Snakemake's own log says how long the whole run took. Without the second
argument, the wall time and the share of all cores are left out.
"""

import re
import statistics
from collections import defaultdict
from pathlib import Path

from options import parser_of

TIMES = re.compile(r"start-up ([\d.]+) s, work ([\d.]+) s")


def rule_of(log: Path) -> str:
    """The rule of a log: the file's name, or the folder's where a job has a further wildcard."""
    parts = log.parts[log.parts.index("logs") + 1 :]
    return parts[0].removesuffix(".log")


def jobs_by_rule(results: Path) -> dict[str, list[tuple[float, float]]]:
    """Start-up and work in CPU seconds of every job, by rule."""
    found = defaultdict(list)
    for log in sorted(results.rglob("logs/**/*.log")):
        for start_up, work in TIMES.findall(log.read_text())[-1:]:
            found[rule_of(log)].append((float(start_up), float(work)))
    return found


def wall_seconds(logs: Path) -> float:
    """Elapsed time of the longest run in a folder of Snakemake's logs."""
    found = [0.0]
    for log in logs.glob("*.log"):
        for hours, minutes, seconds in re.findall(
            r"Elapsed time: (\d+):(\d+):([\d.]+)", log.read_text()
        ):
            found.append(3600 * int(hours) + 60 * int(minutes) + float(seconds))
    return max(found)


def main() -> None:
    """Print the table."""
    parser = parser_of(__doc__)
    parser.add_argument("results", type=Path, help="folder of the results")
    parser.add_argument("logs", type=Path, nargs="?", help="folder of Snakemake's logs")
    parser.add_argument("--cores", type=int, default=2, help="cores of the run (2)")
    given = parser.parse_args()
    rules = jobs_by_rule(given.results)
    if not rules:
        parser.error(f"no finished job has left a log in {given.results}")
    print(f"{'rule':22}{'jobs':>5}{'start-up s':>12}{'work s':>10}{'median job s':>14}")
    total_start, total_work = 0.0, 0.0
    for rule, jobs in sorted(rules.items(), key=lambda item: -sum(map(sum, item[1]))):
        start, work = (sum(values) for values in zip(*jobs, strict=True))
        total_start, total_work = total_start + start, total_work + work
        median = statistics.median(map(sum, jobs))
        print(f"{rule:22}{len(jobs):5}{start:12.1f}{work:10.1f}{median:14.2f}")
    count = sum(map(len, rules.values()))
    print(f"{'all':22}{count:5}{total_start:12.1f}{total_work:10.1f}")
    share = 100 * total_start / (total_start + total_work)
    print(f"start-up is {share:.1f} % of the time of all jobs")
    if given.logs and (wall := wall_seconds(given.logs)):
        busy = given.cores * wall
        print(f"wall time {wall:.0f} s on {given.cores} cores")
        print(f"everything but work is {100 * (1 - total_work / busy):.1f} % of all core seconds")


if __name__ == "__main__":
    main()

"""What this machine has for jobs, and what is said before and after them. No rules."""

import sys

from snakemake.logging import logger

from layer_pruning.runtime.devices import check_device
from layer_pruning.runtime.gpus import gpu_jobs_at_a_time
from layer_pruning.terminal.run_log import follow
from layer_pruning.terminal.time_left import PlannedJob

# As many GPU jobs at a time as this machine has GPUs for them. Without one they use the CPU,
# unlimited; on a cluster (`--jobs` rather than `--cores`) its scheduler counts.
if workflow.resource_settings.nodes is None and "gpu" not in workflow.global_resources:
    if at_a_time := gpu_jobs_at_a_time(config["device"]):
        if at_a_time < PROCESSES:
            raise WorkflowError(
                f"config: training.processes: {PROCESSES} GPUs are asked for, and this machine has "
                f"{at_a_time}; so many, or 'device: cpu', would be right"
            )
        workflow.register_resource("gpu", at_a_time)


def planned_jobs():
    """What is going to be done, by Snakemake's numbers, for the time left."""
    available = workflow.scheduler.global_resources
    limits = {name: most for name, most in available.items() if 0 < most < sys.maxsize}

    def share(job):
        asked = job.scheduler_resources
        return max([asked.get(name, 0) / most for name, most in limits.items()], default=1)

    def kind(job):
        named = (job.wildcards_dict.get(key) for key in ("dataset", "architecture", "attack"))
        return " ".join([job.rule.name, *filter(None, named)])

    def guess(job):
        # what stays where Snakemake runs, on a cluster too, takes seconds
        name = job.rule.name
        return 3.0 if name in workflow._localrules and not name.startswith("download") else None

    todo = list(workflow.dag.needrun_jobs())
    number = {job: workflow.dag.jobid(job) for job in todo}
    before = {job: workflow.dag.dependencies[job] for job in todo}
    parents = {job: [number[p] for p in before[job] if p in number] for job in todo}
    return {
        number[job]: PlannedJob(job.rule.name, kind(job), share(job), parents[job], guess(job))
        for job in todo
    }


onstart:
    follow(logger, planned_jobs())
    for settings in config["datasets"].values():
        if (said := dataset_info(settings).left_out) is not None:
            print(said, file=sys.stderr)
    # jobs elsewhere may have what this machine lacks, and a dry run needs nothing
    if workflow.local_exec:
        try:
            check_device(config["device"])
        except ValueError as error:
            raise WorkflowError(f"config: {error}")


onerror:
    print("What is finished stays. Run the same command again to go on from there.")


onsuccess:
    if Path("results/answers.txt").exists():
        print(Path("results/answers.txt").read_text(), end="")
    if Path("results/report.html").exists():
        print(f"The report is {Path('results/report.html').resolve()}")

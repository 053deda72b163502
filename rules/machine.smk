"""What this machine has for jobs, and what is said before and after them. No rules."""

from layer_pruning.devices import check_device
from layer_pruning.gpus import gpu_jobs_at_a_time

# As many GPU jobs at a time as this machine has GPUs for them. Without one they use the CPU,
# unlimited; on a cluster (`--jobs` rather than `--cores`) its scheduler counts.
if workflow.resource_settings.nodes is None and "gpu" not in workflow.global_resources:
    if at_a_time := gpu_jobs_at_a_time(config["device"]):
        workflow.register_resource("gpu", at_a_time)


onstart:
    # jobs elsewhere may have what this machine lacks, and a dry run needs nothing
    if workflow.local_exec:
        try:
            check_device(config["device"])
        except ValueError as error:
            raise WorkflowError(f"config: {error}")


onerror:
    print("What is finished stays. Run the same command again to go on from there.")


onsuccess:
    if Path("results/report.html").exists():
        print(f"The report is {Path('results/report.html').resolve()}")

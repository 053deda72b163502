"""Paths, wildcard constraints, and functions of wildcards. No rules.

Which networks there are, and what is done to each, is said by the chain (src/layer_pruning/chain.py).
"""

from functools import partial

from layer_pruning.chain import NETWORK, RUN, removal
from layer_pruning.configuration import (
    continued_criteria,
    corrupted_images,
    corruptions_of,
    epsilons_of,
    files_of_shift,
    final_criteria,
    named,
    named_data,
    named_recipe,
    promised_checksums,
    recipe_of,
    recipe_on,
    shifted_sets,
    scratch_criteria,
    start_files,
    summed_in,
    target,
)
from layer_pruning.data.catalog import DATASETS, dataset_info
from layer_pruning.estimate.requirements import Requirements
from layer_pruning.models import REVISION as MODELS_REVISION
from layer_pruning.runtime.gpus import visible_gpus
from layer_pruning.runtime.named_function import source_files
from layer_pruning.runtime.shards import Shards
from layer_pruning.training import REVISION as TRAINING_REVISION
from layer_pruning.training.scratch import STATE

PRUNED = f"{RUN}/{{criterion}}/removed-{{step}}"
SCRATCH = f"{RUN}/{{scratch}}/removed-{{step}}"
FINAL = f"{RUN}/{{final}}/removed-{{step}}"
CONTINUED = f"{RUN}/{{continued}}/beside-{{step}}"
FIGURES = "results/figures/{dataset}/{architecture}"
MANIFEST = f"{NETWORK}/export/manifest.json"

# Threads of a measuring job: all cores, so that nothing runs beside it. A job of a cluster takes a
# node for itself instead (profiles/slurm), and has the same threads where it is planned and run.
ALONE = (None if workflow.remote_exec else workflow.resource_settings.cores) or config["threads"]

# the processes that train a network together. Under SLURM each is a task with a core for every
# thread; `mpi` has the plugin leave it to the job to start them, and its tasks follow from no GPUs
PROCESSES = config["training"]["processes"]
# how many cards a job of one process holds
GPU = 0 if config["device"] == "cpu" else 1
OF_PROCESSES = (
    {"mpi": "srun", "tasks": PROCESSES, "tasks_per_gpu": 0, "cpus_per_task": config["threads"]}
    if PROCESSES > 1
    else {}
)

# Resources functions: what a kind of work needs follows from data, network and settings. Machines of
# a cluster (`--jobs` rather than `--cores`) are taken to have the GPUs that this one may lack.
ELSEWHERE = workflow.remote_exec or workflow.resource_settings.nodes is not None
NEEDED = Requirements(config, gpu=ELSEWHERE or bool(visible_gpus()))
SHARDED = Shards(NEEDED, lambda path: placed(path))
memory_for, minutes_for, disk_for = NEEDED.memory_for, NEEDED.minutes_for, NEEDED.disk_for

# by whose side networks stand: after the last phase of fine-tuning, from new weights, and the
# unpruned network trained for longer
FINISHED = final_criteria(config)
FROM_SCRATCH = scratch_criteria(config)
TRAINED_ON = continued_criteria(config)
TARGET = target(config)

# What comes first where several jobs could: the networks and their accuracy, then its figure. What
# looks at finished networks (attacks, energy, exports) has Snakemake's 0.
AT_ONCE, SOON = 20, 10

# a constraint that no name fulfils
NOTHING = "(?!)"


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    architecture="|".join(config["architectures"]),
    seed=r"\d+",
    criterion="|".join(CHAIN.pruning),
    listed="|".join(name for name in CHAIN.pruning if name not in CHAIN.ranked) or NOTHING,
    final="|".join(FINISHED) or NOTHING,
    scratch="|".join(FROM_SCRATCH) or NOTHING,
    continued="|".join(TRAINED_ON) or NOTHING,
    step=r"\d{2}",
    network=rf"baseline|({'|'.join([*CHAIN.pruning, *CHAIN.origins])})/(removed|beside)-\d{{2}}",
    attack="|".join(config["attacks"]) or NOTHING,
    kind="|".join(DATASETS),
    repository=r"[^/]+/[^/]+",
    file=r"[^/]+",
    shard=r"\d\d\d+-of-\d\d\d+",


def parent_file(name):
    """An input function: a file of the network that a pruned one is made from."""

    def path(wildcards):
        parent = CHAIN.parent(wildcards.criterion, int(wildcards.step))
        return f"{RUN}/{parent}/{name}".format(**wildcards)

    return path


def decision(fewer=0):
    """An input function: the table that says which blocks go, of so many removals or of fewer."""

    def path(wildcards):
        table = CHAIN.decision(wildcards.criterion, int(wildcards.step) - fewer)
        return f"{RUN}/{table}".format(**wildcards)

    return path


def beside(wildcard, sources, file):
    """An input function: a file of the pruned network that the one in the path stands beside."""

    def path(wildcards):
        source = removal(sources[wildcards[wildcard]], int(wildcards.step))
        return f"{RUN.format(**wildcards)}/{source}/{file}"

    return path


def seed_of(wildcards):
    return int(wildcards.seed)


def setting(section, wildcard):
    """A function of a key to a params function: a setting of what the path names."""
    return lambda key: lambda wildcards: config[section][wildcards[wildcard]][key]


of_criterion = setting("criteria", "criterion")
of_dataset = setting("datasets", "dataset")
of_attack = setting("attacks", "attack")


def savings_of_criterion(wildcards):
    """An input function: what was counted and measured, where a criterion lets savings vote."""
    files = CHAIN.votes_of_savings(wildcards.criterion)
    folder = NETWORK.format(**wildcards)
    return {"savings": [f"{folder}/savings/{file}.json" for file in files]} if files else {}


def info_of_dataset(wildcards):
    """What is known of the data set in the path before it is read."""
    return dataset_info(config["datasets"][wildcards.dataset])


def of_recipe(phase, **instead):
    """Params: the settings of a training phase for the network in the path, less those given.

    What they leave open follows from the data; ``instead`` are functions of wildcards.
    """

    def settings(names):
        return recipe_on(config, phase, names.dataset, names.architecture)

    def param(key):
        return instead.get(key) or (lambda names: settings(names)[key])

    def revisions(names):
        own = settings(names) | {key: value(names) for key, value in instead.items()}
        told = named_recipe(config, phase, names.dataset, names.architecture, own)
        return (MODELS_REVISION, TRAINING_REVISION, *told)

    first = (next(iter(config[of])) for of in ("datasets", "architectures"))
    keys = {**recipe_on(config, phase, *first), **instead}
    return {key: param(key) for key in keys} | summed_in(config) | {"revisions": revisions}


def teacher_of(phase):
    """An input function: the network to distil from, where a phase asks for one."""

    def path(wildcards):
        distils = recipe_of(config, phase, wildcards.architecture)["distillation_weight"] > 0
        return f"{RUN}/baseline/network.safetensors".format(**wildcards) if distils else []

    return path


def placed(path):
    """A path as a param: where the files of this workflow lie, which a module may be told.

    Not by a function of outputs, whose value Snakemake would not compare with the one before.
    """
    return str(workflow.modifier.modify_path(path))


def downloads(wildcards):
    """An input function: the files that the data set in the path consists of, if any."""
    kind = config["datasets"][wildcards.dataset]["kind"]
    return [f"downloads/{kind}/{file}" for file in info_of_dataset(wildcards).files]


def start_of_baseline(wildcards):
    """An input function: the files of the user's or the hub's that a baseline starts from.

    They stay where they are when this workflow is a module whose results go elsewhere.
    """
    return [local(file) for file in start_files(config, wildcards.architecture)]


def own_metrics(wildcards):
    """An input function: the modules in the working folder that define metrics of a criterion."""
    metrics = config["criteria"][wildcards.criterion]["metrics"]
    return [local(file) for metric in metrics if ":" in metric for file in source_files(metric)]


def of_pair(paths_of):
    """An input function: what the chain names for the data set and architecture in the path."""
    return lambda wildcards: paths_of(wildcards.dataset, wildcards.architecture)


def of_one(pattern, networks=None, **wildcards_too):
    """An input function: a pattern for networks of one data set and architecture, and every seed."""
    return of_pair(lambda *here: CHAIN.here(pattern, *here, networks, **wildcards_too))


def of_one_criterion(pattern, networks):
    """An input function: a pattern for networks of one criterion and seed."""

    def paths(wildcards):
        named = partial(networks, wildcards.criterion)
        return of_one(pattern, named, seed=wildcards.seed, criterion=wildcards.criterion)(wildcards)

    return paths


def below_run(paths_of):
    """An input function: what the chain names for the network in the path, below its run."""

    def paths(wildcards):
        run, found = RUN.format(**wildcards), paths_of(wildcards.network)
        if isinstance(found, dict):
            return {name: [f"{run}/{path}" for path in own] for name, own in found.items()}
        return [f"{run}/{path}" for path in found]

    return paths

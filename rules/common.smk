"""Paths, wildcard constraints, and functions of wildcards. No rules.

Which networks there are, and what is done to each, is said by the chain (src/layer_pruning/chain.py).
"""

from functools import partial

from layer_pruning.attacks.catalog import shard_ranges
from layer_pruning.chain import BASELINE, NETWORK, RUN, removal
from layer_pruning.checksums import text_checksum
from layer_pruning.configuration import (
    continued_criteria,
    corrupted_images,
    corruptions_of,
    files_of_shift,
    final_criteria,
    promised_checksums,
    published_setting,
    recipe_of,
    scratch_criteria,
    start_files,
    target,
)
from layer_pruning.data.catalog import DATASETS, dataset_info, shifted_name
from layer_pruning.installation import workflow_folder
from layer_pruning.models.hub_files import hub_path
from layer_pruning.named_function import source_files
from layer_pruning.requirements import Requirements
from layer_pruning.training.catalog import as_params
from layer_pruning.training.scratch import STATE

PRUNED = f"{RUN}/{{criterion}}/removed-{{step}}"
SCRATCH = f"{RUN}/{{scratch}}/removed-{{step}}"
FINAL = f"{RUN}/{{final}}/removed-{{step}}"
CONTINUED = f"{RUN}/{{continued}}/beside-{{step}}"
FIGURES = "results/figures/{dataset}/{architecture}"
RANKS = f"{FIGURES}/ranks/{{criterion}}-seed-{{seed}}"
MANIFEST = f"{NETWORK}/export/manifest.json"

# Threads of a measuring job: all cores, so that nothing runs beside it. A job of a cluster takes a
# node for itself instead (profiles/slurm), and has the same threads where it is planned and run.
ALONE = (None if workflow.remote_exec else workflow.resource_settings.cores) or config["threads"]

# the parts in which images are attacked, each by a job of its own where there are several
SHARDS = shard_ranges(config["attacked_images"]["count"], config["attacked_images"]["shard_size"])
ATTACK_JOB = "{attack}" if len(SHARDS) == 1 else "{attack}/shard-{shard}"

# the processes that train a network together. Under SLURM each is a task with a core for every
# thread; `mpi` has the plugin leave it to the job to start them, and its tasks follow from no GPUs
PROCESSES = config["training"]["processes"]
OF_PROCESSES = (
    {"mpi": "srun", "tasks": PROCESSES, "tasks_per_gpu": 0, "cpus_per_task": config["threads"]}
    if PROCESSES > 1
    else {}
)

# what jobs need follows from data, network and settings
REQUIREMENTS = Requirements(config)

# by whose side networks stand: after the last phase of fine-tuning, from new weights, and the
# unpruned network trained for longer
FINISHED = final_criteria(config)
FROM_SCRATCH = scratch_criteria(config)
TRAINED_ON = continued_criteria(config)
# what the networks that count are fine-tuned by at last
LONGEST_TUNING = "final" if CHAIN.last_phase else "finetuning"
TARGET = target(config)

# What others published, drawn beside results about the same networks. No input: it lies with the
# workflow, and there may be several copies of that.
PUBLISHED = text_checksum([(workflow_folder() / "config/published/points.csv").read_text()])

# What comes first where several jobs could: the networks and their accuracy, then its figure. What
# looks at finished networks (attacks, energy, exports) has Snakemake's 0.
AT_ONCE, SOON = 20, 10


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    architecture="|".join(config["architectures"]),
    seed=r"\d+",
    criterion="|".join(CHAIN.pruning),
    listed="|".join(name for name in CHAIN.pruning if name not in CHAIN.ranked) or "none",
    final="|".join(FINISHED) or "none",
    scratch="|".join(FROM_SCRATCH) or "none",
    continued="|".join(TRAINED_ON) or "none",
    step=r"\d{2}",
    network=rf"baseline|({'|'.join([*CHAIN.pruning, *CHAIN.origins])})/(removed|beside)-\d{{2}}",
    attack="|".join(config["attacks"]) or "none",
    kind="|".join(DATASETS),
    repository=r"[^/]+/[^/]+",
    file=r"[^/]+",
    shard=r"\d{3}",


def parent_file(name):
    """An input function: a file of the network that a pruned one is made from."""

    def path(wildcards):
        parent = CHAIN.parent(wildcards.criterion, int(wildcards.step))
        return f"{RUN}/{parent}/{name}".format(**wildcards)

    return path


def beside(wildcard, sources, file):
    """An input function: a file of the pruned network that the one in the path stands beside."""

    def path(wildcards):
        source = removal(sources[wildcards[wildcard]], int(wildcards.step))
        return f"{RUN.format(**wildcards)}/{source}/{file}"

    return path


def tuning_epochs(wildcards):
    """A params function: epochs of all fine-tunings up to a step, the last phase included."""
    return CHAIN.tuning_epochs(wildcards.architecture, int(wildcards.step))


def epochs_of_scratch(wildcards):
    """A params function: as many epochs as the baseline and all fine-tunings on the way took."""
    return CHAIN.epochs_in("training", wildcards.architecture) + tuning_epochs(wildcards)


def memory_for(work):
    """A resources function: megabytes for one kind of work on the network in the path.

    A retry asks for more, of time too.
    """

    def megabytes(wildcards, attempt):
        return REQUIREMENTS.memory_mb(work, wildcards.dataset, wildcards.architecture, attempt)

    return megabytes


def minutes_for(work, epochs=None):
    """The same: minutes; with a function of wildcards for a training of other ``epochs``."""

    def minutes(wildcards, attempt):
        those = {"epochs": epochs(wildcards)} if epochs else {}
        return REQUIREMENTS.minutes(
            work, wildcards.dataset, wildcards.architecture, attempt, **those
        )

    return minutes


def disk_for(work):
    """The same: megabytes that are written."""
    return lambda wildcards: REQUIREMENTS.disk_mb(work, wildcards.dataset, wildcards.architecture)


def seed_of(wildcards):
    return int(wildcards.seed)


def of_criterion(key):
    """A params function: one setting of the criterion in the path."""
    return lambda wildcards: config["criteria"][wildcards.criterion][key]


def savings_of_criterion(wildcards):
    """An input function: what was counted and measured, where a criterion lets savings vote."""
    files = CHAIN.votes_of_savings(wildcards.criterion)
    folder = NETWORK.format(**wildcards)
    return {"savings": [f"{folder}/savings/{file}.json" for file in files]} if files else {}


def of_dataset(key):
    """A params function: one setting of the data set in the path."""
    return lambda wildcards: config["datasets"][wildcards.dataset][key]


def info_of_dataset(wildcards):
    """What is known of the data set in the path before it is read."""
    return dataset_info(config["datasets"][wildcards.dataset])


def of_recipe(phase):
    """Params: the settings of a training phase for the network in the path.

    What they leave open follows from the data.
    """

    def param(key):
        return lambda wildcards: recipe_params(phase, wildcards)[key]

    first = recipe_of(config, phase, next(iter(config["architectures"])))
    return {key: param(key) for key in as_params(first)} | of_threads() | of_processes()


def of_threads():
    """Params: how many threads add up sums, whose last digits depend on it.

    One is left out, so that what was trained before this was a param stays; so are all on a GPU,
    where the processor adds nothing up.
    """
    counts = config["threads"] > 1 and not config["device"].startswith("cuda")
    # as a text: Snakemake compares the values of params, not their names, and 2 may be there already
    return {"threads": f"{config['threads']} threads"} if counts else {}


def of_processes():
    """Params: how many processes share a batch, in whose sums the last digits depend on it.

    One is left out, as one thread is.
    """
    norms = "batch" if config["training"]["sync_batch_norm"] else "process"
    shared = {"processes": f"{PROCESSES} processes, norms by {norms}"}
    return shared if PROCESSES > 1 else {}


def recipe_params(phase, wildcards):
    """The params of a training phase for the network in the path."""
    recipe, info = recipe_of(config, phase, wildcards.architecture), info_of_dataset(wildcards)
    if recipe["shift_pixels"] is None:
        recipe["shift_pixels"] = info.usual_shift_pixels
    if recipe["flip"] is None:
        recipe["flip"] = info.mirrored
    return as_params(recipe)


def placed(path):
    """A path as a param: where the files of this workflow lie, which a module may be told.

    Not by a function of outputs, whose value Snakemake would not compare with the one before.
    """
    return str(workflow.modifier.modify_path(path))


def teacher_of(phase):
    """An input function: the network to distil from, where a phase asks for one."""

    def path(wildcards):
        distils = recipe_of(config, phase, wildcards.architecture)["distillation_weight"] > 0
        return f"{RUN}/baseline/network.safetensors".format(**wildcards) if distils else []

    return path


def downloads(wildcards):
    """An input function: the files that the data set in the path consists of, if any."""
    kind = config["datasets"][wildcards.dataset]["kind"]
    return [f"downloads/{kind}/{file}" for file in info_of_dataset(wildcards).files]


def of_architecture(wildcards):
    """A params function: the options of the architecture in the path, defaults left out."""
    return config["architectures"][wildcards.architecture]


def start_of_baseline(wildcards):
    """An input function: the files of the user's or the hub's that a baseline starts from.

    They stay where they are when this workflow is a module whose results go elsewhere.
    """
    return [local(file) for file in start_files(config, wildcards.architecture)]


def promised_checksum(wildcards):
    """A params function: the SHA-256 that the user gave for a file of the hub, if any."""
    path = hub_path(wildcards.repository, wildcards.file)
    return promised_checksums(config).get(path)


def own_metrics(wildcards):
    """An input function: the modules in the working folder that define metrics of a criterion."""
    metrics = config["criteria"][wildcards.criterion]["metrics"]
    return [local(file) for metric in metrics if ":" in metric for file in source_files(metric)]


def of_attack(key):
    """A params function: one setting of the attack in the path."""
    return lambda wildcards: config["attacks"][wildcards.attack][key]


def epsilons_of_attack(wildcards):
    """A params function: the epsilons of the attack in the path, or those usual for the data."""
    given = config["attacks"][wildcards.attack]["epsilons"]
    return list(given or info_of_dataset(wildcards).epsilons)


def shard_of_attack(wildcards):
    """A params function: the first place and the end of the images that a job attacks."""
    places = SHARDS[int(wildcards.get("shard", 0))]
    return (places.start, places.stop)


def shifted_of_dataset(wildcards):
    """A params function: newly collected test sets of the data set in the path, by name."""
    paths = config["datasets"][wildcards.dataset]["shifted"]
    return {shifted_name(path): path for path in paths}


def published_setting_of_one(wildcards):
    """A params function: the names under which others publish results about these networks."""
    return published_setting(config, wildcards.dataset, wildcards.architecture)


def of_one(pattern, networks=None, **wildcards_too):
    """An input function: a pattern for networks of one data set and architecture, and every seed."""

    def paths(wildcards):
        here = wildcards.dataset, wildcards.architecture
        return CHAIN.here(pattern, *here, networks, **wildcards_too)

    return paths


def corruptions_of_one(wildcards):
    """An input function: results on shifted images, where a data set has any."""
    paths = of_one(f"{NETWORK}/corruptions.json", CHAIN.attacked)
    return paths(wildcards) if wildcards.dataset in CHAIN.shifted else []


def agreements(wildcards):
    """An input function: how the metrics of each voting criterion agreed."""
    return [
        path
        for criterion in CHAIN.votes
        for path in of_one(
            f"{NETWORK}/ranking/{criterion}.json", partial(CHAIN.ranked_by, criterion)
        )(wildcards)
    ]


def of_one_criterion(pattern, networks):
    """An input function: a pattern for networks of one criterion and seed."""

    def paths(wildcards):
        named = partial(networks, wildcards.criterion)
        return of_one(pattern, named, seed=wildcards.seed, criterion=wildcards.criterion)(wildcards)

    return paths


def trainings(wildcards):
    """An input function: the emission records of what made a network."""
    start, way = CHAIN.trained_by(wildcards.network)
    run = RUN.format(**wildcards)
    return {
        "training": f"{run}/{start}/emissions.json",
        "finetuning": [f"{run}/{network}/emissions.json" for network in way],
    }


def scoring_usages(wildcards):
    """An input function: what the jobs used that scored the blocks on the way to a network."""
    path, (_, criterion) = CHAIN.path_to(wildcards.network), CHAIN.way_of(wildcards.network)
    if not path or criterion not in CHAIN.ranked:
        return []
    of_savings = {"latency": "measure_latency", "energy": "measure_block_energy"}
    jobs = ["extract_activations", f"score_metrics/{criterion}"]
    jobs += [of_savings[file] for file in CHAIN.votes_of_savings(criterion)]
    run, scored = RUN.format(**wildcards), [BASELINE, *path[:-1]]
    return [f"{run}/{network}/usage/{job}.json" for network in scored for job in jobs]


def attack_usages(wildcards):
    """An input function: what the attacks on a network and on its baseline used."""
    return expand(
        f"{RUN.format(**wildcards)}/{{network}}/usage/attack/{ATTACK_JOB}.json",
        network=[BASELINE, wildcards.network],
        attack=config["attacks"],
        shard=[f"{shard:03d}" for shard in range(len(SHARDS))],
    )

"""Paths, wildcard constraints and input functions. No rules.

A network is a path: `baseline`, or `{criterion}/removed-{step}`, below its data set, architecture
and seed. All work on a network is a rule written once for that path.
"""

import os

from layer_pruning.attacks.catalog import shard_ranges
from layer_pruning.configuration import (
    blocks_per_step,
    continued_criteria,
    corrupted_images,
    corruptions_of,
    files_of_shift,
    final_criteria,
    origins,
    pruning_criteria,
    published_setting,
    scratch_criteria,
    target,
)
from layer_pruning.data.catalog import DATASETS, dataset_info, shifted_name
from layer_pruning.named_function import source_files
from layer_pruning.scoring.catalog import CONTROLS
from layer_pruning.steps import parent_step, steps_through, steps_to

RUN = "results/{dataset}/{architecture}/seed-{seed}"
NETWORK = "results/{dataset}/{architecture}/seed-{seed}/{network}"
PRUNED = "results/{dataset}/{architecture}/seed-{seed}/{criterion}/removed-{step}"
SCRATCH = "results/{dataset}/{architecture}/seed-{seed}/{scratch}/removed-{step}"
FINAL = "results/{dataset}/{architecture}/seed-{seed}/{final}/removed-{step}"
CONTINUED = "results/{dataset}/{architecture}/seed-{seed}/{continued}/beside-{step}"
FIGURES = "results/figures/{dataset}/{architecture}"

# Threads of a measuring job: all cores, so that nothing runs beside it. A job of a cluster takes a
# node for itself instead (profiles/slurm), and has the same threads where it is planned and run.
ALONE = (None if workflow.remote_exec else workflow.resource_settings.cores) or config["threads"]

# the parts in which images are attacked, each by a job of its own where there are several
SHARDS = shard_ranges(config["attacked_images"]["count"], config["attacked_images"]["shard_size"])
ATTACK_JOB = "{attack}" if len(SHARDS) == 1 else "{attack}/shard-{shard}"

# criteria that rank and remove blocks; by whose side others stand: after the last phase of
# fine-tuning, from new weights, and the unpruned network trained for longer
PRUNING = pruning_criteria(config)
FINISHED = final_criteria(config)
FROM_SCRATCH = scratch_criteria(config)
TRAINED_ON = continued_criteria(config)
ORIGINS = origins(config)
BLOCKS_PER_STEP = blocks_per_step(config)
# fine-tuning after removals, and the last phase for the networks that count, if there is one
TUNING = {key: value for key, value in config["finetuning"].items() if key != "final"}
LAST_PHASE = TUNING | config["finetuning"]["final"] if config["finetuning"]["final"] else None
# the criteria that measure something to rank blocks; the others list them
RANKED = [name for name in PRUNING if "blocks" not in PRUNING[name]]
# the criteria whose rankings have something to show: several metrics that vote
VOTES = [name for name, criterion in PRUNING.items() if len(criterion["metrics"]) > 1]
TARGET = target(config)

# the data sets on which a cue was planted, so that shortcut learning can be tested
CUED = [name for name, settings in config["datasets"].items() if settings["cue"] is not None]

# What comes first where several jobs could: the networks and their accuracy, then its figure. What
# looks at finished networks (attacks, energy, exports) has Snakemake's 0.
AT_ONCE, SOON = 20, 10


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    architecture="|".join(config["architectures"]),
    seed=r"\d+",
    criterion="|".join(PRUNING),
    listed="|".join(name for name in PRUNING if name not in RANKED) or "none",
    final="|".join(FINISHED) or "none",
    scratch="|".join(FROM_SCRATCH) or "none",
    continued="|".join(TRAINED_ON) or "none",
    step=r"\d{2}",
    network=rf"baseline|({'|'.join([*PRUNING, *ORIGINS])})/(removed|beside)-\d{{2}}",
    attack="|".join(config["attacks"]) or "none",
    kind="|".join(DATASETS),
    file=r"[^/]+",
    shard=r"\d{3}",


def removal(criterion, step):
    """The network of a criterion after so many removals."""
    return f"{criterion}/removed-{step:02d}"


def parent_file(name):
    """An input function: a file of the network that a pruned one is made from, one step earlier.

    This is the whole loop: the parent of `removed-05` is `removed-04`, that of `removed-01` the
    baseline; with three blocks a step, the parents of `removed-06` and `removed-03`.
    """

    def path(wildcards):
        step = parent_step(int(wildcards.step), BLOCKS_PER_STEP)
        parent = removal(wildcards.criterion, step) if step else "baseline"
        run = RUN.format(**wildcards)
        return f"{run}/{parent}/{name.format(**wildcards)}"

    return path


def beside(wildcard, sources, file):
    """An input function: a file of the pruned network that the one in the path stands beside."""

    def path(wildcards):
        source = removal(sources[wildcards[wildcard]], int(wildcards.step))
        return f"{RUN.format(**wildcards)}/{source}/{file}"

    return path


def tuning_epochs(wildcards):
    """A params function: epochs of all fine-tunings up to a step, the last phase included."""
    rounds, final = len(steps_to(int(wildcards.step), BLOCKS_PER_STEP)), LAST_PHASE or {}
    return rounds * config["finetuning"]["epochs"] + final.get("epochs", 0)


def epochs_of_scratch(wildcards):
    """A params function: as many epochs as the baseline and all fine-tunings on the way took."""
    return config["training"]["epochs"] + tuning_epochs(wildcards)


def seed_of(wildcards):
    return int(wildcards.seed)


def of_criterion(key):
    """A params function: one setting of the criterion in the path."""
    return lambda wildcards: config["criteria"][wildcards.criterion][key]


def voting_savings(criterion):
    """The files of savings, `latency` and `energy`, that a criterion lets vote."""
    votes = {m for m in config["criteria"][criterion]["metrics"] if "saves_" in m}
    return sorted({"energy" if vote == "saves_energy" else "latency" for vote in votes})


def savings_of_criterion(wildcards):
    """An input function: what was counted and measured, where a criterion lets savings vote."""
    files = voting_savings(wildcards.criterion)
    folder = NETWORK.format(**wildcards)
    return {"savings": [f"{folder}/savings/{file}.json" for file in files]} if files else {}


def of_dataset(key):
    """A params function: one setting of the data set in the path."""
    return lambda wildcards: config["datasets"][wildcards.dataset][key]


def info_of_dataset(wildcards):
    """What is known of the data set in the path before it is read."""
    return dataset_info(config["datasets"][wildcards.dataset])


def of_recipe(recipe):
    """Params: the settings of a training phase; what they leave open follows from the data."""

    def shift_pixels(wildcards):
        given = recipe["shift_pixels"]
        return info_of_dataset(wildcards).usual_shift_pixels if given is None else given

    def flip(wildcards):
        given = recipe["flip"]
        return info_of_dataset(wildcards).mirrored if given is None else given

    return {**recipe, "shift_pixels": shift_pixels, "flip": flip} | of_threads()


def of_threads():
    """Params: how many threads add up sums, whose last digits depend on it.

    One is left out, so that what was trained before this was a param stays; so are all on a GPU,
    where the processor adds nothing up.
    """
    counts = config["threads"] > 1 and not config["device"].startswith("cuda")
    return {"threads": config["threads"]} if counts else {}


def teacher_of(recipe):
    """An input function: the network to distil from, where a recipe asks for one."""

    def path(wildcards):
        distils = recipe["distillation_weight"] > 0
        return f"{RUN}/baseline/network.safetensors".format(**wildcards) if distils else []

    return path


def downloads(wildcards):
    """An input function: the files that the data set in the path consists of, if any."""
    kind = config["datasets"][wildcards.dataset]["kind"]
    return [f"downloads/{kind}/{file}" for file in info_of_dataset(wildcards).files]


def of_architecture(wildcards):
    """A params function: the options of the architecture in the path, defaults left out."""
    return config["architectures"][wildcards.architecture]


def start_files(wildcards):
    """An input function: the files of the user's that a baseline starts from, if any.

    They are its weights, and the module that builds it where that lies in the working folder.
    """
    options = config["architectures"][wildcards.architecture]
    weights = options.get("weights") or "torchvision"
    files = [] if weights == "torchvision" else [weights]
    return files + (source_files(options["build"]) if options.get("build") else [])


def own_metrics(wildcards):
    """An input function: the modules in the working folder that define metrics of a criterion."""
    metrics = config["criteria"][wildcards.criterion]["metrics"]
    return [file for metric in metrics if ":" in metric for file in source_files(metric)]


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


def is_shifted(dataset):
    """Whether networks are tested on corrupted or newly collected images of a data set."""
    return bool(corruptions_of(config, dataset) or config["datasets"][dataset]["shifted"])


def counted_steps(criterion, dataset, architecture):
    """After how many removals the networks of a criterion count, ascending.

    Only here do `removals` and `report_at` say what is to be done.
    """
    listed = PRUNING[criterion].get("blocks")
    return [len(listed)] if listed else COUNTED[dataset, architecture]


def path_steps(criterion, dataset, architecture):
    """After how many removals a criterion has networks, ascending."""
    points = list(counted_steps(criterion, dataset, architecture))
    if criterion in RANKED and config["schedule"] == "one_by_one":
        points.append(REMOVALS[dataset, architecture])
    return steps_through(points, BLOCKS_PER_STEP)


def pruned_networks(criterion, dataset, architecture):
    """Every network on the path of a criterion, from the first removal to the last."""
    return [removal(criterion, step) for step in path_steps(criterion, dataset, architecture)]


def counted_networks(criterion, dataset, architecture):
    """The networks of a criterion that count, those made by whatever way stands for it."""
    way, source = ORIGINS.get(criterion, ("pruned", criterion))
    steps = counted_steps(source, dataset, architecture)
    if way == "continued":
        return [f"{criterion}/beside-{steps[-1]:02d}"]
    path = [removal(criterion, step) for step in steps]
    return path[-1:] if way == "scratch" else path


def comparisons(dataset, architecture):
    """The networks that stand beside those on the paths."""
    return [n for c in ORIGINS for n in counted_networks(c, dataset, architecture)]


def all_networks(dataset, architecture):
    """Every network of a data set, architecture and seed."""
    here = dataset, architecture
    path = [n for c in PRUNING for n in pruned_networks(c, *here)]
    return ["baseline", *path, *comparisons(*here)]


def examined_networks(dataset, architecture):
    """The pruned networks that are attacked, and compared with their baseline in much else."""
    here = dataset, architecture
    if config["evaluation"]["networks"] == "all":
        return all_networks(*here)[1:]
    path = [] if LAST_PHASE else [n for c in PRUNING for n in counted_networks(c, *here)]
    return path + comparisons(*here)


def measured_networks(dataset, architecture):
    """Those of them whose energy and latency are measured: all or none."""
    return examined_networks(dataset, architecture) if config["evaluation"]["cost"] else []


def exported_networks(dataset, architecture):
    """The networks that are exported: `last`, `all` or none of them.

    What controls alone have pruned is for comparison, so `last` leaves it out.
    """
    which = config["export"]["networks"]
    if which == "all":
        return all_networks(dataset, architecture)
    criteria = [c for c in PRUNING if set(config["criteria"][c]["metrics"]) - set(CONTROLS)]
    if LAST_PHASE:
        criteria = [name for name, source in FINISHED.items() if source in criteria]
    last = [counted_networks(c, dataset, architecture)[-1] for c in criteria]
    return last if which == "last" else []


def attacked_networks(dataset, architecture):
    """The networks that are attacked."""
    return ["baseline", *examined_networks(dataset, architecture)]


def ranked_networks(criterion, dataset, architecture):
    """The networks whose blocks a criterion ranks: the parents of its pruned networks."""
    steps = path_steps(criterion, dataset, architecture)
    parents = sorted({parent_step(step, BLOCKS_PER_STEP) for step in steps} - {0})
    return ["baseline", *(removal(criterion, step) for step in parents)]


def everywhere(pattern, networks=None, **wildcards):
    """A pattern for every data set, architecture and seed.

    `networks` is a function that names the networks of a data set and architecture.
    """
    return [
        path
        for dataset in config["datasets"]
        for architecture in config["architectures"]
        for path in expand(
            pattern,
            dataset=dataset,
            architecture=architecture,
            seed=config["seeds"],
            network=networks(dataset, architecture) if networks else [],
            **wildcards,
        )
    ]


def published_points(wildcards):
    """An input function: what others published, drawn beside results about the same networks."""
    # relative: in another clone it is the same input
    return os.path.relpath(Path(workflow.basedir, "config", "published", "points.csv"))


def published_setting_of_one(wildcards):
    """A params function: the names under which others publish results about these networks."""
    return published_setting(config, wildcards.dataset, wildcards.architecture)


def counted_of_one(wildcards):
    """Accuracy and size of every network of one data set and architecture."""
    here = wildcards.dataset, wildcards.architecture
    return {
        kind: expand(
            f"{NETWORK}/{kind}.json", seed=config["seeds"], network=all_networks(*here), **wildcards
        )
        for kind in ("accuracy", "complexity", "emissions")
    }


def attacks_of_one(wildcards):
    """Attack results of every attacked network of one data set and architecture."""
    return expand(
        f"{NETWORK}/attacks/{{attack}}.json",
        dataset=wildcards.dataset,
        architecture=wildcards.architecture,
        seed=config["seeds"],
        network=attacked_networks(wildcards.dataset, wildcards.architecture),
        attack=config["attacks"],
    )


def all_attacks():
    """Attack results of every attacked network."""
    return everywhere(
        f"{NETWORK}/attacks/{{attack}}.json",
        attacked_networks,
        attack=config["attacks"],
    )


def shortcuts_of_one(wildcards):
    """The shortcut tests of the networks that are attacked, for one data set and architecture."""
    return expand(
        f"{NETWORK}/shortcut.json",
        dataset=wildcards.dataset,
        architecture=wildcards.architecture,
        seed=config["seeds"],
        network=attacked_networks(wildcards.dataset, wildcards.architecture),
    )


def all_shortcuts():
    """The shortcut tests of the data sets that have a cue."""
    paths = everywhere(f"{NETWORK}/shortcut.json", attacked_networks)
    return [path for path in paths if path.split("/")[1] in CUED]


def corruptions_of_one(wildcards):
    """Results on shifted test images, of every attacked network of a data set and architecture."""
    if not is_shifted(wildcards.dataset):
        return []
    return expand(
        f"{NETWORK}/corruptions.json",
        dataset=wildcards.dataset,
        architecture=wildcards.architecture,
        seed=config["seeds"],
        network=attacked_networks(wildcards.dataset, wildcards.architecture),
    )


def calibrations_of_one(wildcards):
    """Calibration of the baseline and of the most pruned networks that are attacked."""
    return expand(
        f"{NETWORK}/calibration.json",
        dataset=wildcards.dataset,
        architecture=wildcards.architecture,
        seed=config["seeds"],
        network=attacked_networks(wildcards.dataset, wildcards.architecture),
    )


def all_corruptions():
    """Results on shifted test images, of every attacked network."""
    paths = everywhere(f"{NETWORK}/corruptions.json", attacked_networks)
    return [path for path in paths if is_shifted(path.split("/")[1])]


def agreements(wildcards):
    """How the metrics of each voting criterion agreed, for one data set and architecture."""
    return [
        path
        for criterion in VOTES
        for path in expand(
            f"{NETWORK}/ranking/{criterion}.json",
            dataset=wildcards.dataset,
            architecture=wildcards.architecture,
            seed=config["seeds"],
            network=ranked_networks(criterion, wildcards.dataset, wildcards.architecture),
        )
    ]


def rankings_of_one(wildcards):
    """The rankings of one criterion, from the baseline to its last decision."""
    return expand(
        f"{NETWORK}/ranking/{{criterion}}.csv",
        network=ranked_networks(wildcards.criterion, wildcards.dataset, wildcards.architecture),
        **wildcards,
    )


def outcomes_of_one(wildcards):
    """What each ranking of one criterion removed: the complexity of the networks after it."""
    return expand(
        f"{NETWORK}/complexity.json",
        network=pruned_networks(wildcards.criterion, wildcards.dataset, wildcards.architecture),
        **wildcards,
    )


def trainings(wildcards):
    """An input function: the emission records of what made a network.

    `training` is that of the weights that it started from, and `finetuning` those on the way from
    there: none where the network was itself trained from new weights.
    """
    run, (way, _) = RUN.format(**wildcards), way_of(wildcards)
    own = [] if way in ("baseline", "pruned") else [wildcards.network]
    if way == "scratch":
        return {"training": f"{run}/{own[0]}/emissions.json", "finetuning": []}
    return {
        "training": f"{run}/baseline/emissions.json",
        "finetuning": [f"{run}/{n}/emissions.json" for n in [*path_to(wildcards), *own]],
    }


def way_of(wildcards):
    """How the network in the path was made, and the criterion that chose its blocks, if any did."""
    criterion = wildcards.network.rpartition("/")[0]
    return ORIGINS.get(criterion, ("pruned" if criterion else "baseline", criterion))


def path_to(wildcards):
    """The fine-tuned networks on the path to the network in the path, or to where it started.

    There are none for the baseline, nor for what was trained from it or from new weights.
    """
    way, criterion = way_of(wildcards)
    if way not in ("pruned", "final"):
        return []
    last = int(wildcards.network[-2:])
    return [removal(criterion, step) for step in steps_to(last, BLOCKS_PER_STEP)]


def scoring_usages(wildcards):
    """What the jobs used that scored the blocks on the way to a pruned network."""
    path, (_, criterion) = path_to(wildcards), way_of(wildcards)
    if not path or criterion not in RANKED:
        return []
    of_savings = {"latency": "measure_latency", "energy": "measure_block_energy"}
    jobs = ["extract_activations", f"score_metrics/{criterion}"]
    jobs += [of_savings[file] for file in voting_savings(criterion)]
    run = RUN.format(**wildcards)
    return [
        f"{run}/{network}/usage/{job}.json" for network in ["baseline", *path[:-1]] for job in jobs
    ]


def attack_usages(wildcards):
    """What the attacks on a network and on its baseline used."""
    return [
        f"{RUN}/{attacked}/usage/attack/{ATTACK_JOB}.json".format(
            attack=attack, shard=f"{shard:03d}", **wildcards
        )
        for attacked in ("baseline", wildcards.network)
        for attack in config["attacks"]
        for shard in range(len(SHARDS))
    ]


def of_measured(name):
    """An input function: a file of every measured network of one data set and architecture."""

    def paths(wildcards):
        return expand(
            f"{NETWORK}/{name}",
            dataset=wildcards.dataset,
            architecture=wildcards.architecture,
            seed=config["seeds"],
            network=measured_networks(wildcards.dataset, wildcards.architecture),
        )

    return paths


def block_latencies_for_target():
    """The times of the blocks of every baseline, where the target is a latency."""
    wanted = "latency_reduction" in TARGET
    return everywhere(f"{RUN}/baseline/savings/latency.json") if wanted else []

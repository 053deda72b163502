"""Paths, wildcard constraints and input functions. No rules.

A network is a path: `baseline`, or `{criterion}/removed-{step}`, below its data set, architecture
and seed. All work on a network is a rule written once for that path.
"""

from layer_pruning.attacks.catalog import shard_ranges
from layer_pruning.configuration import (
    corrupted_images,
    corruptions_of,
    files_of_shift,
    pruning_criteria,
    published_setting,
    scratch_criteria,
    target,
)
from layer_pruning.data.catalog import DATASETS, dataset_info, shifted_name
from layer_pruning.named_function import source_files
from layer_pruning.scoring.catalog import CONTROLS
from layer_pruning.steps import parent_step, steps_to

RUN = "results/{dataset}/{architecture}/seed-{seed}"
NETWORK = "results/{dataset}/{architecture}/seed-{seed}/{network}"
PRUNED = "results/{dataset}/{architecture}/seed-{seed}/{criterion}/removed-{step}"
SCRATCH = "results/{dataset}/{architecture}/seed-{seed}/{scratch}/removed-{step}"
FIGURES = "results/figures/{dataset}/{architecture}"

# Threads of a measuring job: all cores, so that nothing runs beside it. A job of a cluster takes a
# node for itself instead (profiles/slurm), and has the same threads where it is planned and run.
ALONE = (None if workflow.remote_exec else workflow.resource_settings.cores) or config["threads"]

# the parts in which images are attacked, each by a job of its own where there are several
SHARDS = shard_ranges(config["attacked_images"]["count"], config["attacked_images"]["shard_size"])
ATTACK_JOB = "{attack}" if len(SHARDS) == 1 else "{attack}/shard-{shard}"

# criteria that rank and remove blocks, and those that train what one of them left from new weights
PRUNING = pruning_criteria(config)
FROM_SCRATCH = scratch_criteria(config)
# the criteria whose rankings have something to show: several metrics that vote
VOTES = [name for name, criterion in PRUNING.items() if len(criterion["metrics"]) > 1]
TARGET = target(config)

# the data sets on which a cue was planted, so that shortcut learning can be tested
CUED = [name for name, settings in config["datasets"].items() if settings["cue"] is not None]


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    architecture="|".join(config["architectures"]),
    seed=r"\d+",
    criterion="|".join(PRUNING),
    scratch="|".join(FROM_SCRATCH) or "none",
    step=r"\d{2}",
    network=rf"baseline|({'|'.join(config['criteria'])})/removed-\d{{2}}",
    attack="|".join(config["attacks"]) or "none",
    kind="|".join(DATASETS),
    file=r"[^/]+",
    shard=r"\d{3}",


def removal(criterion, step):
    """The network of a criterion after so many removals."""
    return f"{criterion}/removed-{step:02d}"


def steps(removals):
    """After how many removals a path has networks, up to so many."""
    return steps_to(removals, config["blocks_per_step"])


def parent_file(name):
    """An input function: a file of the network that a pruned one is made from, one step earlier.

    This is the whole loop: the parent of `removed-05` is `removed-04`, that of `removed-01` the
    baseline; with three blocks a step, the parents of `removed-06` and `removed-03`.
    """

    def path(wildcards):
        step = parent_step(int(wildcards.step), config["blocks_per_step"])
        parent = removal(wildcards.criterion, step) if step else "baseline"
        run = RUN.format(**wildcards)
        return f"{run}/{parent}/{name.format(**wildcards)}"

    return path


def model_of_scratch(wildcards):
    """An input function: the pruned network whose architecture is trained from new weights."""
    source = removal(FROM_SCRATCH[wildcards.scratch], int(wildcards.step))
    return f"{RUN.format(**wildcards)}/{source}/pruned.safetensors"


def epochs_of_scratch(wildcards):
    """A params function: as many epochs as the baseline and all fine-tunings on the way took."""
    rounds = len(steps(int(wildcards.step)))
    return config["training"]["epochs"] + rounds * config["finetuning"]["epochs"]


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


def of_recipe(phase):
    """Params: the settings of a training phase; what they leave open follows from the data."""

    def shift_pixels(wildcards):
        given = config[phase]["shift_pixels"]
        return info_of_dataset(wildcards).usual_shift_pixels if given is None else given

    def flip(wildcards):
        given = config[phase]["flip"]
        return info_of_dataset(wildcards).mirrored if given is None else given

    return {**config[phase], "shift_pixels": shift_pixels, "flip": flip}


def teacher(wildcards):
    """An input function: the network to distil from, where fine-tuning is to."""
    distils = config["finetuning"]["distillation_weight"] > 0
    return f"{RUN}/baseline/network.safetensors".format(**wildcards) if distils else []


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


def pruned_networks(criterion, dataset, architecture):
    """Every network of a criterion, from the first removal to the last.

    Only here does the number of removals say what is to be done.
    """
    path = [removal(criterion, step) for step in steps(REMOVALS[dataset, architecture])]
    return path[-1:] if criterion in FROM_SCRATCH else path


def all_networks(dataset, architecture):
    """Every network of a data set, architecture and seed."""
    here = dataset, architecture
    return ["baseline"] + [n for c in config["criteria"] for n in pruned_networks(c, *here)]


def examined_networks(dataset, architecture):
    """The pruned networks that are attacked and whose energy is measured beside the baseline's."""
    first, here = 0 if config["evaluation"]["networks"] == "all" else -1, (dataset, architecture)
    return [n for c in config["criteria"] for n in pruned_networks(c, *here)[first:]]


def exported_networks(dataset, architecture):
    """The networks that are exported: `last`, `all` or none of them.

    What controls alone have pruned is for comparison, so `last` leaves it out.
    """
    which = config["export"]["networks"]
    if which == "all":
        return all_networks(dataset, architecture)
    criteria = [c for c in PRUNING if set(config["criteria"][c]["metrics"]) - set(CONTROLS)]
    last = [pruned_networks(c, dataset, architecture)[-1] for c in criteria]
    return last if which == "last" else []


def attacked_networks(dataset, architecture):
    """The networks that are attacked."""
    return ["baseline", *examined_networks(dataset, architecture)]


def ranked_networks(criterion, dataset, architecture):
    """The networks whose blocks a criterion ranks: the parents of its pruned networks."""
    return ["baseline", *pruned_networks(criterion, dataset, architecture)[:-1]]


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
    return str(Path(workflow.basedir, "config", "published", "points.csv"))


def published_setting_of_one(wildcards):
    """A params function: the names under which others publish results about these networks."""
    return published_setting(config, wildcards.dataset, wildcards.architecture)


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
    run, way = RUN.format(**wildcards), way_to(wildcards)
    start = "baseline" if way else wildcards.network
    return {
        "training": f"{run}/{start}/emissions.json",
        "finetuning": [f"{run}/{network}/emissions.json" for network in way],
    }


def way_to(wildcards):
    """The fine-tuned networks from the baseline to the network in the path, this one included.

    There are none for the baseline and for a network that was trained from new weights.
    """
    criterion, _, last = wildcards.network.rpartition("/")
    if criterion not in PRUNING:
        return []
    return [removal(criterion, step) for step in steps(int(last.removeprefix("removed-")))]


def scoring_usages(wildcards):
    """What the jobs used that scored the blocks on the way to a pruned network."""
    way, criterion = way_to(wildcards), wildcards.network.split("/")[0]
    if not way:
        return []
    of_savings = {"latency": "measure_latency", "energy": "measure_block_energy"}
    jobs = ["extract_activations", f"score_metrics/{criterion}"]
    jobs += [of_savings[file] for file in voting_savings(criterion)]
    run = RUN.format(**wildcards)
    return [
        f"{run}/{network}/usage/{job}.json" for network in ["baseline", *way[:-1]] for job in jobs
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


def of_examined(name):
    """An input function: a file of every examined network of one data set and architecture."""

    def paths(wildcards):
        return expand(
            f"{NETWORK}/{name}",
            dataset=wildcards.dataset,
            architecture=wildcards.architecture,
            seed=config["seeds"],
            network=examined_networks(wildcards.dataset, wildcards.architecture),
        )

    return paths


def block_latencies_for_target():
    """The times of the blocks of every baseline, where the target is a latency."""
    wanted = "latency_reduction" in TARGET
    return everywhere(f"{RUN}/baseline/savings/latency.json") if wanted else []

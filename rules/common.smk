"""Paths, wildcard constraints and input functions. No rules.

A network is a path: `baseline`, or `{criterion}/removed-{step}`, below its data set, architecture
and seed. All work on a network is a rule written once for that path.
"""

from layer_pruning.attacks.catalog import shard_ranges
from layer_pruning.configuration import corrupted_images, corruptions_of, files_of_shift
from layer_pruning.data.catalog import DATASETS, dataset_info, shifted_name
from layer_pruning.named_function import source_files
from layer_pruning.scoring.catalog import CONTROLS

RUN = "results/{dataset}/{architecture}/seed-{seed}"
NETWORK = "results/{dataset}/{architecture}/seed-{seed}/{network}"
PRUNED = "results/{dataset}/{architecture}/seed-{seed}/{criterion}/removed-{step}"
FIGURES = "results/figures/{dataset}/{architecture}"

# Threads of a measuring job: all cores, so that nothing runs beside it. A job of a cluster takes a
# node for itself instead (profiles/slurm), and has the same threads where it is planned and run.
ALONE = (None if workflow.remote_exec else workflow.resource_settings.cores) or config["threads"]

# the parts in which images are attacked, each by a job of its own where there are several
SHARDS = shard_ranges(config["attacked_images"]["count"], config["attacked_images"]["shard_size"])
ATTACK_JOB = "{attack}" if len(SHARDS) == 1 else "{attack}/shard-{shard}"

# the criteria whose rankings have something to show: several metrics that vote
VOTES = [name for name, criterion in config["criteria"].items() if len(criterion["metrics"]) > 1]

# the data sets on which a cue was planted, so that shortcut learning can be tested
CUED = [name for name, settings in config["datasets"].items() if settings["cue"] is not None]


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    architecture="|".join(config["architectures"]),
    seed=r"\d+",
    criterion="|".join(config["criteria"]),
    step=r"\d{2}",
    network=rf"baseline|({'|'.join(config['criteria'])})/removed-\d{{2}}",
    attack="|".join(config["attacks"]) or "none",
    kind="|".join(DATASETS),
    file=r"[^/]+",
    shard=r"\d{3}",


def removal(criterion, step):
    """The network of a criterion after so many removals."""
    return f"{criterion}/removed-{step:02d}"


def parent_file(name):
    """An input function: a file of the network that a pruned one is made from, one removal earlier.

    This is the whole loop: the parent of `removed-05` is `removed-04`, that of `removed-01` the
    baseline.
    """

    def path(wildcards):
        step = int(wildcards.step) - 1
        parent = removal(wildcards.criterion, step) if step else "baseline"
        run = RUN.format(**wildcards)
        return f"{run}/{parent}/{name.format(**wildcards)}"

    return path


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


def pruned_networks(criterion):
    """Every network of a criterion, from the first removal to the last.

    Only here does the number of removals say what is to be done.
    """
    return [removal(criterion, step) for step in range(1, config["removals"] + 1)]


def all_networks():
    """Every network of a data set, architecture and seed."""
    return ["baseline"] + [n for c in config["criteria"] for n in pruned_networks(c)]


def examined_networks():
    """The pruned networks that are attacked and whose energy is measured beside the baseline's."""
    first = 0 if config["evaluation"]["networks"] == "all" else -1
    return [n for c in config["criteria"] for n in pruned_networks(c)[first:]]


def exported_networks():
    """The networks that are exported: `last`, `all` or none of them.

    What controls alone have pruned is for comparison, so `last` leaves it out.
    """
    which = config["export"]["networks"]
    if which == "all":
        return all_networks()
    criteria = [
        c for c in config["criteria"] if set(config["criteria"][c]["metrics"]) - set(CONTROLS)
    ]
    return [pruned_networks(c)[-1] for c in criteria] if which == "last" else []


def ranked_networks(criterion):
    """The networks whose blocks a criterion ranks: the parents of its pruned networks."""
    return ["baseline", *pruned_networks(criterion)[:-1]]


def everywhere(pattern, **wildcards):
    """A pattern for every data set, architecture and seed."""
    return expand(
        pattern,
        dataset=config["datasets"],
        architecture=config["architectures"],
        seed=config["seeds"],
        **wildcards,
    )


def attacks_of_one(wildcards):
    """Attack results of every attacked network of one data set and architecture."""
    return expand(
        f"{NETWORK}/attacks/{{attack}}.json",
        dataset=wildcards.dataset,
        architecture=wildcards.architecture,
        seed=config["seeds"],
        network=["baseline", *examined_networks()],
        attack=config["attacks"],
    )


def all_attacks():
    """Attack results of every attacked network."""
    return everywhere(
        f"{NETWORK}/attacks/{{attack}}.json",
        network=["baseline", *examined_networks()],
        attack=config["attacks"],
    )


def shortcuts(dataset, architecture):
    """The shortcut tests of some data sets and architectures, of the networks that are attacked."""
    return expand(
        f"{NETWORK}/shortcut.json",
        dataset=dataset,
        architecture=architecture,
        seed=config["seeds"],
        network=["baseline", *examined_networks()],
    )


def corruptions_of_one(wildcards):
    """Results on shifted test images, of every attacked network of a data set and architecture."""
    if not is_shifted(wildcards.dataset):
        return []
    return expand(
        f"{NETWORK}/corruptions.json",
        dataset=wildcards.dataset,
        architecture=wildcards.architecture,
        seed=config["seeds"],
        network=["baseline", *examined_networks()],
    )


def calibrations_of_one(wildcards):
    """Calibration of the baseline and of the most pruned networks that are attacked."""
    return expand(
        f"{NETWORK}/calibration.json",
        dataset=wildcards.dataset,
        architecture=wildcards.architecture,
        seed=config["seeds"],
        network=["baseline", *examined_networks()],
    )


def all_corruptions():
    """Results on shifted test images, of every attacked network."""
    paths = everywhere(f"{NETWORK}/corruptions.json", network=["baseline", *examined_networks()])
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
            network=ranked_networks(criterion),
        )
    ]


def rankings_of_one(wildcards):
    """The rankings of one criterion, from the baseline to its last decision."""
    return expand(
        f"{NETWORK}/ranking/{{criterion}}.csv",
        network=ranked_networks(wildcards.criterion),
        **wildcards,
    )


def finetunings(wildcards):
    """The emission records on the way from the baseline to a pruned network."""
    return expand(
        f"{RUN}/{{criterion}}/removed-{{steps:02d}}/emissions.json",
        steps=range(1, int(wildcards.step) + 1),
        **wildcards,
    )


def scoring_usages(wildcards):
    """What the jobs used that scored the blocks on the way to a pruned network."""
    of_savings = {"latency": "measure_latency", "energy": "measure_block_energy"}
    jobs = ["extract_activations", "score_metrics/{criterion}"]
    jobs += [of_savings[file] for file in voting_savings(wildcards.criterion)]
    steps = range(1, int(wildcards.step))
    parents = ["baseline", *(removal(wildcards.criterion, step) for step in steps)]
    return [
        f"{RUN}/{network}/usage/{job}.json".format(**wildcards)
        for network in parents
        for job in jobs
    ]


def attack_usages(wildcards):
    """What the attacks on a pruned network and on its baseline used."""
    network = removal(wildcards.criterion, int(wildcards.step))
    return [
        f"{RUN}/{attacked}/usage/attack/{ATTACK_JOB}.json".format(
            attack=attack, shard=f"{shard:03d}", **wildcards
        )
        for attacked in ("baseline", network)
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
            network=examined_networks(),
        )

    return paths

"""Paths, wildcard constraints and input functions. No rules.

A network is a path: `baseline`, or `{criterion}/removed-{step}`, below its data set, architecture
and seed. All work on a network is a rule written once for that path.
"""

RUN = "results/{dataset}/{architecture}/seed-{seed}"
NETWORK = RUN + "/{network}"
PRUNED = RUN + "/{criterion}/removed-{step}"


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    architecture="|".join(config["architectures"]),
    seed=r"\d+",
    criterion="|".join(config["criteria"]),
    step=r"\d{2}",
    network=rf"baseline|({'|'.join(config['criteria'])})/removed-\d{{2}}",
    attack="|".join(config["attacks"]) or "none",


def removal(criterion, step):
    """The network of a criterion after so many removals."""
    return f"{criterion}/removed-{step:02d}"


def parent_network(wildcards):
    """The folder of the network that a pruned one is made from: one removal earlier."""
    step = int(wildcards.step) - 1
    parent = removal(wildcards.criterion, step) if step else "baseline"
    return f"results/{wildcards.dataset}/{wildcards.architecture}/seed-{wildcards.seed}/{parent}"


def parent_file(name):
    """An input function: a file of the parent network, its name a pattern of wildcards."""
    return lambda wildcards: f"{parent_network(wildcards)}/{name.format(**wildcards)}"


def seed_of(wildcards):
    return int(wildcards.seed)


def of_criterion(key):
    """A params function: one setting of the criterion in the path."""
    return lambda wildcards: config["criteria"][wildcards.criterion][key]


def of_architecture(wildcards):
    """A params function: the options of the architecture in the path, defaults left out."""
    return config["architectures"][wildcards.architecture]


def of_attack(key):
    """A params function: one setting of the attack in the path."""
    return lambda wildcards: config["attacks"][wildcards.attack][key]


def network_folders(networks):
    """Folders of these networks for every data set, architecture and seed."""
    return expand(
        NETWORK,
        dataset=config["datasets"],
        architecture=config["architectures"],
        seed=config["seeds"],
        network=networks,
    )


def pruned_networks(criterion):
    """Every network of a criterion, from the first removal to the last."""
    return [removal(criterion, step) for step in range(1, config["removals"] + 1)]


def all_networks():
    """Every network. Only here does the number of removals say what is to be done."""
    return ["baseline"] + [n for c in config["criteria"] for n in pruned_networks(c)]


def examined_networks():
    """The pruned networks that are attacked and whose energy is measured beside the baseline's."""
    every = config["evaluation"]["networks"] == "all"
    return [
        network
        for criterion in config["criteria"]
        for network in pruned_networks(criterion)[0 if every else -1 :]
    ]


def finetunings(wildcards):
    """The emission records on the way from the baseline to a pruned network."""
    return expand(
        RUN + "/{network}/emissions.json",
        network=pruned_networks(wildcards.criterion)[: int(wildcards.step)],
        **{name: wildcards[name] for name in ("dataset", "architecture", "seed")},
    )

"""The chain: which networks a configuration asks for, and what is done to each. No Snakemake.

A network is a path: `baseline`, or `{criterion}/removed-{step}`, below its data set, architecture
and seed. All work on a network is a rule written once for that path; which networks there are is
said here, for the rules, the report and the command line.
"""

import itertools
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from layer_pruning.configuration import (
    MOST_REMOVALS,
    Config,
    blocks_per_step,
    corruptions_of,
    final_criteria,
    origins,
    pruning_criteria,
    recipe_of,
    searched_criteria,
    target,
)
from layer_pruning.plan.steps import parent_step, steps_through, steps_to
from layer_pruning.plan.targets import counted_of, counted_profiles_of, removals_of
from layer_pruning.scoring.catalog import CONTROLS, SEARCHING_METRICS
from layer_pruning.searching.catalog import BEAM, PROFILES

RUN = "results/{dataset}/{architecture}/seed-{seed}"
NETWORK = f"{RUN}/{{network}}"
BASELINE = "baseline"

Networks = Callable[[str, str], list[str]]
"""Names the networks of a data set and architecture."""


def removal(criterion: str, step: int) -> str:
    """The network of a criterion after so many removals."""
    return f"{criterion}/removed-{step:02d}"


def written_out(pattern: str | Iterable[str], **values: Any) -> list[str]:
    """A pattern, or several, for every combination of ``values``, of which each may be a list."""
    if not isinstance(pattern, str):
        return [path for one in pattern for path in written_out(one, **values)]
    names = [name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None]
    lists = {
        name: [values[name]] if isinstance(values[name], str | int) else list(values[name])
        for name in dict.fromkeys(values)
        if name in names
    }
    return [
        pattern.format(**dict(zip(lists, chosen, strict=True)))
        for chosen in itertools.product(*lists.values())
    ]


@dataclass(frozen=True)
class Chain:
    """The networks of a completed configuration.

    ``removals`` is how far the path of a data set and architecture goes, ``counted`` after how many
    removals its networks count, and ``counted_profiles`` the same of a search over profiles; see
    :mod:`layer_pruning.plan.targets`.
    """

    config: Config
    removals: Mapping[tuple[str, str], int]
    counted: Mapping[tuple[str, str], list[int]]
    counted_profiles: Mapping[tuple[str, str], list[int]]

    @classmethod
    def of(cls, config: Config) -> "Chain":
        """Raises ConfigError where what is asked for cannot be reached."""
        return cls(config, removals_of(config), counted_of(config), counted_profiles_of(config))

    @cached_property
    def pruning(self) -> Config:
        """The criteria that choose blocks and remove them."""
        return pruning_criteria(self.config)

    @cached_property
    def origins(self) -> dict[str, tuple[str, str]]:
        """How the networks of all other criteria are made, and beside which criterion."""
        return origins(self.config)

    @cached_property
    def step(self) -> int:
        """How many blocks go at a time."""
        return blocks_per_step(self.config)

    @cached_property
    def searched(self) -> dict[str, str]:
        """The criteria that compare whole sets of blocks, and how they search."""
        return searched_criteria(self.config)

    def searched_by(self, search: str) -> list[str]:
        """The criteria that search in one way."""
        return [name for name, how in self.searched.items() if how == search]

    def step_of(self, criterion: str) -> int:
        """How many blocks go at a time: whatever is found by a search goes from the baseline."""
        return MOST_REMOVALS if criterion in self.searched else self.step

    @cached_property
    def ranked(self) -> list[str]:
        """The criteria that measure something to rank blocks; the others list them."""
        return [name for name, criterion in self.pruning.items() if "blocks" not in criterion]

    @cached_property
    def votes(self) -> list[str]:
        """The criteria whose rankings have something to show: those of several metrics."""
        return [
            name
            for name, criterion in self.pruning.items()
            if len(criterion["metrics"]) > 1 and name not in self.searched
        ]

    @cached_property
    def controls(self) -> list[str]:
        """The criteria that only compare."""
        return [name for name, c in self.pruning.items() if set(c["metrics"]) <= set(CONTROLS)]

    @cached_property
    def cued(self) -> list[str]:
        """The data sets on which a cue was planted, so that shortcut learning can be tested."""
        return [name for name, one in self.config["datasets"].items() if one["cue"] is not None]

    @cached_property
    def shifted(self) -> list[str]:
        """The data sets with corrupted or newly collected test images."""
        sets = self.config["datasets"]
        return [name for name in sets if corruptions_of(self.config, name) or sets[name]["shifted"]]

    @cached_property
    def searching(self) -> list[str]:
        """The metrics in use whose distance depends on where their search starts."""
        used = {metric for criterion in self.pruning.values() for metric in criterion["metrics"]}
        return sorted(used & set(SEARCHING_METRICS))

    @cached_property
    def last_phase(self) -> bool:
        """Whether there is a last phase of fine-tuning, for the networks that count."""
        return self.config["finetuning"]["final"] is not None

    def parent(self, criterion: str, step: int) -> str:
        """The network that the one of a criterion after ``step`` removals is made from.

        This is the whole loop: the parent of `removed-05` is `removed-04`, that of `removed-01` the
        baseline; with three blocks a step, the parents of `removed-06` and `removed-03`. What a
        search found is made from the baseline.
        """
        before = parent_step(step, self.step_of(criterion))
        return removal(criterion, before) if before else BASELINE

    def decision(self, criterion: str, step: int) -> str:
        """The table, below a run, that says which blocks go: of blocks, or of sets of them.

        Sets of one block are the blocks that the baseline's ranking has, with which a beam begins.
        """
        search = self.searched.get(criterion)
        if search == PROFILES or (search == BEAM and step > 1):
            return f"{BASELINE}/search/{criterion}/removed-{step:02d}.csv"
        return f"{self.parent(criterion, step)}/ranking/{criterion}.csv"

    def finetuning_epochs(self, criterion: str, architecture: str, step: int) -> int:
        """Epochs of one fine-tuning; all of a path at once, where a search leaves out the path."""
        epochs = self.epochs_in("finetuning", architecture)
        rounds = len(steps_to(step, self.step)) if criterion in self.searched else 1
        return rounds * epochs

    def tuning_epochs(self, architecture: str, step: int) -> int:
        """Epochs of all fine-tunings up to a step, the last phase included."""
        rounds = len(steps_to(step, self.step))
        last = self.epochs_in("final", architecture) if self.last_phase else 0
        return rounds * self.epochs_in("finetuning", architecture) + last

    def scratch_epochs(self, architecture: str, step: int) -> int:
        """As many epochs as the baseline and all fine-tunings on the way took."""
        return self.epochs_in("training", architecture) + self.tuning_epochs(architecture, step)

    def comparison_epochs(self, way: str, architecture: str, step: int) -> int:
        """Epochs of a network that stands beside the one of a path, by the way it is made."""
        if way == "final":
            return self.epochs_in("final", architecture)
        if way == "continued":
            return self.tuning_epochs(architecture, step)
        return self.scratch_epochs(architecture, step)

    def trained_beside(self, dataset: str, architecture: str) -> dict[str, tuple[str, int]]:
        """By network beside those on the paths, how it is made and for how many epochs."""
        found = {}
        for network in self.comparisons(dataset, architecture):
            way, _ = self.way_of(network)
            found[network] = way, self.comparison_epochs(way, architecture, int(network[-2:]))
        return found

    def epochs_in(self, phase: str, architecture: str) -> int:
        """For how many epochs a network is trained in a phase."""
        return int(recipe_of(self.config, phase, architecture)["epochs"])

    def _counted_steps(self, criterion: str, dataset: str, architecture: str) -> list[int]:
        """After how many removals the networks of a criterion count, ascending.

        Only here do `removals` and `report_at` say what is to be done.
        """
        listed = self.pruning[criterion].get("blocks")
        if listed:
            return [len(listed)]
        of_profiles = self.searched.get(criterion) == PROFILES
        return (self.counted_profiles if of_profiles else self.counted)[dataset, architecture]

    def path_steps(self, criterion: str, dataset: str, architecture: str) -> list[int]:
        """After how many removals there is a network of a criterion, ascending."""
        points = list(self._counted_steps(criterion, dataset, architecture))
        on_path = criterion in self.ranked and criterion not in self.searched
        if on_path and self.config["schedule"] == "one_by_one":
            points.append(self.removals[dataset, architecture])
        return steps_through(points, self.step_of(criterion))

    def pruned(self, criterion: str, dataset: str, architecture: str) -> list[str]:
        """Every network on the path of a criterion, from the first removal to the last."""
        steps = self.path_steps(criterion, dataset, architecture)
        return [removal(criterion, step) for step in steps]

    def that_count(self, criterion: str, dataset: str, architecture: str) -> list[str]:
        """The networks of a criterion that count, those made by whatever way stands for it."""
        way, source = self.origins.get(criterion, ("pruned", criterion))
        steps = self._counted_steps(source, dataset, architecture)
        if way == "continued":
            return [f"{criterion}/beside-{steps[-1]:02d}"]
        path = [removal(criterion, step) for step in steps]
        return path[-1:] if way == "scratch" else path

    def counting(self, dataset: str, architecture: str) -> list[str]:
        """All networks that count, whatever was made of them."""
        here = dataset, architecture
        path = [network for one in self.pruning for network in self.that_count(one, *here)]
        return path + self.comparisons(*here)

    def comparisons(self, dataset: str, architecture: str) -> list[str]:
        """The networks that stand beside those on the paths."""
        here = dataset, architecture
        return [network for one in self.origins for network in self.that_count(one, *here)]

    def all(self, dataset: str, architecture: str) -> list[str]:
        """Every network of a data set, architecture and seed."""
        here = dataset, architecture
        path = [network for one in self.pruning for network in self.pruned(one, *here)]
        return [BASELINE, *path, *self.comparisons(*here)]

    def examined(self, dataset: str, architecture: str) -> list[str]:
        """The pruned networks that are attacked, and compared with their baseline in much else."""
        here = dataset, architecture
        if self.config["evaluation"]["networks"] == "all":
            return list(filter(self.is_chosen, self.all(*here)[1:]))
        criteria = [] if self.last_phase else self.pruning
        path = [network for one in criteria for network in self.that_count(one, *here)]
        return list(filter(self.is_chosen, path + self.comparisons(*here)))

    def is_chosen(self, network: str) -> bool:
        """Whether a pruned network is of a criterion that is to be examined."""
        chosen = self.config["evaluation"]["criteria"]
        way, criterion = self.way_of(network)
        name = criterion if way == "final" else network.rpartition("/")[0]
        return chosen is None or name in chosen

    def agreements(self, dataset: str, architecture: str) -> list[str]:
        """How the metrics of each voting criterion agreed, on every network that it ranked."""
        here = dataset, architecture
        return [
            path
            for criterion in self.votes
            for network in self.ranked_by(criterion, *here)
            for path in self.here(f"{RUN}/{network}/ranking/{criterion}.json", *here)
        ]

    def seen_on_shifts(self, dataset: str, architecture: str) -> list[str]:
        """The networks that are tested on corrupted or newly collected images."""
        return self.attacked(dataset, architecture) if dataset in self.shifted else []

    def measured(self, dataset: str, architecture: str) -> list[str]:
        """Those of them whose energy and latency are measured: all or none."""
        wanted = self.config["evaluation"]["cost"]
        return self.examined(dataset, architecture) if wanted else []

    def attacked(self, dataset: str, architecture: str) -> list[str]:
        """The networks that are attacked."""
        return [BASELINE, *self.examined(dataset, architecture)]

    def exported(self, dataset: str, architecture: str) -> list[str]:
        """The networks that are exported: `last`, `all` or none of them.

        What controls alone have pruned is for comparison, so `last` leaves it out.
        """
        which = self.config["export"]["networks"]
        if which == "all":
            return self.all(dataset, architecture)
        criteria = [name for name in self.pruning if name not in self.controls]
        if self.last_phase:
            finished = final_criteria(self.config)
            criteria = [name for name, source in finished.items() if source in criteria]
        last = [self.that_count(one, dataset, architecture)[-1] for one in criteria]
        return last if which == "last" else []

    def ranked_by(self, criterion: str, dataset: str, architecture: str) -> list[str]:
        """The networks whose blocks a criterion ranks: the parents of its pruned networks."""
        steps = self.path_steps(criterion, dataset, architecture)
        parents = sorted({parent_step(step, self.step_of(criterion)) for step in steps} - {0})
        return [BASELINE, *(removal(criterion, step) for step in parents)]

    def way_of(self, network: str) -> tuple[str, str]:
        """How a network was made, and the criterion that chose its blocks, if any did.

        The ways are ``baseline``, ``pruned``, and those of ``origins``.
        """
        criterion = network.rpartition("/")[0]
        return self.origins.get(criterion, ("pruned" if criterion else BASELINE, criterion))

    def removed_from(self, network: str) -> int:
        """How many blocks a network lacks: none where it is the baseline, trained on or not."""
        whole = self.way_of(network)[0] in (BASELINE, "continued")
        return 0 if whole else int(network[-2:])

    def path_to(self, network: str) -> list[str]:
        """The fine-tuned networks on the path to a network, or to where it started.

        There are none for the baseline, nor for what was trained from it or from new weights.
        """
        way, criterion = self.way_of(network)
        if way not in ("pruned", "final"):
            return []
        steps = steps_to(int(network[-2:]), self.step_of(criterion))
        return [removal(criterion, step) for step in steps]

    def trained_by(self, network: str) -> tuple[str, list[str]]:
        """The network whose training made the weights that this one started from, and the rest.

        The rest are those fine-tuned on the way from there: none where it was itself trained from
        new weights.
        """
        way, _ = self.way_of(network)
        if way == "scratch":
            return network, []
        own = [] if way in (BASELINE, "pruned") else [network]
        return BASELINE, [*self.path_to(network), *own]

    def training_records(self, network: str) -> dict[str, list[str]]:
        """The emission records of what made a network, below its run."""
        start, way = self.trained_by(network)
        return {
            "training": [f"{start}/emissions.json"],
            "finetuning": [f"{own}/emissions.json" for own in way],
        }

    def scoring_usages(self, network: str) -> list[str]:
        """What the jobs used that scored the blocks on the way to a network, below its run."""
        path, (_, criterion) = self.path_to(network), self.way_of(network)
        if not path or criterion not in self.ranked:
            return []
        of_savings = {"latency": "measure_latency", "energy": "measure_block_energy"}
        jobs = ["extract_activations", f"score_metrics/{criterion}"]
        jobs += [of_savings[file] for file in self.votes_of_savings(criterion)]
        scored = [BASELINE, *path[:-1]]
        usages = [f"{own}/usage/{job}.json" for own in scored for job in jobs]
        if self.latency_is_wanted and self.searched.get(criterion) == PROFILES:
            usages.append(f"{BASELINE}/usage/measure_latency.json")
        return usages + self.search_usages(criterion, int(network[-2:]))

    def search_usages(self, criterion: str, step: int) -> list[str]:
        """What the jobs used that searched the blocks of a network, below its run."""
        search = self.searched.get(criterion)
        # a beam grows from two blocks on, a profile is looked for by itself
        sizes = {BEAM: range(2, step + 1), PROFILES: [step]}[search] if search else []
        return [f"{BASELINE}/usage/search/{criterion}/removed-{n:02d}.json" for n in sizes]

    @property
    def latency_is_wanted(self) -> bool:
        """Whether a target is a latency: profiles are then told apart by what blocks take."""
        return "latency_reduction" in target(self.config)

    def attack_usages(self, network: str) -> list[str]:
        """What the attacks on a network and on its baseline used, below its run."""
        usages = [f"usage/attack/{attack}.json" for attack in self.config["attacks"]]
        return [f"{own}/{usage}" for own in (BASELINE, network) for usage in usages]

    def votes_of_savings(self, criterion: str) -> list[str]:
        """The files of savings, `latency` and `energy`, that a criterion lets vote."""
        votes = {metric for metric in self.pruning[criterion]["metrics"] if "saves_" in metric}
        return sorted({"energy" if vote == "saves_energy" else "latency" for vote in votes})

    def with_savings(self, file: str, dataset: str, architecture: str) -> list[str]:
        """The networks of whose blocks `latency` or `energy` is measured, one by one."""
        here = dataset, architecture
        voting = [name for name in self.ranked if file in self.votes_of_savings(name)]
        found = [network for name in voting for network in self.ranked_by(name, *here)]
        if file == "latency" and self.latency_is_wanted:
            found.append(BASELINE)
        return list(dict.fromkeys(found))

    def everywhere(
        self,
        pattern: str | Iterable[str],
        networks: Networks | None = None,
        datasets: Iterable[str] | None = None,
        **wildcards: Any,
    ) -> list[str]:
        """A pattern for every data set (or those of ``datasets``), architecture and seed.

        ``networks`` names the networks of a data set and architecture.
        """
        wanted = self.config["datasets"] if datasets is None else datasets
        return [
            path
            for dataset in wanted
            for architecture in self.config["architectures"]
            for path in self.here(pattern, dataset, architecture, networks, **wildcards)
        ]

    def here(
        self,
        pattern: str | Iterable[str],
        dataset: str,
        architecture: str,
        networks: Networks | None = None,
        **wildcards: Any,
    ) -> list[str]:
        """The same for one data set and architecture."""
        own = {"network": networks(dataset, architecture)} if networks else {}
        settings = {"dataset": dataset, "architecture": architecture, "seed": self.config["seeds"]}
        return written_out(pattern, **(settings | own | wildcards))

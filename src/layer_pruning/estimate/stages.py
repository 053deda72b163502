"""The stages of a run, with jobs, time and disk: arithmetic on the costs. No torch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from layer_pruning.chain import BASELINE
from layer_pruning.searching.cost import SearchCost

if TYPE_CHECKING:
    from layer_pruning.estimate.costs import Costs

AUTOATTACK_OVER_PGD = 39.6
"""AutoAttack, all images standing, over a hundred steps of a gradient: 8.7 and 0.22 s an image for
a ResNet-20 at 32 × 32 pixels, two threads of an idle processor."""
STRENGTHS = {"fgsm": 0.03, "pgd": 1.0, "autoattack": AUTOATTACK_OVER_PGD}
"""What an attack costs for an image that it does not break, over a hundred steps of a gradient."""
RESAMPLE_SHARE = 0.4
"""What scoring a resample takes, over scoring the whole probe set (docs/benchmarks.md)."""
OVERHEAD_SECONDS = 0.3
"""What Snakemake takes to start and end a job."""
TABLES_SECONDS = 0.6
"""A job without PyTorch: a ranking, a figure, a table."""


@dataclass(frozen=True)
class Training:
    """How long one network is trained, and how deep it is."""

    epochs: int
    left: float
    """Share of the unpruned network's blocks; an epoch is taken to cost as much less."""


@dataclass(frozen=True)
class Work:
    """What is to be done with the networks of one data set and architecture."""

    seeds: int
    networks: int
    """All of them, of all seeds."""
    tuned: Mapping[str, Training]
    """The networks that are fine-tuned after a removal, of one seed."""
    beside: Mapping[str, Training]
    """The same of all that stands beside the paths: last phases, and networks to compare with."""
    left: Mapping[str, float]
    """Mean share of the blocks that networks have: of all, and of those that are ``pruned``,
    ``ranked``, ``timed``, ``metered``, ``measured`` or ``attacked``."""
    scored: Mapping[str, int]
    """Networks whose blocks each criterion ranks, all seeds."""
    votes: Mapping[str, int]
    """The same of the criteria whose metrics vote, which is drawn again from resamples."""
    extracted: int
    searches: Mapping[str, SearchCost]
    """Of the criteria that search among sets of blocks, for one seed."""
    timed: int
    """Networks whose blocks are timed, so that the time saved votes or can be predicted."""
    metered: int
    """Networks whose blocks' energy is metered."""
    blocks: int
    """Of the unpruned network, those that may go."""
    starts: int
    """Baselines on which other starts of the metrics that search are tried."""
    measured: int
    """Networks whose energy and latency are measured."""
    attacked: int
    shifted: int
    """Of those, networks that see corrupted or newly collected images."""
    shifted_images: int
    """Newly collected ones."""
    cued: int
    """Of those, networks that are tested for shortcut learning."""
    exported: int
    train_images: int
    probe_images: int
    evaluated_images: int
    """Validation and test."""
    test_images: int
    removed_share: float
    """Share of the blocks that are gone at the end of a path."""


@dataclass(frozen=True)
class Stage:
    """A kind of job: how many there are, and what all of them take where one runs at a time."""

    name: str
    jobs: int
    seconds: float
    share: float
    """The part of the machine that one job takes."""
    cheaper: str
    """The key that would make it cheaper, and how."""
    disk_bytes: float = 0.0
    each: Mapping[str, float] = field(default_factory=dict)
    """Seconds of a job by its network, where it trains."""

    def job_seconds(self, network: str = "") -> float:
        """What the job that trains a network takes; any other takes what the mean one does."""
        return self.each.get(network, self.seconds / self.jobs)

    @property
    def wall_seconds(self) -> float:
        """With as many jobs at a time as the machine takes."""
        return self.seconds * self.share


def stages_of(
    config: Mapping[str, Any],
    work: Work,
    costs: "Costs",
    *,
    epsilons: Mapping[str, Sequence[float]],
    corruptions: int,
    share: float,
) -> list[Stage]:
    """All stages of one data set and architecture.

    ``epsilons`` are those of each attack, ``corruptions`` how many kinds there are, and ``share``
    the part of the machine that a job takes: one over the jobs at a time.
    """
    start = costs.start_seconds + OVERHEAD_SECONDS
    epoch = costs.training_seconds * work.train_images
    distils = config["finetuning"]["distillation_weight"] > 0
    teacher = costs.forward_seconds * work.train_images if distils else 0.0

    def trained(networks: Mapping[str, Training]) -> dict[str, float]:
        return {
            name: start + one.epochs * (one.left * epoch + teacher)
            for name, one in networks.items()
        }

    def training(name: str, each: Mapping[str, float], files: float, cheaper: str) -> Stage:
        """Of ``each`` network of a seed; ``files`` is the disk it takes, in unpruned networks."""
        jobs, seconds = work.seeds * len(each), work.seeds * math.fsum(each.values())
        return Stage(name, jobs, seconds, share, cheaper, files * jobs * costs.network_bytes, each)

    baseline = {BASELINE: start + config["training"]["epochs"] * epoch}
    tuned, beside = trained(work.tuned), trained(work.beside)
    left = work.left
    # scores and a ranking, and the removal that follows
    rankings = 2 * sum(work.scored.values()) + work.seeds * len(tuned)
    ranked = left["ranked"]
    scoring = ranked * sum(costs.scoring_seconds[name] * n for name, n in work.scored.items())
    voting = ranked * sum(costs.scoring_seconds[name] * n for name, n in work.votes.items())
    votes = sum(work.votes.values())
    severities = len(config["corruptions"]["severities"])
    corrupted = config["corruptions"]["count"] or config["attacked_images"]["count"]
    # to corrupt an image takes about as long as to look at it
    seen = corruptions * severities * corrupted * 2 + work.shifted_images
    savings = config["savings"]
    timing = savings["repeats"] * savings["batch_size"] * costs.forward_seconds * left["timed"]
    metering = config["energy"]["repeats"] * config["energy"]["window_seconds"] * work.blocks
    stages = [
        training("training", baseline, 2.2, "training.epochs, or fewer seeds"),
        training(
            "fine-tuning",
            tuned,
            2 * left["pruned"],
            "finetuning.epochs, fewer removals, or blocks_per_step",
        ),
        training(
            "other training",
            beside,
            2.2,
            "finetuning.final, or criteria without continued and scratch",
        ),
        Stage(
            "activations",
            work.extracted,
            work.extracted * (start + costs.sweep_seconds * ranked * work.probe_images),
            share,
            "probe.images_per_class",
            work.extracted * costs.activations_bytes * ranked,
        ),
        Stage(
            "timing of blocks",
            work.timed,
            work.timed * (start + timing),
            1.0,
            "savings.repeats, or fewer criteria with savings",
        ),
        Stage(
            "metering of blocks",
            work.metered,
            work.metered * (start + metering * left["metered"]),
            1.0,
            "energy.window_seconds, energy.repeats, or fewer criteria with savings",
        ),
        Stage(
            "scores and ranks",
            rankings,
            scoring + rankings * TABLES_SECONDS,
            share,
            "criteria: fewer, or of fewer metrics",
        ),
        search_stage(work, costs, start, share),
        Stage(
            "bootstrap of the votes",
            votes,
            config["bootstrap"]["resamples"] * RESAMPLE_SHARE * voting + votes * TABLES_SECONDS,
            share,
            "bootstrap.resamples",
        ),
        Stage(
            "other starts",
            work.starts,
            work.starts * (TABLES_SECONDS + costs.starts_seconds),
            share,
            "criteria without stochastic and stochastic_covariances",
        ),
        Stage(
            "accuracy",
            work.networks,
            work.networks * (start + work.evaluated_images * costs.forward_seconds * left["all"]),
            share,
            "removals",
        ),
    ]
    for name, attack in config["attacks"].items():
        seconds = attack_seconds(
            attack["attack"], epsilons[name], config["attacked_images"]["count"], costs.pgd_seconds
        )
        stages.append(
            Stage(
                f"attack {name}",
                work.attacked,
                work.attacked * (start + seconds * left["attacked"]),
                share,
                f"attacks.{name}.epsilons, or attacked_images.count",
            )
        )
    stages += [
        Stage(
            "other images",
            work.shifted,
            work.shifted * (start + seen * costs.forward_seconds * left["attacked"]),
            share,
            "corruptions.severities, or corruptions.count",
        ),
        Stage(
            "shortcut learning",
            work.cued,
            # as they are, with the cue of their class, and with that of another
            work.cued * (start + 3 * work.test_images * costs.forward_seconds * left["attacked"]),
            share,
            "report_at, or evaluation.criteria",
        ),
        Stage(
            "energy and latency",
            2 * work.measured,
            work.measured
            * (2 * start + measuring_seconds(config, costs.forward_seconds, left["measured"])),
            1.0,
            "energy.window_seconds, energy.repeats, or latency.repeats",
        ),
        Stage(
            "export",
            work.exported,
            work.exported * (start + costs.export_seconds),
            share,
            "export.networks",
            3.5 * work.exported * costs.network_bytes,
        ),
    ]
    return [stage for stage in stages if stage.jobs]


def search_stage(work: Work, costs: "Costs", start: float, share: float) -> Stage:
    """The sweeps of beams, and the profiles that are run twice, each scored."""
    jobs, seconds = 0, 0.0
    # from the unpruned network to the smallest set of blocks, evenly
    thinner = 1 - work.removed_share / 2
    for name, cost in work.searches.items():
        sweep = costs.sweep_seconds * work.probe_images + costs.scoring_seconds[name]
        profile = 2 * costs.forward_seconds * work.probe_images
        jobs += work.seeds * cost.jobs
        seconds += work.seeds * thinner * (cost.sweeps * sweep + cost.profiles * profile)
    return Stage("search", jobs, jobs * start + seconds, share, "criteria: a smaller 'beam'")


def attack_seconds(attack: str, epsilons: Sequence[float], images: int, pgd: float) -> float:
    """Seconds to attack so many images of a network that was trained without attacks.

    Which images break is known only afterwards. Here as many stand as an even fall with the number
    of the epsilon leaves, half of them at a single one. An image that breaks breaks at the first
    attack of an ensemble.
    """
    if attack == "fgsm":
        return STRENGTHS["fgsm"] * pgd * images * len(epsilons)
    full = pgd * STRENGTHS.get(attack, 2 * AUTOATTACK_OVER_PGD)
    seconds, standing = 0.0, 1.0
    for number in range(1, len(epsilons) + 1):
        after = 1 - number / (len(epsilons) + 1)
        seconds += after * full + (standing - after) * pgd
        standing = after
    return seconds * images


def measuring_seconds(config: Mapping[str, Any], forward: float, left: float) -> float:
    """Seconds in which energy and latency of a network with a share of the blocks left are measured
    beside its baseline."""
    energy, latency = config["energy"], config["latency"]
    windows = 2 * energy["repeats"] * max(energy["window_seconds"], energy["batch_size"] * forward)
    # the baseline, the network, and the baseline without the blocks of each of about three stages
    at_a_time = 1 + left + 3 * (1 + left) / 2
    rounds = latency["repeats"] + 2
    batches = sum(latency["batch_sizes"]) * len(latency["modes"])
    return math.fsum([windows, at_a_time * rounds * batches * forward])


def report_stage(networks: int, criteria: int) -> Stage:
    """Figures, tables and pages, at the end."""
    jobs = 8 + criteria
    seconds = jobs * 2 * TABLES_SECONDS + 0.2 * networks
    return Stage("report", jobs, seconds, 0.5, "fewer data sets or architectures", 6e6)


def dearest(stages: Sequence[Stage], count: int = 3) -> list[Stage]:
    """The stages that take longest."""
    return sorted(stages, key=lambda stage: stage.wall_seconds, reverse=True)[:count]

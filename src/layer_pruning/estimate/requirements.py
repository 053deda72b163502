"""What a job asks of a machine: memory, time and disk, from the size of its work. No torch.

The factors are measured (docs/benchmarks.md#what-a-job-needs): ``benchmarks/requirements.py`` fits
them to the most memory that jobs held and to their CPU time. What is asked for lies above that, as
a job that asks for too little is killed, and one that asks for too much waits in a queue. A retry
asks for more.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from layer_pruning.configuration import (
    Config,
    corrupted_images,
    corruptions_of,
    datasets,
    epsilons_of,
    networks,
    recipe_of,
    searched_criteria,
    shifted_sets,
    sizes_of_classes,
)
from layer_pruning.data.folders import from_home
from layer_pruning.data.shift_files import shifted_header
from layer_pruning.models.candidates import Limits, most_removals
from layer_pruning.models.network_blocks import blocks_of, feature_width, size_of
from layer_pruning.models.network_size import NetworkSize
from layer_pruning.searching.catalog import USUAL_BEAM
from layer_pruning.searching.cost import dearest_job
from layer_pruning.searching.sets import choices
from layer_pruning.training.recipe import validation_batch

MEGABYTE = 10**6
BYTES = 4
"""Of a number in single precision."""

START_MB = 700
"""Python, PyTorch and the package, before there is any work."""
GPU_START_MB = 1500
"""What CUDA takes of the machine's memory beside that."""
TABLES_MB = 300
"""The same without PyTorch, where features alone are worked on."""
COPIES_OF_WEIGHTS = {"training": 8.0, "inference": 3.0}
"""Weights, gradients, momentum, an average, the best, a teacher, and all of it once more when it is
written; of a network that is only run, itself, fused and as it was read."""
MAPS_KEPT = 3.0
"""Numbers that a step of training holds for each one that a convolution puts out: norms and
activations keep theirs too."""
LARGEST_MAPS = 6.0
"""As many of the largest maps that inference holds at a time."""
COPIES_OF_DATA = 2.0
"""A data set in memory, as it was read and by its splits."""
WORKER_MB = 350
"""A process that reads streamed images."""
FILE_COPIES = 2
"""Of the weights, where a network's file is read without PyTorch."""
SWEPT_BYTES, SWEPT_IMAGES = 2**21, 8
"""A sweep sends as many images through at once as fill so much with their largest map, and so many
at least (``activations.sweep``); it keeps what every layer gave for them."""
MARGIN = 1.25
"""Asked for over what is expected."""

CPU_MACS = 1.5e10
"""Multiply-accumulates a second of one thread, small networks in float32."""
GPU_MACS = 5e12
IMAGE_SECONDS = 5e-4
"""Of an image that costs next to nothing, on a processor."""
GPU_IMAGE_SECONDS = 1e-4
TRAINING = 3
"""Passes forward that a step of training is worth."""
GRADIENTS = 100
"""Steps of an attack, each worth three passes forward; AutoAttack is worth forty such attacks."""
SLACK = 3.0
"""Time asked for over what is expected: a slow node costs less than a killed job."""
LEAST_MINUTES = 30
MOST_SHARDS = 999
EVALUATION_BATCH = 500
CORRUPTING_SECONDS = 5e-8
"""Of one value of an image that a corruption is made of, by the mean of those made here."""
SCORING_SECONDS = 6e-6
"""Of one number of the features of one candidate, by the eight metrics of the consensus."""
RESAMPLE_SHARE = 0.4
TRAININGS = ("training", "finetuning", "final")
OF_FEATURES = ("scoring", "agreement")
"""Work on features alone, without a network or a GPU."""
PRICES = {"fgsm": 0.03, "pgd": 1.0}
DEAREST_ATTACK = 40.0


@dataclass(frozen=True)
class Job:
    """The work of one job, on one data set and network."""

    images: int = 0
    """Passed forward, once each."""
    passes: float = 1.0
    """How often, a pass back being worth two."""
    batch: int = 1
    trains: bool = False
    """Whether maps are kept for a pass back."""
    learns: bool = False
    """Whether weights are updated by it."""
    validated: int = 0
    """Images of a batch that is only sent through, beside."""
    kept_bytes: float = 0.0
    """Held beside network, maps and data."""
    written_bytes: float = 0.0
    divisible: int = 1
    """Into how many shards it can be divided."""
    other_seconds: float = 0.0
    """Of what is no pass of images through the network."""


def memory_mb(job: Job, size: NetworkSize, data_mb: float, *, gpu: bool, readers: int) -> float:
    """Megabytes of the machine's memory that a job with a network is expected to hold."""
    weights = COPIES_OF_WEIGHTS["training" if job.learns else "inference"] * size.parameters
    only_sent = LARGEST_MAPS * size.largest_map * (job.validated if job.trains else job.batch)
    kept = MAPS_KEPT * size.map_values * job.batch if job.trains else 0.0
    # on a GPU they are in its memory
    working = 0.0 if gpu else BYTES * max(only_sent, kept)
    held = (BYTES * weights + working + job.kept_bytes) / MEGABYTE
    start = START_MB + (GPU_START_MB if gpu else 0)
    return start + held + COPIES_OF_DATA * data_mb + readers * WORKER_MB


def seconds(job: Job, size: NetworkSize, *, gpu: bool, threads: int) -> float:
    """Seconds that a job is expected to take."""
    speed, least = (GPU_MACS, GPU_IMAGE_SECONDS) if gpu else (CPU_MACS * threads, IMAGE_SECONDS)
    return job.images * job.passes * max(size.macs / speed, least) + job.other_seconds


def images_of_shifts(config: Config, dataset: str) -> list[int]:
    """How many images each newly collected test set of a data set has."""
    paths = shifted_sets(config, dataset).values()
    return [shifted_header(from_home(path)).shape[0] for path in paths]


class Requirements:
    """What the jobs of a completed configuration ask for.

    Without a ``gpu`` it is the processor that is expected to do the work, as with `device: cpu`.
    """

    def __init__(self, config: Config, *, gpu: bool = True) -> None:
        self.config = config
        self.gpu = gpu and config["device"] != "cpu"
        self.infos = datasets(config)
        self.jobs: dict[str, Callable[[str, str], Job]] = {
            "training": functools.partial(self._training, "training"),
            "finetuning": functools.partial(self._training, "finetuning"),
            "activations": self._activations,
            "evaluation": self._evaluation,
            **{
                f"attack {name}": functools.partial(self._attack, name)
                for name in config["attacks"]
            },
            "corruptions": self._corruptions,
            "measurement": self._measurement,
            "metering of blocks": self._metering,
            "search": self._search,
            "scoring": self._scoring,
            "agreement": self._agreement,
            "export": self._export,
        }
        if config["finetuning"]["final"] is not None:
            self.jobs["final"] = functools.partial(self._training, "final")

    def memory_mb(self, work: str, dataset: str, architecture: str, attempt: int = 1) -> int:
        """Megabytes to ask for; twice as many for the second attempt, and so on."""
        info, job = self.infos[dataset], self._job(work, dataset, architecture)
        if (count := self.shards(work, dataset, architecture)) > 1:
            # joined one after another
            job = replace(job, kept_bytes=max(job.kept_bytes, job.written_bytes / count))
        if work in OF_FEATURES:
            # scores read the network's file, for its classifier and its weights
            read = FILE_COPIES * self._size(dataset, architecture).parameters
            held = job.kept_bytes + BYTES * (read if work == "scoring" else 0)
            return attempt * _rounded(MARGIN * (TABLES_MB + held / MEGABYTE))
        data = info.megabytes() if work != "export" else 0
        expected = memory_mb(
            job,
            self._size(dataset, architecture),
            data,
            gpu=self.gpu,
            readers=self.config["threads"] if info.streamed else 0,
        )
        # the processes of a training are one job
        together = self.config["training"]["processes"] if work in TRAININGS else 1
        return attempt * _rounded(MARGIN * expected * together)

    def minutes(
        self,
        work: str,
        dataset: str,
        architecture: str,
        attempt: int = 1,
        *,
        epochs: int | None = None,
        among: int = 1,
    ) -> int:
        """Minutes to ask for; a training that ran out of them goes on in the next attempt.

        ``epochs`` of a training are those of its phase by default. Of work that is divided, these
        are the minutes of a job ``among`` so many.
        """
        job = self._job(work, dataset, architecture)
        if epochs is not None:
            job = replace(job, images=self._images(dataset)[0] * epochs)
        expected = self._seconds(job, work, dataset, architecture) / among
        if work in TRAININGS:
            expected /= self.config["training"]["processes"]
        return attempt * (LEAST_MINUTES + math.ceil(SLACK * expected / 60))

    @functools.lru_cache  # noqa: B019
    def shards(self, work: str, dataset: str, architecture: str) -> int:
        """Into how many jobs a kind of work is divided, so that each takes ``shard_minutes``.

        Or as many as the configuration says, where :meth:`told`.
        """
        job = self._job(work, dataset, architecture)
        if self.told(work):
            return job.divisible
        expected = self._seconds(job, work, dataset, architecture)
        wanted = math.ceil(expected / 60 / self.config["shard_minutes"])
        return max(1, min(wanted, job.divisible, MOST_SHARDS))

    def told(self, work: str) -> bool:
        """Whether the configuration says how many images each job has, whatever is expected."""
        size = self.config["attacked_images"]["shard_size"]
        return work.startswith("attack ") and size is not None

    @property
    def attacked_together(self) -> int:
        """Of attacked images, the least that a shard has: those of a batch, if nothing is told."""
        attacked = self.config["attacked_images"]
        return int(attacked["shard_size"] or attacked["batch_size"])

    def _seconds(self, job: Job, work: str, dataset: str, architecture: str) -> float:
        return seconds(
            job,
            self._size(dataset, architecture),
            gpu=self.gpu and work not in OF_FEATURES,
            threads=self.config["threads"],
        )

    def disk_mb(self, work: str, dataset: str, architecture: str) -> int:
        """Megabytes that a job writes."""
        written = self._job(work, dataset, architecture).written_bytes
        return 10 + math.ceil(written / MEGABYTE)

    def memory_for(self, work: str) -> Callable[[Any, int], int]:
        """A resources function of Snakemake: megabytes for the network that wildcards name.

        Work may be named by wildcards too, as "attack {attack}".
        """
        return lambda wildcards, attempt: self.memory_mb(
            work.format(**wildcards), wildcards.dataset, wildcards.architecture, attempt
        )

    def minutes_for(
        self, work: str, epochs: Callable[[Any], int] | None = None
    ) -> Callable[[Any, int], int]:
        """The same: minutes; with a function of wildcards for a training of other ``epochs``."""
        return lambda wildcards, attempt: self.minutes(
            work,
            wildcards.dataset,
            wildcards.architecture,
            attempt,
            epochs=epochs(wildcards) if epochs else None,
        )

    def disk_for(self, work: str) -> Callable[[Any], int]:
        """The same: megabytes that are written."""
        return lambda wildcards: self.disk_mb(work, wildcards.dataset, wildcards.architecture)

    @functools.lru_cache  # noqa: B019
    def _job(self, work: str, dataset: str, architecture: str) -> Job:
        return self.jobs[work](dataset, architecture)

    @functools.lru_cache  # noqa: B019
    def _size(self, dataset: str, architecture: str) -> NetworkSize:
        info = self.infos[dataset]
        network = networks(self.config, dataset)[architecture]
        return size_of(network, info.input_shape, info.classes)

    @functools.lru_cache  # noqa: B019
    def _images(self, dataset: str) -> tuple[int, int, int]:
        train, validation, test = zip(*sizes_of_classes(self.config, dataset), strict=True)
        return sum(train), sum(validation), sum(test)

    def _training(self, phase: str, dataset: str, architecture: str) -> Job:
        recipe = recipe_of(self.config, phase, architecture)
        teaches = recipe.get("distillation_weight", 0) > 0
        size = self._size(dataset, architecture)
        return Job(
            images=self._images(dataset)[0] * max(recipe["epochs"], 1),
            passes=TRAINING + teaches,
            batch=recipe["batch_size"],
            trains=True,
            learns=True,
            validated=min(
                validation_batch(
                    math.prod(self.infos[dataset].input_shape[1:]), recipe["batch_size"]
                ),
                self._images(dataset)[1],
            ),
            written_bytes=BYTES * size.parameters * 6,
        )

    def _activations(self, dataset: str, architecture: str) -> Job:
        probe, candidates = self._probe(dataset), self._candidates(dataset, architecture)
        size = self._size(dataset, architecture)
        fill = SWEPT_BYTES // max(BYTES * size.largest_map, 1)
        chunk = min(probe, max(SWEPT_IMAGES, fill))
        features = self._features_bytes(dataset, architecture) / max(candidates, 1)
        return Job(
            images=probe,
            passes=1 + candidates / 2,
            batch=chunk,
            divisible=probe // SWEPT_IMAGES,
            kept_bytes=features + (0 if self.gpu else BYTES * size.map_values * chunk),
            written_bytes=self._features_bytes(dataset, architecture),
        )

    def _evaluation(self, dataset: str, architecture: str) -> Job:
        _, validation, test = self._images(dataset)
        batches = sum(math.ceil(images / EVALUATION_BATCH) for images in (validation, test))
        batch = min(EVALUATION_BATCH, max(validation, test))
        return Job(images=validation + test, batch=batch, divisible=batches)

    def _attack(self, name: str, dataset: str, architecture: str) -> Job:
        attack, attacked = self.config["attacks"][name], self.config["attacked_images"]
        images = attacked["count"]
        price = PRICES.get(attack["attack"], DEAREST_ATTACK)
        epsilons = epsilons_of(self.config, dataset)[name]
        return Job(
            images=images,
            passes=TRAINING * GRADIENTS * price * len(epsilons),
            batch=min(images, attacked["batch_size"]),
            trains=True,
            divisible=math.ceil(images / self.attacked_together),
        )

    def _corruptions(self, dataset: str, architecture: str) -> Job:
        names = corruptions_of(self.config, dataset)
        count = corrupted_images(self.config) if names else 0
        kinds = len(names) * len(self.config["corruptions"]["severities"])
        batch = self.config["attacked_images"]["batch_size"]
        values = math.prod(self.infos[dataset].input_shape)
        shifted = images_of_shifts(self.config, dataset)
        most = max([count, *shifted])
        return Job(
            # each of them is sent through without a corruption too
            images=count * (1 + kinds) + sum(shifted),
            batch=min(most, batch),
            # newly collected images are read whole, as bytes
            kept_bytes=values * sum(shifted),
            divisible=math.ceil(most / batch),
            other_seconds=CORRUPTING_SECONDS * values * count * kinds,
        )

    def _measurement(self, dataset: str, architecture: str) -> Job:
        latency, energy = self.config["latency"], self.config["energy"]
        batch = max(*latency["batch_sizes"], energy["batch_size"])
        rounds = 8 * (latency["repeats"] + 2) * len(latency["modes"]) + 4 * energy["repeats"]
        # of the network and of its baseline
        windows = 2 * energy["repeats"] * energy["window_seconds"]
        return Job(
            images=sum(latency["batch_sizes"]), passes=rounds, batch=batch, other_seconds=windows
        )

    def _metering(self, dataset: str, architecture: str) -> Job:
        energy, job = self.config["energy"], self._measurement(dataset, architecture)
        blocks = len(blocks_of(networks(self.config, dataset)[architecture]))
        return replace(job, other_seconds=blocks * energy["repeats"] * energy["window_seconds"])

    def _scoring(self, dataset: str, architecture: str) -> Job:
        features = self._features_bytes(dataset, architecture)
        # as they were read, and twice over in double precision
        return Job(kept_bytes=5 * features, other_seconds=SCORING_SECONDS * features / BYTES)

    def _search(self, dataset: str, architecture: str) -> Job:
        sweep = self._activations(dataset, architecture)
        scoring = self._scoring(dataset, architecture)
        blocks = blocks_of(networks(self.config, dataset)[architecture])
        stages = choices(blocks, Limits.of(self.config))
        most = self.config["removals"] or most_removals(blocks, Limits.of(self.config))
        sweeps, passes = 0, 0
        for name, search in searched_criteria(self.config).items():
            beam = self.config["criteria"][name].get("beam", USUAL_BEAM)
            job = dearest_job(stages, search, beam, most)
            sweeps, passes = max(sweeps, job.sweeps), max(passes, 2 * job.profiles)
        return replace(
            sweep,
            passes=sweeps * sweep.passes + passes,
            # the features of the baseline and of one sweep, as they are scored
            kept_bytes=sweep.kept_bytes + 2 * scoring.kept_bytes,
            written_bytes=0,
            divisible=1,
            other_seconds=(sweeps + 1) * scoring.other_seconds,
        )

    def _agreement(self, dataset: str, architecture: str) -> Job:
        scoring = self._scoring(dataset, architecture)
        resamples = self.config["bootstrap"]["resamples"] * RESAMPLE_SHARE
        return replace(scoring, other_seconds=scoring.other_seconds * resamples)

    def _export(self, dataset: str, architecture: str) -> Job:
        size = self._size(dataset, architecture)
        return Job(images=256, batch=64, written_bytes=3.5 * BYTES * size.parameters)

    def _probe(self, dataset: str) -> int:
        classes = self.infos[dataset].classes
        wanted = self.config["probe"]["images_per_class"] * classes
        return min(wanted, self._images(dataset)[0])

    def _candidates(self, dataset: str, architecture: str) -> int:
        network = networks(self.config, dataset)[architecture]
        return sum(block.removable for block in blocks_of(network))

    def _features_bytes(self, dataset: str, architecture: str) -> float:
        network = networks(self.config, dataset)[architecture]
        width = feature_width(network) + self.infos[dataset].classes
        return BYTES * self._probe(dataset) * width * (1 + self._candidates(dataset, architecture))


def _rounded(megabytes: float) -> int:
    """Up to a hundred."""
    return 100 * math.ceil(megabytes / 100)

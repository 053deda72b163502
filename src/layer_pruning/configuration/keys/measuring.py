"""Keys of what is measured of networks, and of which."""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from pydantic import Field, Tag

from layer_pruning.configuration.keys.values import (
    NUMBER,
    TEXT,
    Count,
    Number,
    NumberOrText,
    Positive,
    Seed,
    Settings,
    Some,
    Text,
    Unique,
    Whole,
)

PartsOf255 = Annotated[str, Field(pattern=r"^[0-9]+([.][0-9]+)?/255$")]
Epsilon = Annotated[
    Annotated[Positive, Tag(NUMBER)] | Annotated[PartsOf255, Tag(TEXT)], NumberOrText
]


class Evaluation(Settings):
    """Which networks are attacked and have their energy and latency measured. Accuracy is measured
    for all."""

    networks: Literal["last", "all"] = "last"
    """`last`: the baseline and the networks that count (`report_at`). `all`: every network."""
    criteria: Some[Text] | None = None
    """Criteria whose networks these are: fewer of them leave time for more images. Empty: all.
    Accuracy is measured for all."""
    cost: bool = True
    """Whether energy and latency are measured. Not on a machine that does other work meanwhile:
    such numbers mean nothing."""


class Export(Settings):
    """Which networks are exported: written as ONNX, `.pt2` and weights with a loader, below
    `export/` in their folders, each checked against the network. Any other is exported when its
    `export/manifest.json` is asked for."""

    networks: Literal["last", "all", "none"] = "last"
    """`last`: the last network of each criterion, but for those that only compare (`random`,
    `shallowest`). `all`: every network. `none`: none."""
    opset: Annotated[Whole, Ge(18)] | None = None
    """Version of ONNX's operators, 18 or more, for a runtime that lacks new ones. Empty: what the
    installed PyTorch writes."""
    license: Text | None = None
    """Licence of the weights, by its name on the Hugging Face hub (`mit`, `cc-by-4.0`), for the
    model card. Empty: the card says that none was stated."""


class Tracking(Settings):
    """Trackers of experiments that are told of each network, its training and the figures, once
    they are there. Nothing is made again when one is switched on or off."""

    tensorboard: bool = False
    """Events below `results/tracking/tensorboard/`, which `tensorboard --logdir` shows. Needs the
    package `tensorboard`."""
    mlflow: bool = False
    """Runs of MLflow, on the server that `MLFLOW_TRACKING_URI` names or in
    `results/tracking/mlflow/mlflow.db`. Needs the package `mlflow`."""


class Attack(Settings):
    """An attack by a name of the user's."""

    attack: str | None = None
    """`fgsm`, `pgd`, `autoattack` or `autoattack_plus`. The name by default."""
    norm: Literal["Linf", "L2"] = "Linf"
    """The norm that bounds the perturbation."""
    epsilons: Some[Epsilon] | None = None
    """Largest perturbations, for images in [0, 1]: numbers, or texts such as `8/255`. Empty, in
    `Linf`: 0.25, 0.5, 1, 2, 4 and 8 255ths, and for `digits` and `fashion_mnist` 0.03, 0.05, 0.1,
    0.15 and 0.2."""


class AttackedImages(Settings):
    """The test images that every network is attacked on, the same for all."""

    count: Count = 100
    """How many, drawn from the test split."""
    seed: Seed = 0
    """Seed of the draw and of the attacks."""
    batch_size: Count = 250
    """Images attacked together. It bounds the memory, and what AutoAttack draws at random depends
    on it."""
    shard_size: Count | None = None
    """Images attacked by one job, a multiple of `batch_size`; their results are joined, and a job
    that is killed loses its own only. Empty: one job attacks all, unless it is expected to take
    longer than `shard_minutes`."""


class Corruptions(Settings):
    """Accuracy on corrupted test images, of the networks that are attacked."""

    names: Unique[str] | None = None
    """Corruptions. Empty: all ten that are made here, or the fifteen of the official files where
    `corrupted` names their folder. `[]`: none."""
    severities: Some[Annotated[Count, Le(5)]] = [1, 2, 3, 4, 5]
    """How strong, from 1 to 5; accuracies are averaged over them."""
    count: Count | None = None
    """Test images, drawn with `attacked_images.seed`. Empty: the attacked ones. All of them (10000)
    for figures to be compared with those published for CIFAR-10-C."""


class Energy(Settings):
    """How energy and emissions are recorded, by CodeCarbon without network access. Exactly one of
    `country_iso_code` and `carbon_intensity_g_per_kwh` must be given: there is no silent
    default."""

    country_iso_code: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """Three-letter ISO code of the country whose electricity mix applies, such as BRA."""
    carbon_intensity_g_per_kwh: Annotated[Number, Ge(0)] | None = None
    """Grams of CO2 equivalent for each kilowatt-hour, where you know your grid better."""
    cpu_power_watts: Positive | None = None
    """Power of the processor under full load, where no counter (RAPL) is readable. Empty:
    CodeCarbon's table of processors."""
    tracking_mode: Literal["process", "machine"] = "process"
    """`process`: what the job itself uses. `machine`: the whole machine, neighbours included."""
    window_seconds: Positive = 10
    """Length of one measurement of inference. Less than 10 is for trying things out."""
    repeats: Annotated[Whole, Ge(2)] = 6
    """Measurements of inference of each network, interleaved with the baseline's. With fewer than 6
    an interval covers less than 95 %, and nothing is claimed."""
    batch_size: Count = 64
    """Images in a batch when inference is measured."""


class Latency(Settings):
    """How the latency of each examined network is measured beside its baseline's, in interleaved
    rounds."""

    batch_sizes: Some[Count] = [1, 8, 64, 256]
    """Images in a batch. The largest stands in the overview."""
    repeats: Count = 100
    """Rounds over baseline, network and stages, each in another order; medians count. 6 or more for
    a 95 % interval."""
    modes: Some[Literal["eager", "compiled", "cuda_graphs"]] = ["eager"]
    """`eager`, `compiled` (`torch.compile`, which takes minutes for each network and batch size)
    and `cuda_graphs` (GPU only). The first stands in the overview."""


class Claims(Settings):
    """When the report calls something kept. Written before the run, it is in its provenance."""

    margin_points: Annotated[Number, Gt(0), Le(100)] = 0.5
    """Accuracy counts as kept where the interval of its change rules out that more percentage
    points than these were lost."""

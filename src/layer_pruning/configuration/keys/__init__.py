"""Every key of a configuration: what it takes, what it means and its default, declared once.

The schema file, the table of the manual, the defaults and the check of what a user gave follow from
the models here. What concerns several keys is checked by the ``..._checks`` of the configuration.
"""

from typing import Annotated, Literal

from annotated_types import Le, MinLen
from pydantic import Field, Tag

from layer_pruning.configuration.keys.data import Dataset, Probe, Split
from layer_pruning.configuration.keys.measuring import (
    Attack,
    AttackedImages,
    Claims,
    Corruptions,
    Energy,
    Evaluation,
    Export,
    Latency,
    Tracking,
)
from layer_pruning.configuration.keys.networks import Architecture
from layer_pruning.configuration.keys.pruning import Bootstrap, Criterion, Savings, Target
from layer_pruning.configuration.keys.training import Finetuning, Training
from layer_pruning.configuration.keys.values import (
    LIST,
    MAPPING,
    NUMBER,
    TEXT,
    Count,
    HyphenatedName,
    ListOrMapping,
    Name,
    NumberOrText,
    Positive,
    Seed,
    Settings,
    Some,
    Unique,
    at_defaults,
)

Names = Annotated[Some[str], Tag(LIST)]
Datasets = Annotated[
    Names | Annotated[dict[HyphenatedName, Dataset], MinLen(1), Tag(MAPPING)], ListOrMapping
]
Architectures = Annotated[
    Names | Annotated[dict[Name, Architecture], MinLen(1), Tag(MAPPING)], ListOrMapping
]
MetricsOrCriterion = Annotated[Names | Annotated[Criterion, Tag(MAPPING)], ListOrMapping]
Criteria = Annotated[
    Names | Annotated[dict[Name, MetricsOrCriterion], MinLen(1), Tag(MAPPING)], ListOrMapping
]
Removals = Annotated[Count, Le(99)]
Threads = Annotated[Count, Le(1024)]
Reduction = Annotated[str, Field(pattern=r"^[0-9]+([.][0-9]+)? *%$")]
ReportPoint = Annotated[
    Annotated[Removals, Tag(NUMBER)] | Annotated[Reduction, Tag(TEXT)], NumberOrText
]


class Configuration(Settings):
    """Every key with what it means and its default. Unknown keys are errors."""

    datasets: Datasets = ["digits"]
    """Data sets to work on. A list of known names (`digits`, which needs no download, `cifar10`,
    `cifar100`, `fashion_mnist` and `svhn`), or a mapping of names of your own to what they are."""
    quick: bool = False
    """Cheaper defaults for a first look in minutes: those of `config/quick.yaml`. What you name
    yourself stays."""
    architectures: Architectures = ["resnet20"]
    """Networks to prune. A list of known names (`resnet20` and any other CIFAR `resnet{6n+2}`; of
    torchvision `resnet18`, `resnet34`, `resnet50`, `resnet101`, `resnet152`, `wide_resnet50_2`,
    `resnext50_32x4d`, `mobilenet_v2`, `convnext_tiny`, `vit_b_16` and `swin_t`; any of timm,
    such as `timm/convnext_atto`; image classifiers of transformers, such as `hf/swin` or
    `hf/microsoft/swin-tiny-patch4-window7-224`; networks of your own as `package.module:function`),
    or a mapping of names of your own to what they are and what they start from."""
    seeds: Some[Seed] = [0, 1, 2]
    """One complete run of everything for each seed. The report's intervals are over seeds."""
    criteria: Criteria = ["consensus", "random"]
    """Criteria to compare. A list of known names, or a mapping of names of your own to lists of
    metrics or to `metrics` and how their ranks are joined. The blocks of a network are ranked by
    each metric, and the block with the smallest number goes."""
    removals: Removals | None = 5
    """Blocks to remove in all, with fine-tuning after every `blocks_per_step` of them. More only
    adds jobs. With a `target` it may be left out: then as many as the target asks for."""
    blocks_per_step: Removals = 1
    """Blocks to remove at a time, the first of one ranking, before the network is fine-tuned and
    ranked again."""
    schedule: Literal["one_by_one", "at_once"] = "one_by_one"
    """`one_by_one`: fine-tune and rank again after every `blocks_per_step` removals, as in the
    paper. `at_once`: remove all blocks by the ranking of the baseline, then fine-tune; nothing is
    trained or scored on the way."""
    report_at: Unique[ReportPoint] = []
    """The networks that count, and so have a last phase of fine-tuning, are attacked and measured:
    numbers of removals (`5`), or reductions (`47 %` of the multiply-accumulates: the fewest
    removals that reach it with any choice of blocks). The last of them is exported. Empty: the last
    of each criterion."""
    target: Target = at_defaults()
    min_blocks_per_stage: Count = 1
    """Blocks that every stage keeps. The paper's code keeps 2."""
    protect: Unique[str] = []
    """Names of blocks that never go, such as `stage1.block1`."""
    split: Split = at_defaults()
    probe: Probe = at_defaults()
    bootstrap: Bootstrap = at_defaults()
    savings: Savings = at_defaults()
    training: Training = at_defaults()
    finetuning: Finetuning = at_defaults()
    evaluation: Evaluation = at_defaults()
    export: Export = at_defaults()
    tracking: Tracking = at_defaults()
    attacks: dict[Name, Attack] = at_defaults("fgsm", "autoattack")
    """Adversarial attacks, by a name of your choice. Where `attack` is not given, the name is the
    attack: `fgsm`, `pgd`, `autoattack` or `autoattack_plus`."""
    attacked_images: AttackedImages = at_defaults()
    corruptions: Corruptions = at_defaults()
    energy: Energy = at_defaults()
    latency: Latency = at_defaults()
    claims: Claims = at_defaults()
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:[0-9]+)?)$")] = "auto"
    """`auto` (a GPU if there is one), `cpu`, `cuda`, or one GPU such as `cuda:0`."""
    shard_minutes: Positive = 60
    """Where one job is expected to take longer for the activations or the evaluation of a network,
    an attack on it or its test on other images, several share the images and their results are
    joined: as many as that each takes about so long. Results that are there stay as they are."""
    threads: Threads = 1
    """Threads of each job that trains or evaluates. One is fastest for small networks: Snakemake
    fills the cores with jobs. Another number trains again, as sums are added up in another
    order."""

"""Keys of training and fine-tuning."""

from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import Field
from pydantic.config import JsonDict

from layer_pruning.configuration.keys.values import (
    Count,
    NotNegative,
    Number,
    Positive,
    Settings,
    Share,
    Whole,
)

AtLeastZero = Annotated[Number, Ge(0)]
BelowOne = Annotated[Number, Ge(0), Lt(1)]


def of_recipe() -> Any:
    """The default of a key that the recipe decides, or for a last phase the fine-tuning before."""
    return Field(None, validate_default=False, json_schema_extra=_without_default)


def _without_default(part: JsonDict) -> None:
    del part["default"]


class Recipe(Settings):
    """Where what is not given comes from."""

    recipe: Literal["auto", "quick", "paper", "strong", "transformer"] = "auto"
    """`quick` (a first look), `paper` (as in the literature), `strong` (what has become usual
    since) or `transformer` (AdamW, and what goes with it). `auto`: `transformer` for networks
    without batch norm, `quick` for all others."""


class Fitting(Settings):
    """What any phase may have of its own."""

    epochs: Count = of_recipe()
    """Passes over the training split."""
    batch_size: Annotated[Whole, Ge(2)] = of_recipe()
    """Images in a batch."""
    learning_rate: Positive = of_recipe()
    """The highest learning rate of the schedule."""
    schedule: Literal["one_cycle", "cosine", "multi_step", "constant"] = of_recipe()
    """`one_cycle` (up over 30 % of the steps, then down to zero), `cosine` (down to zero),
    `multi_step` (divided by ten at one half and three quarters) or `constant`. A step learns by the
    rate at its middle: the last one too by more than zero."""
    gradient_clipping: AtLeastZero = of_recipe()
    """The largest norm of all gradients together; they are scaled down to it. 0 for no bound."""
    warmup_ratio: BelowOne = of_recipe()
    """Share of the steps over which the learning rate rises from zero in a line, for all schedules
    but `one_cycle`, which has its own."""
    layer_decay: Annotated[Number, Gt(0), Le(1)] = of_recipe()
    """Factor of the learning rate from each block to the one before it, so that layers near the
    images move slower. 1 for the same rate everywhere."""
    weight_decay: AtLeastZero = of_recipe()
    """On the weights of convolutions and linear layers; norms and biases go without."""
    label_smoothing: BelowOne = of_recipe()
    """Share of the target spread over all classes."""
    rand_augment: Annotated[NotNegative, Le(30)] = of_recipe()
    """Magnitude of RandAugment (arXiv 1909.13719, two operations on each image), for images of one
    or three channels. 0 for none."""
    mixup_alpha: AtLeastZero = of_recipe()
    """Images of a batch are mixed in pairs, and their labels alike (mixup, arXiv 1710.09412), by
    shares from a Beta distribution with this parameter. 0 for none. With `cutmix_alpha`, each batch
    by one of the two."""
    cutmix_alpha: AtLeastZero = of_recipe()
    """The same, with a rectangle of one image in the other (cutmix, arXiv 1905.04899)."""
    cutout_pixels: NotNegative = of_recipe()
    """A square so wide, at random in each image, is set to black (arXiv 1708.04552). 0 for none."""
    keep: Literal["last", "best_validation"] = of_recipe()
    """The network of the `last` epoch, or of the epoch that was `best_validation`."""
    ema_decay: BelowOne = of_recipe()
    """The moving average of the weights, with this decay a step, is kept in their place. 0 for
    none."""


class Phase(Fitting, Recipe):
    """What training and fine-tuning have in common. Keys without a default are the recipe's."""

    optimizer: Literal["sgd", "adamw"] = of_recipe()
    """`sgd` (with Nesterov momentum) or `adamw` (arXiv 1711.05101: decoupled weight decay, which
    position embeddings and class tokens go without, too)."""
    momentum: BelowOne = of_recipe()
    """Nesterov momentum of `sgd`."""
    betas: Annotated[list[BelowOne], MinLen(2), MaxLen(2)] = of_recipe()
    """Decay of the means of gradients and of their squares, a step, of `adamw`."""
    shift_pixels: NotNegative | None = of_recipe()
    """Images are moved by up to so many pixels, at random. Empty, an eighth of their width, and
    none where they are streamed."""
    flip: bool | None = of_recipe()
    """Images are mirrored at random. Empty, as the data have it: not for `digits` and `svhn`, where
    it makes another character, and for all others."""
    precision: Literal["auto", "float32", "bfloat16"] = of_recipe()
    """`auto`, `float32` or `bfloat16` (mixed precision; weights stay in float32). `auto` is
    bfloat16 where the device has instructions for it and images have 16 × 16 pixels or more."""
    channels_last: bool = of_recipe()
    """Channels lie together in memory, which convolutions prefer. The same result, up to
    rounding."""
    compile: bool = of_recipe()
    """The network is compiled first (`torch.compile`; needs a C++ compiler). That takes half a
    minute or more for every network, and pays for long trainings on a GPU if at all."""


class Training(Phase):
    """How the baseline is trained. What is not given comes from the recipe, see the table of
    recipes below."""

    epochs: NotNegative = of_recipe()
    """Passes over the training split. 0 takes the start weights (`architectures`) as they are."""
    processes: Count = 1
    """Processes that train one network together, the baseline as well as what is fine-tuned: as
    many GPUs, or `threads` each on a processor. `batch_size` stays that of all together. Under
    SLURM each is a task, on one node or several. Another number trains again."""
    sync_batch_norm: bool = True
    """With several processes: the statistics of batch norm are those of the whole batch, as with
    one process. `false`: each process has those of its part, which saves messages."""


class Taught(Settings):
    """The baseline as a teacher."""

    distillation_weight: Share = of_recipe()
    """Share of the loss that the baseline's predictions have as targets (arXiv 1503.02531). 0 for
    none."""
    distillation_temperature: Positive = of_recipe()
    """The temperature at which they are compared."""


class Final(Taught, Fitting):
    """A last phase of fine-tuning for the networks that count (`report_at`), beside the path, which
    goes on from the short one. What is not given is as above. Its networks are those of
    `CRITERION-final`; `scratch` and `continued` are trained as much longer. Empty for none."""

    epochs: Count
    """Passes over the training split."""


class Finetuning(Taught, Phase):
    """How a network is fine-tuned after each removal, the same for every criterion. What is not
    given comes from the recipe, see the table of recipes below."""

    epochs: Count = of_recipe()
    """Passes over the training split after each removal."""
    final: Final | None = None

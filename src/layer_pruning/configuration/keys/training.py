"""Keys of training and fine-tuning."""

from typing import Annotated, Any, Literal

from annotated_types import Ge, Lt
from pydantic import Field, model_validator

from layer_pruning.configuration.keys.values import (
    Count,
    NotNegative,
    Number,
    Positive,
    Settings,
    Share,
    Whole,
)
from layer_pruning.training.catalog import RECIPES

BelowOne = Annotated[Number, Ge(0), Lt(1)]


def _from_recipe(phase: str, given: Any) -> Any:
    """What is given, and for what is not, the recipe."""
    if not isinstance(given, dict):
        return given
    recipe = given.get("recipe", "quick")
    settings = RECIPES.get(recipe if isinstance(recipe, str) else "", RECIPES["quick"])
    return settings[phase] | given


class Recipe(Settings):
    """Where what is not given comes from."""

    recipe: Literal["quick", "paper", "strong"] = Field("quick", exclude=True)
    """`quick` (a first look), `paper` (as in the literature) or `strong` (what has become usual
    since)."""


class Fitting(Settings):
    """What any phase may have of its own."""

    epochs: Count
    """Passes over the training split."""
    batch_size: Annotated[Whole, Ge(2)]
    """Images in a batch."""
    learning_rate: Positive
    """The highest learning rate of the schedule."""
    schedule: Literal["one_cycle", "cosine", "multi_step", "constant"]
    """`one_cycle` (up over 30 % of the steps, then down to zero), `cosine` (down to zero),
    `multi_step` (divided by ten at one half and three quarters) or `constant`."""
    weight_decay: Annotated[Number, Ge(0)]
    """On the weights of convolutions and linear layers; norms and biases go without."""
    label_smoothing: BelowOne
    """Share of the target spread over all classes."""
    cutout_pixels: NotNegative
    """A square so wide, at random in each image, is set to black (arXiv 1708.04552). 0 for none."""
    keep: Literal["last", "best_validation"]
    """The network of the `last` epoch, or of the epoch that was `best_validation`."""
    ema_decay: BelowOne
    """The moving average of the weights, with this decay a step, is kept in their place. 0 for
    none."""


class Phase(Fitting, Recipe):
    """What training and fine-tuning have in common. Keys without a default are the recipe's."""

    momentum: BelowOne
    """Nesterov momentum."""
    shift_pixels: NotNegative | None
    """Images are moved by up to so many pixels, at random. Empty, an eighth of their width, and
    none where they are streamed."""
    flip: bool | None
    """Images are mirrored at random. Empty, as the data have it: not for `digits` and `svhn`, where
    it makes another character, and for all others."""
    precision: Literal["auto", "float32", "bfloat16"]
    """`auto`, `float32` or `bfloat16` (mixed precision; weights stay in float32). `auto` is
    bfloat16 where the device has instructions for it and images have 16 × 16 pixels or more."""
    channels_last: bool
    """Channels lie together in memory, which convolutions prefer. The same result, up to
    rounding."""
    compile: bool
    """The network is compiled first (`torch.compile`; needs a C++ compiler). That takes half a
    minute or more for every network, and pays for long trainings on a GPU if at all."""

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        return _from_recipe(cls.__name__.lower(), given)


class Training(Phase):
    """How the baseline is trained. What is not given comes from the recipe, see the table of
    recipes below."""

    epochs: NotNegative
    """Passes over the training split. 0 takes the start weights (`architectures`) as they are."""


class Taught(Settings):
    """The baseline as a teacher."""

    distillation_weight: Share
    """Share of the loss that the baseline's predictions have as targets (arXiv 1503.02531). 0 for
    none."""
    distillation_temperature: Positive
    """The temperature at which they are compared."""


class Final(Taught, Fitting):
    """A last phase of fine-tuning for the networks that count (`report_at`), beside the path, which
    goes on from the short one. What is not given is as above. Its networks are those of
    `CRITERION-final`; `scratch` and `continued` are trained as much longer. Empty for none."""


class Finetuning(Taught, Phase):
    """How a network is fine-tuned after each removal, the same for every criterion. What is not
    given comes from the recipe, see the table of recipes below."""

    epochs: Count
    """Passes over the training split after each removal."""
    final: Final | None = None

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        """What the last phase is not given, but for its length, is as in those before it."""
        filled = _from_recipe("finetuning", given)
        final = filled.get("final") if isinstance(filled, dict) else None
        if not isinstance(final, dict):
            return filled
        shared = Final.model_fields.keys() & filled.keys() - {"epochs"}
        return filled | {"final": {key: filled[key] for key in shared} | final}

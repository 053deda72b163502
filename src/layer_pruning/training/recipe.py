"""What one training run does, as data. No torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


def validation_batch(pixels: int, batch_size: int) -> int:
    """Images of so many pixels that are sent through a network at a time after each epoch.

    Large ones go in batches as large as those of training, which are known to fit.
    """
    return 1024 if pixels <= 64 * 64 else batch_size


@dataclass(frozen=True)
class Recipe:
    """How parameters move, at which rate, and on what images."""

    epochs: int
    batch_size: int
    learning_rate: float
    """The highest of the schedule."""
    schedule: str
    weight_decay: float
    """On weights of convolutions and linear layers; norms and biases go without."""
    label_smoothing: float
    shift_pixels: int
    flip: bool
    keep: str
    """Which epoch's network is kept: the last, or the best on the validation split."""
    optimizer: str = "sgd"
    momentum: float = 0.9
    """Nesterov momentum of ``sgd``."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay of the means of gradients and of their squares, a step, of ``adamw``."""
    gradient_clipping: float = 0.0
    """The largest norm of all gradients together; 0 for no bound."""
    warmup_ratio: float = 0.0
    """Share of the steps over which the learning rate rises from zero, in a line."""
    layer_decay: float = 1.0
    """Factor of the learning rate from a block to the one before it."""
    rand_augment: int = 0
    """Magnitude of RandAugment, of 30; 0 for none."""
    mixup_alpha: float = 0.0
    cutmix_alpha: float = 0.0
    cutout_pixels: int = 0
    ema_decay: float = 0.0
    """Of the moving average of weights that is kept in their place; 0 for none."""
    distillation_weight: float = 0.0
    """Share of the loss that the unpruned network's predictions have; 0 for none."""
    distillation_temperature: float = 4.0
    precision: str = "auto"
    """Of convolutions and linear layers: auto (see training/precision.py), float32, bfloat16."""
    channels_last: bool = True
    compile: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Recipe":
        """A recipe from the keys of ``settings`` that are its own.

        ``momentum`` may be a mapping of more of them
        (:func:`layer_pruning.training.catalog.as_params`).
        """
        if isinstance(settings.get("momentum"), Mapping):
            settings = {key: value for key, value in settings.items() if key != "momentum"} | dict(
                settings["momentum"]
            )
        if "betas" in settings:
            settings = {**settings, "betas": tuple(settings["betas"])}
        names = [field.name for field in fields(cls) if field.name in settings]
        return cls(**{name: settings[name] for name in names})

    @property
    def mixes_images(self) -> bool:
        """Whether images of a batch are mixed with one another, and their labels with them."""
        return self.mixup_alpha > 0 or self.cutmix_alpha > 0

    @property
    def alters_images(self) -> bool:
        """Whether a network sees other images than those of the data."""
        moved = self.shift_pixels or self.flip or self.cutout_pixels
        return bool(moved or self.rand_augment or self.mixes_images)

    def learning_rate_at(self, progress: float) -> float:
        """The learning rate when ``progress`` (0 to 1) of all steps are done.

        ``one_cycle`` (Smith 2018, arXiv 1803.09820) warms up over the first 30 % from a
        twenty-fifth of the peak and falls to zero along half cosines; ``cosine`` (Loshchilov and
        Hutter 2017, arXiv 1608.03983) only falls; ``multi_step`` divides by ten at one half and
        at three quarters (He et al. 2016, arXiv 1512.03385). Where ``warmup_ratio`` says so, the
        rate first rises in a line, and ``cosine`` falls over what is left of the steps.

        A step learns by the rate at its middle, so that none learns by zero, where the falling
        schedules end and a warm-up begins.
        """
        warmup = self.warmup_ratio
        if progress < warmup:
            factor = progress / warmup
        elif self.schedule == "constant":
            factor = 1.0
        elif self.schedule == "multi_step":
            factor = 10.0 ** -((progress >= 0.5) + (progress >= 0.75))
        elif self.schedule == "cosine":
            factor = (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2
        elif progress < 0.3:
            factor = 1 / 25 + (1 - 1 / 25) * (1 - math.cos(math.pi * progress / 0.3)) / 2
        else:
            factor = (1 + math.cos(math.pi * (progress - 0.3) / 0.7)) / 2
        return self.learning_rate * factor

"""What one training run does, as data. No torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

SCHEDULES = ("one_cycle", "cosine", "multi_step", "constant")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with Nesterov momentum, and what goes with it."""

    epochs: int
    batch_size: int
    learning_rate: float
    """The highest of the schedule."""
    schedule: str
    momentum: float
    weight_decay: float
    """On weights of convolutions and linear layers; norms and biases go without."""
    label_smoothing: float
    shift_pixels: int
    flip: bool
    keep: str
    """Which epoch's network is kept: the last, or the best on the validation split."""
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
        """A recipe from the keys of ``settings`` that are its own."""
        names = [field.name for field in fields(cls) if field.name in settings]
        return cls(**{name: settings[name] for name in names})

    def learning_rate_at(self, progress: float) -> float:
        """The learning rate when ``progress`` (0 to 1) of all steps are done.

        ``one_cycle`` (Smith 2018, arXiv 1803.09820) warms up over the first 30 % from a
        twenty-fifth of the peak and falls to zero along half cosines; ``cosine`` (Loshchilov and
        Hutter 2017, arXiv 1608.03983) only falls; ``multi_step`` divides by ten at one half and
        at three quarters (He et al. 2016, arXiv 1512.03385).
        """
        if self.schedule == "constant":
            factor = 1.0
        elif self.schedule == "multi_step":
            factor = 10.0 ** -((progress >= 0.5) + (progress >= 0.75))
        elif self.schedule == "cosine":
            factor = (1 + math.cos(math.pi * progress)) / 2
        elif progress < 0.3:
            factor = 1 / 25 + (1 - 1 / 25) * (1 - math.cos(math.pi * progress / 0.3)) / 2
        else:
            factor = (1 + math.cos(math.pi * (progress - 0.3) / 0.7)) / 2
        return self.learning_rate * factor

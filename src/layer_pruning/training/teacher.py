"""The network whose predictions another learns from, at the least cost."""

import torch
from torch import Tensor, nn

from layer_pruning.data.loading import Split, StreamedSplit
from layer_pruning.models.behaviour import drawn_behaviour
from layer_pruning.training.recipe import Recipe
from layer_pruning.training.resume import fingerprint

BATCH = 512
"""Images at a time where predictions are remembered."""


class Teacher:
    """Predictions of a network in evaluation mode, as targets of distillation.

    Augmented images never come twice, so that every step asks the network again. Where a recipe
    changes no image, and the split lies in memory, each image is asked about once.
    """

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        precision: torch.dtype,
        layout: torch.memory_format,
    ) -> None:
        self.network = network.to(memory_format=layout).eval()
        self.precision, self.layout = precision, layout
        self.alters_images = recipe.alters_images
        self.remembered: Tensor | None = None

    def fingerprint(self) -> str:
        """A digest of the network."""
        return fingerprint({}, self.network.state_dict())

    def behaviour(self, input_shape: tuple[int, int, int]) -> dict[str, Tensor]:
        """What its code makes of its weights, in the one mode in which it is asked."""
        found = drawn_behaviour(self.network, input_shape)
        return {mode: logits for mode, logits in found.items() if mode == "evaluation"}

    def remember(self, split: Split | StreamedSplit) -> None:
        """Ask about each image of a split once, where that is all there is to ask."""
        if self.alters_images or self.remembered is not None or isinstance(split, StreamedSplit):
            return
        self.remembered = torch.cat([self.predict(images) for images, _ in split.batches(BATCH)])

    def of_batch(self, images: Tensor, chosen: Tensor) -> Tensor:
        """Logits (n, classes) for a batch, which is ``chosen`` (n,) of the split."""
        return self.predict(images) if self.remembered is None else self.remembered[chosen]

    @torch.no_grad()
    def predict(self, images: Tensor) -> Tensor:
        """Logits (n, classes) of images in [0, 1]."""
        casts = self.precision != torch.float32
        with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=casts):
            logits: Tensor = self.network(images.contiguous(memory_format=self.layout))
        return logits

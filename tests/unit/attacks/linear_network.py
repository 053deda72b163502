"""Networks whose robustness is known in closed form."""

import math

import torch
from torch import Tensor, nn

SHAPE = (1, 8, 8)


class Linear(nn.Module):
    """Logits w x + b; the closest image of class j lies at margin_j / ||w_y - w_j||_dual."""

    def __init__(
        self, classes: int, *, seed: int = 0, scale: float = 1.0, shape: tuple = SHAPE
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        weight = torch.randn(classes, math.prod(shape), generator=generator)
        self.weight = nn.Parameter(scale * weight)
        # no class wins on the grey image
        self.bias = nn.Parameter(-0.5 * self.weight.detach().sum(1))

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.weight.T + self.bias

    def distances(self, images: Tensor, labels: Tensor, norm: str) -> Tensor:
        """Distance (n,) to the nearest decision boundary, while no pixel meets 0 or 1."""
        weight = self.weight.detach().double()
        logits = images.double().flatten(1) @ weight.T + self.bias.detach().double()
        difference = weight[labels][:, None] - weight[None]
        dual = difference.abs().sum(2) if norm == "Linf" else difference.norm(dim=2)
        margins = logits.gather(1, labels[:, None]) - logits
        distances = margins / dual
        distances[torch.arange(len(labels)), labels] = float("inf")
        return distances.amin(1)


def grey_images(n: int, *, seed: int = 1, shape: tuple = SHAPE) -> Tensor:
    """Images (n, *shape) in [0.4, 0.6], so that perturbations up to 0.4 meet neither 0 nor 1."""
    generator = torch.Generator().manual_seed(seed)
    return 0.4 + 0.2 * torch.rand(n, *shape, generator=generator)


def epsilons_between(distances: Tensor, count: int) -> list[float]:
    """Epsilons in the widest gaps between the distances, where rounding decides nothing."""
    ordered = distances.sort().values
    widest = ordered.diff().argsort(descending=True)[:count]
    return sorted(((ordered[i] + ordered[i + 1]) / 2).item() for i in widest.tolist())

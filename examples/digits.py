"""Prune a network of one's own in one's own loop: handwritten digits, ten seconds on one core.

python examples/digits.py
"""

import torch
from sklearn.datasets import load_digits
from torch import nn

import layer_pruning


class Block(nn.Module):
    """A residual block: the convolutions can go, the shortcut stays."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Branch plus shortcut."""
        return x + self.branch(x)


def train(network: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int) -> None:
    """An ordinary training loop; the package has no say in it."""
    network.train()
    steps = epochs * -(-len(images) // 64)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.1, total_steps=steps)
    for _ in range(epochs):
        for chosen in torch.randperm(len(images)).split(64):
            loss = nn.functional.cross_entropy(network(images[chosen]), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    network.eval()


def accuracy(network: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of images that are given their class."""
    with torch.no_grad():
        return float((network(images).argmax(dim=1) == labels).float().mean())


def main(epochs: int = 5) -> None:
    """Train, then three times: score the blocks and remove one, fine-tune, measure."""
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    labels = torch.tensor(digits.target)
    seen, test = slice(0, 1300), slice(1300, None)

    module = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        *(Block(16) for _ in range(5)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )
    # quoted in the README
    network = layer_pruning.wrap(module, input_shape=(1, 8, 8), mean=[0.3], std=[0.4])
    train(network, images[seen], labels[seen], epochs)
    # in each step, the block that changes least is gone
    for step in layer_pruning.iterate(network, images[:400], labels[:400], removals=3):
        train(step.network, images[seen], labels[seen], epochs=2)
        cost = layer_pruning.measure(step.network)
        correct = accuracy(step.network, images[test], labels[test])
        print(f"less {step.removed[0]}: {cost['macs']:,} MACs, {100 * correct:.1f} % correct")
    # end of the quotation


if __name__ == "__main__":
    main()

"""Prune a network of timm by a target: handwritten digits, half a minute on one core.

python examples/with_timm.py
"""

import timm
import torch
from sklearn.datasets import load_digits
from timm.optim import create_optimizer_v2
from torch import nn

import layer_pruning


def train(network: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int) -> None:
    """An ordinary loop with timm's optimiser; its parameters are those that are left."""
    optimiser = create_optimizer_v2(network, opt="adamw", lr=2e-3, weight_decay=0.05)
    network.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(images)).split(64):
            loss = nn.functional.cross_entropy(network(images[chosen]), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    network.eval()


def main(epochs: int = 3) -> None:
    """Train a narrow ResNet, then remove blocks until 15 % of its work is gone."""
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    images = nn.functional.interpolate(images, scale_factor=4)
    labels = torch.tensor(digits.target)
    seen, validation = slice(0, 1300), slice(1300, None)

    # any name of timm does, with pretrained=True where its weights can be fetched
    module = timm.create_model(
        "resnet18", in_chans=1, num_classes=10, channels=(16, 16, 32, 32), drop_path_rate=0.05
    )
    network = layer_pruning.wrap(module, input_shape=(1, 32, 32), mean=[0.3], std=[0.4])
    train(network, images[seen], labels[seen], epochs)

    def accuracy(network: nn.Module) -> float:
        with torch.no_grad():
            right = network(images[validation]).argmax(dim=1) == labels[validation]
        return float(right.float().mean())

    pruning = layer_pruning.iterate(
        network,
        images[:200],
        labels[:200],
        target={"macs_reduction": 15},
        evaluate=accuracy,
        metrics=["cka", "kl"],
    )
    for step in pruning:
        train(step.network, images[seen], labels[seen], epochs=1)
    print(pruning.history[["removed", "macs_reduction", "accuracy"]].to_string())
    print(f"gone: {', '.join(pruning.network.header.removed_blocks)}")


if __name__ == "__main__":
    main()

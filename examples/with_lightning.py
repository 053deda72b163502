"""Prune in the loop of Lightning: handwritten digits, half a minute on one core.

python examples/with_lightning.py  (needs lightning)
"""

import lightning
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision.models.resnet import BasicBlock

import layer_pruning


class Classifier(lightning.LightningModule):
    """A LightningModule as anybody's; the network is one of its attributes."""

    def __init__(self, network: nn.Module, learning_rate: float) -> None:
        super().__init__()
        self.network, self.learning_rate = network, learning_rate

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """Loss of a batch."""
        images, labels = batch
        return nn.functional.cross_entropy(self.network(images), labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Made anew for every network, since parameters go with the blocks."""
        return torch.optim.AdamW(self.network.parameters(), lr=self.learning_rate)


def train(network: nn.Module, loader: DataLoader, epochs: int) -> None:
    """Everything that the Trainer can do (precision, several GPUs, callbacks) is at hand here."""
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="auto",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    # a wrapped network is in evaluation mode, and Lightning trains modules in the mode they are in
    trainer.fit(Classifier(network.train(), learning_rate=2e-3), loader)
    network.cpu().eval()


def main(epochs: int = 3) -> None:
    """Train a small ResNet, then remove blocks until a third of its work is gone."""
    lightning.seed_everything(0, verbose=False)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    labels = torch.tensor(digits.target)
    loader = DataLoader(TensorDataset(images[:1300], labels[:1300]), batch_size=64, shuffle=True)

    module = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        *(BasicBlock(16, 16) for _ in range(5)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )
    network = layer_pruning.wrap(module, input_shape=(1, 8, 8), mean=[0.3], std=[0.4])
    train(network, loader, epochs)

    def accuracy(network: nn.Module) -> float:
        with torch.no_grad():
            return float((network(images[1300:]).argmax(dim=1) == labels[1300:]).float().mean())

    pruning = layer_pruning.iterate(
        network,
        images[:200],
        labels[:200],
        target={"macs_reduction": 30},
        evaluate=accuracy,
        metrics=["cka", "kl"],
    )
    for step in pruning:
        train(step.network, loader, epochs=1)
    print(pruning.history[["removed", "macs_reduction", "accuracy"]].to_string())
    print(f"gone: {', '.join(pruning.network.header.removed_blocks)}")


if __name__ == "__main__":
    main()

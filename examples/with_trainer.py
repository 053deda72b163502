"""Prune in the loop of Hugging Face's Trainer: handwritten digits, half a minute on one core.

python examples/with_trainer.py  (needs transformers and accelerate)
"""

import tempfile

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from transformers import (
    ResNetConfig,
    ResNetForImageClassification,
    Trainer,
    TrainingArguments,
)

import layer_pruning


class WithLoss(nn.Module):
    """What the Trainer trains: images and labels in, loss and logits out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """The keys of an example are the names of these arguments."""
        logits = self.network(images)
        if labels is None:
            return {"logits": logits}
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


def train(network: nn.Module, examples: list[dict[str, Tensor]], epochs: int) -> None:
    """Everything that the Trainer can do (schedules, precision, several GPUs) is at hand here."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=epochs,
            per_device_train_batch_size=64,
            learning_rate=2e-3,
            lr_scheduler_type="cosine",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
        )
        Trainer(model=WithLoss(network), args=arguments, train_dataset=examples).train()
    network.cpu().eval()


def main(epochs: int = 3) -> None:
    """Train a small ResNet, then let accuracy say how many blocks may go."""
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    images = nn.functional.interpolate(images, scale_factor=4)
    labels = torch.tensor(digits.target)
    examples = [{"images": images[n], "labels": labels[n]} for n in range(1300)]

    config = ResNetConfig(
        num_channels=1,
        embedding_size=16,
        hidden_sizes=[16, 32],
        depths=[3, 3],
        layer_type="basic",
        num_labels=10,
    )
    module = ResNetForImageClassification(config)
    network = layer_pruning.wrap(module, input_shape=(1, 32, 32), mean=[0.3], std=[0.4])
    train(network, examples, epochs)

    def accuracy(network: nn.Module) -> float:
        with torch.no_grad():
            return float((network(images[1300:]).argmax(dim=1) == labels[1300:]).float().mean())

    pruning = layer_pruning.iterate(
        network,
        images[:200],
        labels[:200],
        target={"validation_accuracy": 0.6},
        removals=2,
        evaluate=accuracy,
        metrics=["cka", "kl"],
    )
    for step in pruning:
        train(step.network, examples, epochs=1)
    print(pruning.history[["removed", "macs_reduction", "accuracy"]].to_string())
    print(f"gone: {', '.join(pruning.network.header.removed_blocks)}")


if __name__ == "__main__":
    main()

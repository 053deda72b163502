"""What gives a pruned network its accuracy back, judged on the validation split alone.

    python benchmarks/recovery.py distillation results/digits/data.npz \\
        results/digits/resnet20/seed-*/baseline/network.safetensors
    python benchmarks/recovery.py surgery results/digits/data.npz \\
        results/digits/resnet20/seed-*/baseline/network.safetensors

`distillation` removes blocks and fine-tunes with several weights and temperatures; the last column
is the CPU time of a run over that without a teacher. `surgery` removes blocks and corrects what
follows before any training: statistics of norms estimated anew on training images, or a scale and a
shift of every channel of the next block's last norm by least squares, so that what that block gives
is nearest to what it gave; the last column is after fine-tuning.
"""

import argparse
import copy
import statistics
import tempfile
import time
from pathlib import Path

import torch
from options import add_machine, parser_of
from torch import Tensor, nn

from layer_pruning.data.image_file import read_data
from layer_pruning.data.loading import Split, split_on
from layer_pruning.models.network_file import read_network, write_network
from layer_pruning.models.residual import ResidualNetwork, load_network
from layer_pruning.surgery import without_block
from layer_pruning.training.catalog import recipe_settings
from layer_pruning.training.loop import accuracy, train
from layer_pruning.training.recipe import Recipe

# one of each stage, as a path would have them gone
BLOCKS = ("stage1.block2", "stage2.block2", "stage3.block2")
GRID = ((0.0, 4.0), (0.5, 4.0), (0.7, 1.0), (0.7, 2.0), (0.7, 4.0), (0.7, 8.0), (0.9, 4.0))
IMAGES = 2000
"""Training images from which corrections are estimated."""


def options() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("what", choices=("distillation", "surgery"))
    parser.add_argument("data", type=Path, help="data.npz of a run")
    parser.add_argument("networks", type=Path, nargs="+", help="baselines, a seed each")
    parser.add_argument("--blocks", nargs="+", default=list(BLOCKS), help="blocks to remove")
    parser.add_argument("--epochs", type=int, default=1, help="of fine-tuning [1]")
    parser.add_argument("--batch-size", type=int, default=128, help="[128]")
    parser.add_argument("--learning-rate", type=float, default=0.03, help="the highest [0.03]")
    add_machine(parser)
    return parser.parse_args()


def pruned(path: Path, blocks: list[str]) -> ResidualNetwork:
    """A network less some blocks."""
    header, tensors = read_network(path)
    for block in blocks:
        header, tensors = without_block(header, tensors, block)
    with tempfile.TemporaryDirectory() as folder:
        write_network(Path(folder, "pruned.safetensors"), header, dict(tensors))
        return load_network(Path(folder, "pruned.safetensors"))


class Tuning:
    """Fine-tuning on one data set, always the same but for what a run names."""

    def __init__(self, given: argparse.Namespace) -> None:
        device = torch.device(given.device)
        data = read_data(given.data)
        self.train, self.validation = (split_on(data, s, device) for s in ("train", "validation"))
        channels, _, width = data.description()["input_shape"]
        self.settings = recipe_settings("finetuning", {"recipe": "quick"}) | {
            "epochs": given.epochs,
            "batch_size": given.batch_size,
            "learning_rate": given.learning_rate,
            "shift_pixels": width // 8,
            "flip": channels == 3,
        }

    def accuracy(self, network: ResidualNetwork) -> float:
        """On validation, in percent."""
        return 100 * accuracy(network, self.validation, 512)

    def run(
        self, network: ResidualNetwork, teacher: ResidualNetwork, **changes: float
    ) -> tuple[float, float]:
        """Validation accuracy in percent after fine-tuning, and the seconds that it took."""
        network = copy.deepcopy(network)
        with tempfile.TemporaryDirectory() as folder:
            started = time.process_time()
            train(
                network,
                self.train,
                self.validation,
                Recipe.of(self.settings | changes),
                seed=0,
                state_path=Path(folder, "state"),
                teacher=teacher,
            )
        return self.accuracy(network), time.process_time() - started


def distillation(given: argparse.Namespace, tuning: Tuning) -> None:
    """Print a row a weight and temperature."""
    print("weight  temperature  validation accuracy, % (a network each)  mean   CPU time")
    plain: list[float] = []
    for weight, temperature in GRID:
        results = [
            tuning.run(
                pruned(path, given.blocks),
                load_network(path),
                distillation_weight=weight,
                distillation_temperature=temperature,
            )
            for path in given.networks
        ]
        values, seconds = zip(*results, strict=True)
        plain = plain or list(seconds)
        ratio = statistics.median(s / p for s, p in zip(seconds, plain, strict=True))
        each = " ".join(f"{value:6.2f}" for value in values)
        mean = f"{statistics.mean(values):6.2f}"
        print(f"{weight:6.1f}  {temperature:11.0f}  {each}  {mean}  {ratio:.2f}", flush=True)


def reestimated(network: ResidualNetwork, images: Tensor) -> ResidualNetwork:
    """A copy whose norms have statistics of these images."""
    network = copy.deepcopy(network).train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    with torch.no_grad():
        for part in images.split(250):
            network(part)
    return network.eval()


def corrected(whole: ResidualNetwork, network: ResidualNetwork, images: Tensor) -> ResidualNetwork:
    """A copy whose blocks after a gap give what they gave before, as nearly as a norm's affine can.

    For every channel the least-squares scale and shift of the norm's output, so that the sum with
    the shortcut is nearest to that of the whole network; folded into the norm.
    """
    network, names = copy.deepcopy(network), [block.name for block in whole.header.blocks]
    gone = set(network.header.removed_blocks)
    for place, name in enumerate(names[1:], start=1):
        if name in gone or names[place - 1] not in gone:
            continue
        norm = network.body.get_submodule(f"{name}.bn2")
        target = _sums(whole, name, images)
        branch, shortcut = _parts(network, name, images)
        y, x = (v.transpose(0, 1).flatten(1).double() for v in (target - shortcut, branch))
        centred = x - x.mean(1, keepdim=True)
        scale = (centred * y).sum(1) / (centred**2).sum(1).clamp(min=1e-12)
        shift = y.mean(1) - scale * x.mean(1)
        with torch.no_grad():
            norm.weight.mul_(scale.float())
            norm.bias.mul_(scale.float()).add_(shift.float())
    return network


@torch.no_grad()
def _parts(network: ResidualNetwork, name: str, images: Tensor) -> tuple[Tensor, Tensor]:
    """Branch and shortcut of a block, for all images."""
    found: dict[str, list[Tensor]] = {"branch": [], "shortcut": []}
    block = network.body.get_submodule(name)
    hooks = [
        block.get_submodule("bn2").register_forward_hook(lambda m, i, o: found["branch"].append(o)),
        block.get_submodule("shortcut").register_forward_hook(
            lambda m, i, o: found["shortcut"].append(o)
        ),
    ]
    for part in images.split(250):
        network(part)
    for hook in hooks:
        hook.remove()
    return torch.cat(found["branch"]), torch.cat(found["shortcut"])


def _sums(network: ResidualNetwork, name: str, images: Tensor) -> Tensor:
    branch, shortcut = _parts(network, name, images)
    return branch + shortcut


def surgery(given: argparse.Namespace, tuning: Tuning) -> None:
    """Print a row a network and correction: accuracy before and after fine-tuning."""
    assert isinstance(tuning.train, Split)
    chosen = torch.randperm(len(tuning.train.labels), generator=torch.Generator().manual_seed(0))
    images = tuning.train.floats(tuning.train.images[chosen[:IMAGES]])
    print(f"without {', '.join(given.blocks)}: validation accuracy, %")
    print("network  correction    at once  after fine-tuning")
    for path in given.networks:
        whole, plain = load_network(path), pruned(path, given.blocks)
        ways = {
            "none": plain,
            "statistics": reestimated(plain, images),
            "least squares": corrected(whole, plain, images),
        }
        name = path.parts[-3]
        print(f"{name:7s}  {'(unpruned)':13s} {tuning.accuracy(whole):7.2f}")
        for way, network in ways.items():
            before = tuning.accuracy(network)
            after, _ = tuning.run(network, whole)
            print(f"{name:7s}  {way:13s} {before:7.2f}  {after:7.2f}", flush=True)


if __name__ == "__main__":
    arguments = options()
    torch.set_num_threads(arguments.threads)
    (distillation if arguments.what == "distillation" else surgery)(arguments, Tuning(arguments))

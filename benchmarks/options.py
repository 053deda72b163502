"""The options that benchmarks share."""

import argparse
from pathlib import Path


def parser_of(documentation: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the documentation of a benchmark as it is written."""
    return argparse.ArgumentParser(
        description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_machine(parser: argparse.ArgumentParser, device: str = "cpu", threads: int = 1) -> None:
    """Add the options that say what is measured on."""
    parser.add_argument("--device", default=device, help=f"cpu, cuda, cuda:1 ... [{device}]")
    parser.add_argument("--threads", type=int, default=threads, help=f"CPU threads [{threads}]")


def add_released(parser: argparse.ArgumentParser) -> None:
    """Add the options that the benchmarks of one released network share."""
    parser.add_argument("weights", type=Path, help=".safetensors of a CIFAR ResNet")
    parser.add_argument("folder", type=Path, help="images: one folder a class")
    parser.add_argument("--architecture", default="resnet56", help="whose weights [resnet56]")
    parser.add_argument("--images", type=int, default=1000, help="probe images [1000]")
    add_machine(parser)

"""A writer of planted result folders, in the formats that the other stages write."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from layer_pruning.report.answers.answer import Answer
from layer_pruning.report.pages.overview import pairs, tables_of
from layer_pruning.report.summary import summarise

COUNTED = {"cpu": "counter: RAPL", "gpu": "none", "ram": "counter: RAPL"}
GUESSED = {"cpu": "estimate: 4 W a thread", "gpu": "none", "ram": "estimate: 20 W"}


@dataclass
class Planted:
    """Result folders below ``root``, with blocks named stage{s}.block{b}."""

    root: Path
    blocks: Sequence[str]
    dataset: str = "toy"
    architecture: str = "resnet8"
    block_macs: int = 100
    block_parameters: int = 10

    def folder(self, seed: int, criterion: str = "baseline", removed: int = 0) -> Path:
        above = self.root / "results" / self.dataset / self.architecture / f"seed-{seed}"
        if criterion == "baseline":
            return above / "baseline"
        return above / criterion / f"removed-{removed:02d}"

    def write(self, path: Path, record: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record))
        return path

    def network(
        self,
        seed: int,
        criterion: str = "baseline",
        removed: Sequence[str] = (),
        test: float = 0.8,
        validation: float = 0.7,
        kwh: float | None = 0.5,
        method: dict[str, str] | None = None,
    ) -> Path:
        """accuracy.json, complexity.json and emissions.json; ``kwh`` None is not measured."""
        folder = self.folder(seed, criterion, len(removed))

        def split(accuracy: float) -> dict[str, Any]:
            high = accuracy + 0.02 if accuracy + 0.02 <= 1 or accuracy > 1 else 1.0
            ends = {"interval_low": max(0.0, accuracy - 0.02), "interval_high": high}
            counts = {"images": 10_000, "correct": round(10_000 * accuracy)}
            accuracy = accuracy if accuracy > 1 else counts["correct"] / counts["images"]
            return counts | {"accuracy": accuracy, "chance": 0.1} | ends

        self.write(
            folder / "accuracy.json",
            {
                "splits": {"validation": split(validation), "test": split(test)},
                "interval": "Wilson 95 %",
            },
        )
        whole = 1000 + self.block_macs * len(self.blocks)
        macs = whole - self.block_macs * len(removed)
        self.write(
            folder / "complexity.json",
            {
                "macs": macs,
                "parameters": 100 + self.block_parameters * (len(self.blocks) - len(removed)),
                "baseline_macs": whole,
                "macs_reduction_percent": 100 * (1 - macs / whole),
                "convention": "multiply-accumulates",
                "removed_blocks": list(removed),
                "blocks": [block for block in self.blocks if block not in removed],
            },
        )
        self.write(
            folder / "emissions.json",
            {
                "measured": kwh is not None,
                "reason": None if kwh is not None else "no counter in the cellar",
                "energy_kwh": kwh,
                "emissions_kg_co2e": None if kwh is None else kwh / 10,
                "method": None if kwh is None else (method or GUESSED),
            },
        )
        return folder

    def block_latency(self, seed: int, whole: float, blocks: dict[str, float]) -> Path:
        """savings/latency.json of a baseline: seconds of the network and of its blocks."""
        seconds = {name: {"latency": value} for name, value in blocks.items()}
        return self.write(
            self.folder(seed) / "savings" / "latency.json",
            {"network": {"latency": whole}, "blocks": seconds},
        )

    def history(self, folder: Path, epochs: int) -> Path:
        path = folder / "history.csv"
        path.write_text(
            "epoch,learning_rate,train_loss,validation_accuracy,seconds\n"
            + "".join(f"{epoch},0.1,1.0,0.5,2.0\n" for epoch in range(1, epochs + 1))
        )
        return path

    def attack(
        self,
        folder: Path,
        outcomes: dict[float, Sequence[int]],
        clean: Sequence[int] | None = None,
        attack: str = "fgsm",
        norm: str = "Linf",
        indices: Sequence[int] | None = None,
    ) -> Path:
        """attacks/{attack}.json from one 0 or 1 an image for every epsilon."""
        images = len(next(iter(outcomes.values())))
        return self.write(
            folder / "attacks" / f"{attack}.json",
            {
                "attack": attack,
                "norm": norm,
                "seed": 0,
                "image_indices": list(range(images)) if indices is None else list(indices),
                "labels": [0] * images,
                "clean_correct": [1] * images if clean is None else list(clean),
                "saturated_images": 0,
                "epsilons": [
                    {
                        "epsilon": epsilon,
                        "correct": list(correct),
                        "robust_accuracy": sum(correct) / images,
                        "interval_low": max(0.0, sum(correct) / images - 0.05),
                        "interval_high": min(1.0, sum(correct) / images + 0.05),
                        "broken_by": {},
                        "seconds": 1.0,
                    }
                    for epsilon, correct in outcomes.items()
                ],
                "warnings": [],
            },
        )

    def shortcut(
        self,
        folder: Path,
        clean: Sequence[int],
        swapped: Sequence[int],
        follows: Sequence[int] | None = None,
        wrong: int = 1,
    ) -> Path:
        """shortcut.json of images of class 0: 1 where right in a test, or where the cue won."""
        images = len(clean)
        follows = [0] * images if follows is None else follows
        # class 2 is neither the image's nor, by default, the cue's
        tests = {
            "clean": [0 if right else 2 for right in clean],
            "congruent": [0] * images,
            "swapped": [
                0 if right else wrong if won else 2
                for right, won in zip(swapped, follows, strict=True)
            ],
        }

        def share(hits: Sequence[bool]) -> dict[str, float]:
            part = sum(hits) / len(hits)
            ends = {"interval_low": max(0.0, part - 0.1), "interval_high": min(1.0, part + 0.1)}
            return {"of": len(hits), "count": sum(hits), "share": part} | ends

        return self.write(
            folder / "shortcut.json",
            {
                "accuracy": {
                    name: share([found == 0 for found in classes])
                    for name, classes in tests.items()
                },
                "follows_cue": share([found == wrong for found in tests["swapped"]]),
                "cue_alone": share([True, False]),
                "labels": [0] * images,
                "swapped_cue_classes": [wrong] * images,
                "predictions": tests,
            },
        )

    def corruptions(
        self,
        folder: Path,
        correct: dict[str, Sequence[int]],
        of_image: Sequence[int],
        shifted: dict[str, Sequence[int]] | None = None,
        indices: Sequence[int] | None = None,
    ) -> Path:
        """corruptions.json from counts by corruption and severity, and by image."""
        tests = sum(map(len, correct.values())) * len(of_image)
        return self.write(
            folder / "corruptions.json",
            {
                "source": "built-in",
                "note": "built-in corruptions, not comparable with anything",
                "image_indices": list(range(len(of_image))) if indices is None else list(indices),
                "clean_correct": len(of_image),
                "severities": list(range(1, len(next(iter(correct.values()))) + 1)),
                "corruptions": correct,
                "correct_of_image": list(of_image),
                "corrupted_accuracy": sum(of_image) / tests,
                "shifted": {name: {"correct": list(c)} for name, c in (shifted or {}).items()},
            },
        )

    def calibration(
        self, folder: Path, errors: tuple[float, float], temperature: float | None = 2.0
    ) -> Path:
        """calibration.json whose expected calibration errors are those as trained and scaled."""

        def split(error: float) -> dict[str, Any]:
            bins = [{"low": 0.0, "high": 0.5, "images": 0, "accuracy": None, "confidence": None}]
            bins += [
                {"low": 0.5, "high": 0.7, "images": 10, "accuracy": 0.6, "confidence": 0.65},
                {"low": 0.9, "high": 1.0, "images": 90, "accuracy": 0.9, "confidence": 0.95},
            ]
            names = ("expected_calibration_error", "negative_log_likelihood", "brier_score")
            errors = dict(zip(names, (error, 10 * error, 2 * error), strict=True))
            ends = {
                f"{name}_interval_{end}": factor * value
                for name, value in errors.items()
                for end, factor in (("low", 0.8), ("high", 1.2))
            }
            return errors | ends | {"bins": bins}

        scaled = None if temperature is None else split(errors[1])
        both = {"images": 100, "as_trained": split(errors[0]), "scaled": scaled}
        return self.write(
            folder / "calibration.json",
            {
                "temperature": temperature,
                "reason": "no temperature fits" if temperature is None else None,
                "splits": {"validation": both, "test": both},
                "definition": "planted",
            },
        )

    def energy(
        self,
        folder: Path,
        joules: float | None,
        baseline_joules: float = 2.0,
        method: dict[str, str] | None = None,
    ) -> Path:
        """energy.json; ``joules`` None is not measured."""
        known = joules is not None
        return self.write(
            folder / "energy.json",
            {
                "inference": {
                    "measured": known,
                    "reason": None if known else "no meter in the attic",
                    "joules_per_image": joules,
                    "joules_per_image_interval_low": joules - 0.1 if known else None,
                    "joules_per_image_interval_high": joules + 0.1 if known else None,
                    "interval_coverage": 0.96875 if known else None,
                    "seconds_per_image": 0.003 if known else None,
                    "baseline_joules_per_image": baseline_joules if known else None,
                    "baseline_seconds_per_image": 0.004 if known else None,
                    "energy_reduction_percent": 100 * (1 - joules / baseline_joules)
                    if known
                    else None,
                    "method": (method or COUNTED) if known else None,
                },
            },
        )

    def latency(
        self,
        folder: Path,
        speed_up: float,
        quotient: float,
        stages: dict[str, float] | None = None,
        spread: float = 0.01,
        batches: Sequence[int] = (1, 64),
        modes: Sequence[str] = ("eager",),
    ) -> Path:
        """latency.json; each batch size is a tenth faster than the one before it."""

        def gain(ratio: float, over: float) -> dict[str, float]:
            names = {"speed_up_ratio": ratio, "speed_up_over_macs_ratio": over}
            return {
                f"{name}{end}": value * factor
                for name, value in names.items()
                for end, factor in (
                    ("", 1.0),
                    ("_interval_low", 1 - spread),
                    ("_interval_high", 1 + spread),
                )
            }

        timings = []
        for mode in modes:
            for place, batch in enumerate(batches):
                faster = 1.1**place
                timings.append(
                    {
                        "mode": mode,
                        "batch_size": batch,
                        "seconds": batch / speed_up / faster,
                        "baseline_seconds": float(batch),
                        "peak_memory_bytes": None,
                        "interval_coverage": 0.96,
                        **gain(speed_up * faster, quotient * faster),
                        "stages": {
                            name: {"seconds": 1.0} | gain(ratio, ratio * 0.9)
                            for name, ratio in (stages or {}).items()
                        },
                    }
                )
        macs = 1500 * quotient / speed_up
        return self.write(
            folder / "latency.json",
            {
                "device": "cpu",
                "macs": macs,
                "baseline_macs": 1500,
                "stages": {n: {"macs": 1500 / (r / 0.9)} for n, r in (stages or {}).items()},
                "load": {"other_cores_during": 0.25},
                "timings": timings,
            },
        )

    def ledger(
        self,
        folder: Path,
        saving: tuple[float, float, float] | None = (0.5, 0.4, 0.6),
        scoring: float | None = 100.0,
        images: tuple[float, float, float] | None = (1000.0, 800.0, 1250.0),
        verdict: str = "pays back",
        mixed_scales: str | None = None,
    ) -> Path:
        """ledger.json; ``saving`` and ``images`` with the ends of their intervals."""
        ends = ("", "_interval_low", "_interval_high")

        def cost(joules: float | None, method: dict[str, str]) -> dict[str, Any]:
            reason = None if joules is not None else "no power model"
            return {"joules": joules, "methods": [method], "reason": reason}

        return self.write(
            folder / "ledger.json",
            {
                "costs": {
                    "training": cost(3000.0, COUNTED),
                    "scoring": cost(scoring, GUESSED),
                    "finetuning": cost(400.0, COUNTED),
                    "attacks": cost(900.0, GUESSED),
                },
                **{
                    f"saving_joules_per_image{end}": saving[place] if saving else None
                    for place, end in enumerate(ends)
                },
                "saving_method": COUNTED if saving else None,
                "mixed_scales": mixed_scales,
                "break_even": {
                    "verdict": verdict,
                    **{
                        f"images{end}": images[place] if images else None
                        for place, end in enumerate(ends)
                    },
                },
            },
        )


BLOCKS = ["stage1.block1", "stage1.block2", "stage2.block1", "stage2.block2", "stage3.block1"]


def after_one_removal(
    planted: Planted, tests: Mapping[str, Sequence[float]], **more: Any
) -> pd.DataFrame:
    """The summary of a baseline and criteria that removed one block, by test accuracy a seed."""
    return summarise(
        [
            planted.network(seed, name, BLOCKS[:1] if name != "baseline" else (), test=test)
            for name, values in tests.items()
            for seed, test in enumerate(values)
        ],
        **more,
    )


def answers_on(
    summary: pd.DataFrame, attacks: Sequence[Path] = (), shortcuts: Sequence[Path] = (), **more: Any
) -> dict[str, Answer]:
    """The answers of the front page by name, of the one data set and architecture in a summary."""
    (pair,) = pairs(summary, tables_of(summary, attacks, shortcuts=shortcuts), **more)
    return {answer.name: answer for answer in pair.answers}


def facts_on(summary: pd.DataFrame, *files: Sequence[Path], **more: Any) -> dict[str, Any]:
    """What the words of every answer are made of."""
    return {name: answer.facts for name, answer in answers_on(summary, *files, **more).items()}

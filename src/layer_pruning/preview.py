"""What a configuration asks for, told before anything runs. No torch, unless a network needs it."""

from pathlib import Path
from typing import Any

from layer_pruning.access import check_home
from layer_pruning.configuration import (
    blocks_per_step,
    check_parses,
    complete,
    datasets,
    epochs_of,
    networks,
    pruning_criteria,
    scratch_criteria,
)
from layer_pruning.models.network_blocks import blocks_of
from layer_pruning.steps import steps_to
from layer_pruning.targets import removals_of


def preview(path: Path) -> dict[str, Any]:
    """Check a configuration file as the workflow does, and count what it asks for.

    Raises ConfigError in one line for the first thing that is wrong, and PermissionError where
    Snakemake could not start.
    """
    check_home()
    config = complete(check_parses(path))
    infos = datasets(config)
    runs = len(infos) * len(config["architectures"]) * len(config["seeds"])
    removals, pruning = removals_of(config), pruning_criteria(config)
    rounds = [len(steps_to(most, blocks_per_step(config))) for most in removals.values()]
    pruned = sum(rounds) * len(config["seeds"]) * len(pruning)
    from_scratch = runs * len(scratch_criteria(config))
    examined = pruned if config["evaluation"]["networks"] == "all" else runs * len(pruning)
    return {
        "configuration": str(path),
        "datasets": {
            name: {
                "classes": info.classes,
                "input_shape": list(info.input_shape),
                "left_out": info.left_out,
            }
            for name, info in infos.items()
        },
        "architectures": {
            name: {
                "blocks": len(blocks_of(network)),
                "removable_blocks": sum(block.removable for block in blocks_of(network)),
            }
            for name, network in networks(config).items()
        },
        "criteria": {name: one["metrics"] for name, one in pruning.items()},
        "scratch": scratch_criteria(config),
        "seeds": config["seeds"],
        "removals": sorted(set(removals.values())),
        "trainings": runs,
        "training_epochs": epochs_of(config, "training"),
        "finetunings": pruned,
        "finetuning_epochs": epochs_of(config, "finetuning"),
        "trainings_from_scratch": from_scratch,
        "attacks": (runs + examined + from_scratch) * len(config["attacks"]),
        "device": config["device"],
    }


def preview_text(record: dict[str, Any]) -> str:
    """The lines of ``layer-pruning check``."""
    lines = [f"{record['configuration']} can be run. It asks for"]
    for name, data in record["datasets"].items():
        shape = " × ".join(map(str, data["input_shape"]))
        lines.append(f"  data          {name}: {data['classes']} classes, images of {shape}")
        if data["left_out"]:
            lines.append(f"                {data['left_out']}")
    for name, network in record["architectures"].items():
        lines.append(
            f"  network       {name}: {network['blocks']} blocks, of which "
            f"{network['removable_blocks']} can go"
        )
    for name, metrics in record["criteria"].items():
        lines.append(f"  criterion     {name}: {', '.join(metrics)}")
    for name, source in record["scratch"].items():
        lines.append(f"  criterion     {name}: what {source} leaves, from new weights")
    removals, training, finetuning = (
        " or ".join(map(str, record[key]))
        for key in ("removals", "training_epochs", "finetuning_epochs")
    )
    lines += [
        f"  trainings     {record['trainings']} of {training} epochs"
        + (f", {record['trainings_from_scratch']} from new weights" if record["scratch"] else ""),
        f"  fine-tunings  {record['finetunings']} of {finetuning} epochs, "
        f"{removals} removals for each criterion and seed",
        f"  attacks       {record['attacks']}",
        f"  device        {record['device']}",
    ]
    return "\n".join(lines)

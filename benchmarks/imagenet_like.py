"""A folder like ImageNet in small, and configurations of whole chains on it at 224 pixels.

    python benchmarks/imagenet_like.py try
    cd try && snakemake --snakefile ../Snakefile --cores 1 --configfile resnet50.yaml
    python ../benchmarks/workflow.py results/imagenet_like/resnet50 --asked resnet50.yaml

Written are pictures of 400 × 400 pixels, `train`, `val` and `test`, and a configuration for each
network: one epoch, two removals, everything else that a run does. Weights begin at random. So few
images say what stages cost beside each other, and nothing of accuracy.
"""

import json
from pathlib import Path

from options import parser_of
from pictures import write_pictures

NETWORKS = ("resnet50", "convnext_tiny", "swin_t", "vit_b_16")
# what needs more images than features (2,048 of a ResNet-50) is left out, as the manual advises,
# and `permutation`, whose search is long where features outnumber images
METRICS = ["cka", "procrustes", "wasserstein", "stochastic_means", "kl"]


def configuration(
    network: str, *, batch: int, probe: int, attacked: int, export: str
) -> dict[str, object]:
    """A whole chain of one network: images in a batch, to score with (a class), and to attack."""
    epoch = {"epochs": 1, "batch_size": batch, "learning_rate": 0.001}
    return {
        "quick": True,
        "device": "cpu",
        "datasets": {
            # streamed, as ImageNet itself would be, which has more than 4 GB
            "imagenet_like": {
                "kind": "image_folder",
                "path": "pictures",
                "image_size": 224,
                "stream": True,
            }
        },
        "architectures": [network],
        "criteria": {"votes": METRICS},
        "removals": 2,
        "min_blocks_per_stage": 1,
        "seeds": [0],
        "training": epoch,
        "finetuning": epoch,
        "probe": {"images_per_class": probe},
        "attacks": {"fgsm": {"epsilons": ["1/255", "4/255"]}},
        "attacked_images": {"count": attacked, "batch_size": attacked},
        "corruptions": {"names": ["gaussian_noise", "motion_blur"], "severities": [3]},
        "latency": {"batch_sizes": [1], "repeats": 10},
        "energy": {"window_seconds": 0.5, "repeats": 6, "carbon_intensity_g_per_kwh": 475},
        "bootstrap": {"resamples": 2},
        "export": {"networks": export},
    }


def main() -> None:
    """Write the pictures and the configurations."""
    parser = parser_of(__doc__)
    parser.add_argument("folder", type=Path, help="a new folder")
    parser.add_argument("--classes", type=int, default=4, help="classes [4]")
    parser.add_argument("--each", type=int, default=40, help="training images of each class [40]")
    parser.add_argument("--batch", type=int, default=8, help="images in a batch [8]")
    parser.add_argument("--probe", type=int, default=2, help="probe images of each class [2]")
    parser.add_argument("--attacked", type=int, default=8, help="images to attack [8]")
    parser.add_argument("--export", default="last", help="networks to export [last]")
    given = parser.parse_args()
    first = 0
    parts = {"train": given.each, "val": -(-given.each // 8), "test": -(-given.each // 4)}
    for split, each in parts.items():
        place = given.folder / "pictures" / split
        write_pictures(place, classes=given.classes, each=each, first=first)
        first += each
    for network in NETWORKS:
        keys = ("batch", "probe", "attacked", "export")
        chain = configuration(network, **{key: getattr(given, key) for key in keys})
        text = json.dumps(chain, indent=1)
        (given.folder / f"{network}.yaml").write_text(text + "\n")


if __name__ == "__main__":
    main()

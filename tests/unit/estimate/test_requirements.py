"""What jobs ask for: enough at the size of ImageNet, little for digits, more on a retry."""

import numpy as np
import pytest
import torch
from PIL import Image

from layer_pruning.configuration import complete
from layer_pruning.data import catalog
from layer_pruning.estimate.requirements import SWEPT_BYTES, SWEPT_IMAGES, Requirements
from layer_pruning.models.discovery import size_of
from layer_pruning.models.residual import new_network
from layer_pruning.models.specifications import CifarResNet
from small_networks import header

GIVEN = {"energy": {"carbon_intensity_g_per_kwh": 100}, "device": "cpu"}
# for as few images as a test can write
SMALL = {
    "probe": {"images_per_class": 4},
    "criteria": {"cka": ["cka"]},
    "attacked_images": {"count": 4},
}


@pytest.mark.parametrize("shortcut", ["parameter_free", "projection"])
@pytest.mark.parametrize("side", [8, 13])
def test_the_size_of_a_cifar_resnet_is_that_of_the_module(shortcut, side):
    shape = (3, side, side)
    options = {"depth": 14, "widths": [4, 6, 9], "shortcut": shortcut}
    body = new_network(header("narrow", classes=7, shape=shape, **options), 0).body
    expected = size_of(body, torch.zeros(1, *shape))
    assert CifarResNet(14, (4, 6, 9), shortcut).size(shape, 7) == expected
    assert expected.parameters == sum(p.numel() for p in body.parameters())


@pytest.mark.parametrize(("name", "side"), [("resnet20", 32), ("swin_t", 64)])
def test_macs_are_those_of_the_complexity_of_a_network(name, side):
    """Of a transformer too, whose attention uses its linear layers without calling them."""
    from layer_pruning.evaluation.complexity import counted_cost

    network = new_network(header(name, shape=(3, side, side)), 0)
    macs = size_of(network.body, torch.zeros(1, 3, side, side)).macs
    assert macs == counted_cost(network, (3, side, side)).macs_with_attention


def test_attention_alone_puts_out_what_it_keeps():
    attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)

    class Alone(torch.nn.Module):
        def forward(self, image):
            return attention(tokens := image.flatten(2).mT, tokens, tokens)[0]

    size = size_of(Alone(), torch.rand(1, 8, 3, 3))
    # nine tokens: queries, keys and values, weights of two heads, their sums, and the projection
    assert size.map_values == 9 * 3 * 8 + 2 * 9 * 9 + 9 * 8 + 9 * 8


def test_what_sees_features_alone_asks_for_no_network():
    wide = GIVEN | {
        "criteria": {"cka": ["cka"]},
        "architectures": {"wide": {"depth": 20, "widths": [640, 640, 640]}},
    }
    requirements = Requirements(complete(wide))
    asked = [
        requirements.memory_mb(work, "digits", "wide")
        for work in ("agreement", "scoring", "evaluation")
    ]
    # scores read its file
    assert asked[0] < 1000 and asked[0] + 500 < asked[1] < asked[2]


def test_a_batch_is_no_larger_than_its_split_and_a_sweep_has_the_chunks_of_its_room():
    from layer_pruning.activations import sweep

    assert (SWEPT_BYTES, SWEPT_IMAGES) == (sweep._CPU_BYTES, sweep._CPU_IMAGES)
    requirements = Requirements(complete(GIVEN))
    assert requirements._job("evaluation", "digits", "resnet20").batch == 450


def test_corruptions_ask_for_what_is_given():
    def minutes(**given):
        images = {"attacked_images": {"count": 400}}
        config = complete(GIVEN | images | {"corruptions": given})
        job = Requirements(config)._job("corruptions", "digits", "resnet20")
        return job.images, job.other_seconds

    few, many = minutes(names=["contrast"], severities=[1]), minutes(names=None)
    assert few[0] == 2 * 400 and many[0] == 51 * 400
    assert many[1] == pytest.approx(50 * few[1])


def test_digits_ask_for_little():
    requirements = Requirements(complete(GIVEN))
    asked = {
        work: requirements.memory_mb(work, "digits", "resnet20")
        for work in requirements.jobs
        if work != "final"
    }
    assert max(asked.values()) <= 1200, asked


def test_metering_asks_for_the_windows_of_its_networks_and_blocks():
    def minutes(work, **energy):
        given = {"energy": {"carbon_intensity_g_per_kwh": 100} | energy, "device": "cpu"}
        return Requirements(complete(given)).minutes(work, "digits", "resnet20")

    windows = {"window_seconds": 60, "repeats": 10}
    # a network and its baseline, and nine blocks
    assert minutes("measurement", **windows) - minutes("measurement") >= 2 * 10 - 2
    assert minutes("metering of blocks", **windows) >= 9 * 10


def test_every_attempt_asks_for_as_much_again():
    requirements = Requirements(complete(GIVEN))
    for ask in (requirements.memory_mb, requirements.minutes):
        first = ask("training", "digits", "resnet20")
        assert [ask("training", "digits", "resnet20", n) for n in (1, 2, 3)] == [
            first,
            2 * first,
            3 * first,
        ]


def test_what_is_asked_for_grows_with_the_work():
    def asked(work="training", ask="memory_mb", **changes):
        config = complete(
            GIVEN | {"datasets": ["cifar10"], "architectures": ["resnet20"]} | changes
        )
        [name] = config["architectures"]
        return getattr(Requirements(config), ask)(work, "cifar10", name)

    least = asked()
    assert asked(training={"batch_size": 1024}) > 2 * least
    assert asked(architectures=["resnet110"]) > least
    assert asked(training={"processes": 2}) == pytest.approx(2 * least, abs=200)
    assert asked(ask="minutes", training={"epochs": 200}) > 5 * asked(ask="minutes")
    assert asked("activations", "disk_mb", probe={"images_per_class": 400}) > asked(
        "activations", "disk_mb"
    )
    more = {"resamples": 1000}
    assert asked("agreement", "minutes", bootstrap=more) > asked("agreement", "minutes")


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """A folder that counts as one of 1,000 times as many images."""
    for label in ("cat", "dog"):
        for number in range(8):
            path = tmp_path / label / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)
    return {"pictures": {"kind": "image_folder", "path": str(tmp_path), "image_size": 224}}


def test_a_folder_is_streamed_by_its_size_unless_told_otherwise(photographs, monkeypatch):
    def streams(**given):
        dataset = {"pictures": photographs["pictures"] | given}
        return complete(GIVEN | SMALL | {"datasets": dataset})["datasets"]["pictures"]["stream"]

    # 16 images of 224 × 224 × 3 bytes take 3 MB
    assert streams() is False and streams(stream=True) is True
    monkeypatch.setattr(catalog, "LARGEST_IN_MEMORY", 2)
    assert streams() is True and streams(stream=False) is False
    # what needs images in memory, or has none that are all alike, stays there
    assert streams(image_size=None) is False


@pytest.mark.long
def test_imagenet_with_a_resnet50_is_given_what_a_step_of_it_holds(photographs):
    """Measured for a step in batches of eight: see docs/benchmarks.md."""
    dataset = {"pictures": photographs["pictures"] | {"stream": True}}
    config = complete(
        GIVEN
        | SMALL
        | {
            "datasets": dataset,
            "architectures": ["resnet50"],
            "training": {"batch_size": 64},
        }
    )
    requirements = Requirements(config)
    assert 8000 < requirements.memory_mb("training", "pictures", "resnet50") < 64000

import json
import subprocess
import sys

import pytest

from layer_pruning.attacks.result import join_results, outcome, read_result, write_result
from layer_pruning.intervals import wilson_interval


def example() -> dict:
    return {
        "attack": "fgsm",
        "norm": "Linf",
        "seed": 0,
        "image_indices": [4, 7],
        "labels": [1, 0],
        "clean_correct": [1, 0],
        "saturated_images": 0,
        "epsilons": [
            {
                "epsilon": 0.03,
                "correct": [1, 0],
                "robust_accuracy": 0.5,
                "interval_low": 0.1,
                "interval_high": 0.9,
                "broken_by": {"fgsm": 0},
                "seconds": 1.5,
            }
        ],
        "warnings": ["something"],
    }


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "attacks" / "fgsm.json"
    write_result(path, example())
    assert read_result(path) == example()


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.pop("norm"),
        lambda r: r.update(extra=1),
        lambda r: r.update(attack="cw"),
        lambda r: r["image_indices"].append(9),
        lambda r: r["epsilons"].clear(),
        lambda r: r["epsilons"][0].pop("seconds"),
        lambda r: r["epsilons"][0].update(correct=[1]),
        lambda r: r["epsilons"][0].update(correct=[1, 2]),
        lambda r: r["epsilons"][0].update(correct=[1, 1]),
    ],
)
def test_a_damaged_result_is_refused_with_one_line_naming_the_file(tmp_path, change):
    result = example()
    change(result)
    path = tmp_path / "fgsm.json"
    path.write_text(json.dumps(result))
    with pytest.raises(ValueError, match=r"fgsm\.json") as caught:
        read_result(path)
    assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(ValueError, match=r"fgsm\.json"):
        write_result(path, result)
    assert not path.exists()


def test_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "pgd.json"
    path.write_text('{"attack": ')
    with pytest.raises(ValueError, match=r"pgd\.json: not JSON"):
        read_result(path)


@pytest.mark.parametrize("module", ["attacks", "attacks.catalog", "attacks.result", "intervals"])
def test_light_modules_import_nothing_heavy(module):
    code = (
        f"import sys, layer_pruning.{module}; "
        "print([m for m in ('torch', 'numpy', 'pyautoattack') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def part(correct, broken, *, first=0, warnings=(), **changes):
    """A part of an attack at epsilon 0.1, its images numbered from ``first``."""
    return {
        "attack": "autoattack",
        "norm": "Linf",
        "seed": 0,
        "image_indices": list(range(first, first + len(correct))),
        "labels": [0] * len(correct),
        "clean_correct": [1] * len(correct),
        "saturated_images": 1,
        "epsilons": [outcome(0.1, correct, broken, 2.0)],
        "warnings": list(warnings),
    } | changes


def test_parts_are_joined_in_order_and_counts_are_added(tmp_path):
    one = part([1, 0, 0], {"apgd-ce": 2, "square": 0}, warnings=["a", "b"])
    other = part([0, 1], {"apgd-ce": 1, "square": 0}, first=3, warnings=["b"])
    joined = join_results([one, other])
    assert joined["image_indices"] == [0, 1, 2, 3, 4]
    (entry,) = joined["epsilons"]
    assert entry["correct"] == [1, 0, 0, 0, 1]
    assert entry["robust_accuracy"] == 0.4
    assert (entry["interval_low"], entry["interval_high"]) == wilson_interval(2, 5)
    assert entry["broken_by"] == {"apgd-ce": 3, "square": 0}
    assert entry["seconds"] == 4
    assert joined["saturated_images"] == 2
    assert joined["warnings"] == ["a", "b"]
    write_result(tmp_path / "a.json", joined)
    assert read_result(tmp_path / "a.json") == joined
    # joining in two steps is joining at once
    assert join_results([join_results([one]), other]) == joined


def test_what_square_broke_is_judged_over_all_images():
    # 1 of 100 is above the share of 0.2 % that AutoAttack warns of, 1 of 600 is not
    warned = join_results([part([1] * 99 + [0], {"square": 1})])
    (text,) = warned["warnings"]
    assert text.startswith("Square alone broke 1 images at epsilon 0.1")
    rest = part([1] * 500, {"square": 0}, first=100)
    assert join_results([warned, rest])["warnings"] == []
    more = part([1] * 499 + [0], {"square": 1}, first=100)
    (text,) = join_results([warned, more])["warnings"]
    assert text.startswith("Square alone broke 2 images")


def test_saturation_is_counted_over_all_parts():
    parts = [part([1], {}, attack="pgd"), part([1, 1], {}, first=1, attack="pgd")]
    (text,) = join_results([join_results(parts[:1]), parts[1]])["warnings"]
    assert text.startswith("2 of 3 images have a softmax of 1")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (part([1], {}, first=1, seed=1), "seed"),
        (part([1], {}, first=1, norm="L2"), "norm"),
        (part([1], {}, first=1, epsilons=[outcome(0.2, [1], {}, 1.0)]), "different epsilons"),
        (part([1], {}, first=0), "twice"),
    ],
)
def test_parts_that_do_not_belong_together_are_not_joined(other, message):
    with pytest.raises(ValueError, match=message):
        join_results([part([1], {}), other])
    with pytest.raises(ValueError, match="no parts"):
        join_results([])


def test_images_that_broke_are_kept_as_pictures(generator):
    """The pictures are the images themselves, and what they are taken for is not their class."""
    import base64
    import io

    import numpy as np
    import torch
    from PIL import Image

    from layer_pruning.attacks.evaluation import attack_network
    from small_networks import random_network

    network = random_network("resnet8").eval()
    images = torch.rand(6, *network.header.input_shape)
    with torch.no_grad():
        labels = network(images).argmax(dim=1)
    options = {"attack": "fgsm", "norm": "Linf", "epsilons": [0.3], "seed": 0}
    record = attack_network(network, images, labels, **options)
    broken = record["epsilons"][0]["correct"].count(0)
    assert len(record["examples"]) == min(broken, 3) > 0
    for example in record["examples"]:
        assert example["label"] != example["taken_for"]
        clean, attacked = (
            np.asarray(Image.open(io.BytesIO(base64.b64decode(example[key]))), dtype=float)
            for key in ("clean_png", "attacked_png")
        )
        first = next(i for i in range(6) if np.abs(clean / 255 - _pixels(images[i])).max() < 0.01)
        assert int(labels[first]) == example["label"]
        assert 0 < np.abs(clean - attacked).max() <= 255 * 0.3 + 1


def _pixels(image):
    return image.permute(1, 2, 0).squeeze(2).numpy()

import json
import subprocess
import sys

import pytest

from layer_pruning.attacks.result import read_result, write_result


def example() -> dict:
    return {
        "attack": "fgsm",
        "norm": "Linf",
        "seed": 0,
        "image_indices": [4, 7],
        "labels": [1, 0],
        "clean_correct": [1, 0],
        "epsilons": [
            {
                "epsilon": 0.03,
                "correct": [1, 0],
                "robust_accuracy": 0.5,
                "interval_low": 0.1,
                "interval_high": 0.9,
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

"""What an exported network says of where it is from."""

import pytest

from layer_pruning.configuration import complete
from layer_pruning.export.provenance import provenance

CONFIG = {
    "criteria": {"mine": ["kl"], "continued": {"epochs_of": "mine"}},
    "finetuning": {"final": {"epochs": 3}},
    "energy": {"carbon_intensity_g_per_kwh": 475},
}


@pytest.mark.parametrize(
    ("network", "criterion", "removals", "metrics"),
    [
        ("baseline", None, 0, None),
        ("mine/removed-03", "mine", 3, ["kl"]),
        ("mine-final/removed-05", "mine-final", 5, ["kl"]),
        ("continued/beside-05", "continued", 0, None),
    ],
)
def test_a_network_names_the_criterion_that_chose_its_blocks(network, criterion, removals, metrics):
    names = {"network": network, "dataset": "digits", "architecture": "resnet20", "seed": "1"}
    told = provenance(complete(CONFIG), names, "0")
    assert (told["criterion"], told["removals"], told["seed"]) == (criterion, removals, 1)
    assert (told["settings"]["criterion"] or {}).get("metrics") == metrics

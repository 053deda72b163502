"""How many jobs a forecast counts: as many networks as the chain has."""

import pytest

from layer_pruning.chain import Chain
from layer_pruning.configuration import complete
from layer_pruning.estimate.forecast import work_of

HERE = ("digits", "resnet20")


@pytest.mark.parametrize(
    ("given", "examined"),
    [
        ({}, 2),
        # every network that counts, not the last one alone
        ({"report_at": [1, 3]}, 4),
        ({"report_at": [1, 3], "evaluation": {"criteria": ["votes"]}}, 2),
        ({"evaluation": {"networks": "all"}}, 6),
        ({"finetuning": {"final": {"epochs": 2}}}, 2),
    ],
)
def test_networks_that_count_are_examined(given, examined):
    criteria = {"votes": ["cka", "cca"], "random": ["random"]}
    config = complete(
        {"energy": {"carbon_intensity_g_per_kwh": 100}, "device": "cpu", "seeds": [0, 1]}
        | {"criteria": criteria, "removals": 3}
        | given
    )
    work = work_of(config, Chain.of(config), *HERE)
    assert work.examined == 2 * examined
    assert work.attacked == 2 * (1 + examined)

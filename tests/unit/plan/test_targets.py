"""How many removals a configuration asks for."""

import pytest

from layer_pruning.chain import Chain
from layer_pruning.configuration import ConfigError, complete
from layer_pruning.evaluation.complexity import multiply_accumulates, parameter_count
from layer_pruning.models.residual import new_network
from layer_pruning.plan.targets import counted_costs, counted_of, removals_of
from small_networks import header


def removals(**given):
    config = complete({"energy": {"carbon_intensity_g_per_kwh": 1}} | given)
    return removals_of(config)


def test_removals_are_what_was_given_or_else_all_there_are():
    both = {"architectures": ["resnet14", "resnet20"]}
    assert set(removals(**both, removals=2).values()) == {2}
    most = {("digits", "resnet14"): 3, ("digits", "resnet20"): 6}
    assert removals(**both, target={"validation_accuracy": 0.5}) == most
    assert removals(**both, target={"latency_reduction": 99}) == most
    assert removals(removals=2, target={"macs_reduction": 5}) == {("digits", "resnet20"): 2}


def test_a_counted_target_asks_each_network_for_its_own_number():
    # a block of a ResNet-20 saves 11.7 % of its multiply-accumulates, one of a ResNet-32 7 %
    found = removals(architectures=["resnet20", "resnet32"], target={"macs_reduction": 20})
    assert found == {("digits", "resnet20"): 2, ("digits", "resnet32"): 3}
    # one block of the third stage is enough, but a choice may begin with the two of the first
    # (1.7 % each) and one of the second (6.9 %)
    parameters = {"target": {"parameters_reduction": 12}}
    assert removals(**parameters)["digits", "resnet20"] == 4
    protect = [f"stage1.block{number}" for number in (1, 2, 3)]
    assert removals(**parameters, protect=protect)["digits", "resnet20"] == 2


def test_listed_blocks_go_as_far_as_they_do_whatever_removals_says():
    given = {
        "architectures": ["resnet14"],
        "criteria": {"late": {"blocks": ["stage3.block2"]}},
        "energy": {"carbon_intensity_g_per_kwh": 475},
    }
    asked = Chain.of(complete(given))
    here = ("digits", "resnet14")
    assert asked.all(*here) == ["baseline", "late/removed-01"]
    # no more than there are, in what is worked out from it
    assert asked.removals == {here: 3}
    ranked = given | {"criteria": given["criteria"] | {"votes": {"metrics": ["cka"]}}}
    with pytest.raises(ConfigError, match="removals: 5, the default, is more than the 3"):
        complete(ranked)


def test_networks_count_at_numbers_of_removals_and_at_reductions():
    def counted(**given):
        return counted_of(complete({"energy": {"carbon_intensity_g_per_kwh": 1}} | given))

    one = ("digits", "resnet20")
    assert counted(removals=4) == {one: [4]}
    assert counted(removals=4, report_at=[4, 2]) == {one: [2, 4]}
    # a block saves 11.73 % of the multiply-accumulates, wherever it is
    assert counted(removals=6, report_at=["36 %", "23.4%", 1]) == {one: [1, 2, 4]}
    with pytest.raises(ConfigError, match="report_at: 5 is beyond the 4 removals of resnet20"):
        counted(removals=4, report_at=[5])
    short = r"report_at: 60 % cannot be reached .* removals: 4 and .*; removals: 6 would do$"
    with pytest.raises(ConfigError, match=short):
        counted(removals=4, report_at=["60 %"])
    # 34.9085 and 69.8171 %, as `plan` and the report print them
    photographs = {"datasets": ["cifar10"], "removals": 6}
    told = counted(**photographs, report_at=["34.91 %", "69.82 %"])
    assert told == {("cifar10", "resnet20"): [3, 6]}
    assert removals(datasets=["cifar10"], target={"macs_reduction": 34.91}) == {
        ("cifar10", "resnet20"): 3
    }
    # where blocks differ in cost, whichever go: the five cheapest of a MobileNetV2 save 17.6 %
    mobile = {"datasets": ["cifar10"], "architectures": ["mobilenet_v2"], "criteria": ["kl"]}
    assert counted(**mobile, removals=6, report_at=["22 %"]) == {("cifar10", "mobilenet_v2"): [6]}
    with pytest.raises(ConfigError, match="22 % takes 6 removals whichever blocks go, which is be"):
        counted(**mobile, removals=5, report_at=["22 %"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "target.macs_reduction: 80 % cannot be reached by resnet20 on digits: 70."),
        ({"removals": 1}, r"11\.\d\d % is the most with removals: 1 and min_blocks_per_stage: 1"),
    ],
)
def test_a_target_out_of_reach_is_said_with_the_most_there_is(given, message):
    with pytest.raises(ConfigError, match=message) as caught:
        removals(**given, target={"macs_reduction": 80})
    assert "\n" not in str(caught.value)


def test_costs_of_blocks_are_what_networks_without_them_lack():
    whole = header("resnet14")
    costs, total = counted_costs(whole)
    assert len(costs) == 4
    by_name = {cost.name: cost for cost in costs}
    gone = ("stage1.block1", "stage3.block2")
    pruned = new_network(header("resnet14").__class__(**{**vars(whole), "removed_blocks": gone}), 0)
    saved = [by_name[name] for name in gone]
    macs = multiply_accumulates(pruned, whole.input_shape)
    assert total["macs"] - macs == sum(cost.macs for cost in saved)
    assert total["parameters"] - parameter_count(pruned) == sum(c.parameters for c in saved)

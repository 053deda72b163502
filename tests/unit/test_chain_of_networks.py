"""Which networks a configuration asks for, and what is done to each."""

import pytest

from layer_pruning.chain import Chain, removal, written_out
from layer_pruning.configuration import ConfigError, complete

HERE = "digits", "tiny"


def chain(**given):
    usual = {
        "datasets": ["digits"],
        "architectures": {"tiny": {"depth": 20, "widths": [4, 4, 6]}},
        "seeds": [0, 1],
        "criteria": {"votes": ["cka", "kl"], "random": ["random"]},
        "removals": 3,
        "energy": {"carbon_intensity_g_per_kwh": 100},
    }
    return Chain.of(complete(usual | given))


def test_the_parent_of_a_network_is_one_step_before_it_and_the_baseline_the_first():
    one, three = chain(), chain(blocks_per_step=3)
    assert one.parent("votes", 3) == "votes/removed-02" and one.parent("votes", 1) == "baseline"
    assert three.parent("votes", 6) == "votes/removed-03" and three.parent("votes", 2) == "baseline"


def test_more_removals_only_add_networks():
    few, many = chain(removals=2).all(*HERE), chain(removals=4).all(*HERE)
    assert few[0] == many[0] == "baseline" and set(few) < set(many)
    assert set(many) - set(few) == {
        removal(criterion, step) for criterion in ("votes", "random") for step in (3, 4)
    }


def test_the_last_networks_are_examined_unless_all_are():
    assert chain().examined(*HERE) == ["votes/removed-03", "random/removed-03"]
    assert chain(report_at=[1, 3]).examined(*HERE)[:2] == ["votes/removed-01", "votes/removed-03"]
    whole = chain(evaluation={"networks": "all"})
    assert whole.attacked(*HERE) == whole.all(*HERE) and len(whole.all(*HERE)) == 7
    assert chain(evaluation={"cost": False}).measured(*HERE) == []


def test_of_chosen_criteria_alone_networks_are_examined():
    for networks, names in {"last": ["03"], "all": ["01", "02", "03"]}.items():
        one = chain(evaluation={"networks": networks, "criteria": ["votes"]})
        examined = [f"votes/removed-{name}" for name in names]
        assert one.measured(*HERE) == one.examined(*HERE) == examined
        assert one.attacked(*HERE) == ["baseline", *examined] and len(one.all(*HERE)) == 7
    # the networks after a last phase are of the criterion that chose their blocks
    final = chain(finetuning={"final": {"epochs": 2}}, evaluation={"criteria": ["random"]})
    assert final.examined(*HERE) == ["random-final/removed-03"]
    both = {"votes": ["cka"], "new": {"architecture_of": "votes"}}
    assert chain(criteria=both, evaluation={"criteria": ["new"]}).examined(*HERE) == [
        "new/removed-03"
    ]


def test_every_pruned_network_s_parent_is_ranked():
    for given in ({}, {"blocks_per_step": 2}, {"schedule": "at_once"}):
        one = chain(**given)
        parents = {one.parent("votes", int(n[-2:])) for n in one.pruned("votes", *HERE)}
        assert set(one.ranked_by("votes", *HERE)) == parents


def test_what_only_compares_is_not_exported():
    assert chain().exported(*HERE) == ["votes/removed-03"]
    assert chain(export={"networks": "none"}).exported(*HERE) == []
    final = chain(finetuning={"final": {"epochs": 2}})
    assert final.exported(*HERE) == ["votes-final/removed-03"]
    # the networks of the short phase are but the way there
    assert final.examined(*HERE) == ["votes-final/removed-03", "random-final/removed-03"]


def test_what_made_a_network_starts_with_one_training_and_follows_its_path():
    one = chain(
        criteria={
            "votes": ["cka", "kl"],
            "late": {"blocks": ["stage3.block2"]},
            "new": {"architecture_of": "votes"},
            "longer": {"epochs_of": "votes"},
        },
        finetuning={"epochs": 1, "final": {"epochs": 4}},
    )
    path = ["votes/removed-01", "votes/removed-02"]
    assert one.trained_by("baseline") == ("baseline", [])
    assert one.trained_by(path[1]) == ("baseline", path)
    final = "votes-final/removed-02"
    assert one.trained_by(final) == ("baseline", [*path, final])
    assert one.trained_by("new/removed-03") == ("new/removed-03", [])
    assert one.trained_by("longer/beside-03") == ("baseline", ["longer/beside-03"])
    assert one.tuning_epochs("tiny", 3) == 3 + 4
    assert one.way_of(final) == ("final", "votes") and one.ranked == ["votes"]
    assert one.pruned("late", *HERE) == ["late/removed-01"]
    # every network has a way, and only these
    assert {one.way_of(network)[0] for network in one.all(*HERE)} == {
        *("baseline", "pruned", "final", "scratch", "continued")
    }


def test_savings_that_vote_are_measured_and_those_counted_are_with_the_times():
    one = chain(criteria={"a": {"metrics": ["cka"], "saves": "macs"}, "b": ["cka"]})
    assert one.votes_of_savings("a") == ["latency"] and one.votes_of_savings("b") == []
    assert one.votes == ["a"]


def test_paths_are_written_out_for_all_that_a_configuration_asks_for():
    one = chain(datasets={"digits": {}, "cued": {"kind": "digits", "cue": {}}})
    paths = one.everywhere("{dataset}/{architecture}/{seed}/{network}.json", one.attacked)
    assert len(paths) == len(set(paths)) == 2 * 1 * 2 * 3
    assert paths[0] == "digits/tiny/0/baseline.json"
    cued = one.everywhere("{dataset}/{seed}", datasets=one.cued)
    assert cued == ["cued/0", "cued/1"]
    assert written_out(["{a}{b}", "{a}"], a=[1, 2], b="x", c=[]) == ["1x", "2x", "1", "2"]


def test_what_cannot_be_reached_is_said():
    with pytest.raises(ConfigError, match="report_at: 4 is beyond the 3 removals"):
        chain(report_at=[4])


SEARCHES = {
    "greedy": ["kl"],
    "wide": {"metrics": ["kl", "cka"], "search": "beam"},
    "deep": {"metrics": ["kl"], "search": "profiles"},
}


def test_what_a_search_finds_is_made_from_the_baseline_and_from_no_path():
    one = chain(criteria=SEARCHES, removals=4, report_at=[2, 4])
    for criterion in ("wide", "deep"):
        assert one.pruned(criterion, *HERE) == [removal(criterion, step) for step in (2, 4)]
        assert one.that_count(criterion, *HERE) == one.pruned(criterion, *HERE)
        assert one.parent(criterion, 4) == "baseline"
        assert one.ranked_by(criterion, *HERE) == ["baseline"]
        assert one.path_to(f"{criterion}/removed-04") == [f"{criterion}/removed-04"]
    assert len(one.pruned("greedy", *HERE)) == 4
    # its vote is no ranking of blocks that go one by one
    assert one.votes == [] and one.ranked == [*SEARCHES]


def test_a_search_has_the_fine_tuning_of_the_greedy_path_to_as_many_removals():
    for given in ({}, {"blocks_per_step": 2}, {"schedule": "at_once"}):
        one = chain(criteria=SEARCHES, removals=5, finetuning={"epochs": 3}, **given)
        path = one.path_to("greedy/removed-05")
        for criterion in ("wide", "deep"):
            assert one.finetuning_epochs(criterion, "tiny", 5) == 3 * len(path)
        assert one.finetuning_epochs("greedy", "tiny", 5) == 3


def test_a_beam_goes_on_from_what_it_found_before_and_a_profile_from_nothing():
    few, many = (chain(criteria=SEARCHES, removals=n) for n in (2, 5))
    tables = "baseline/search/{}/removed-0{}.csv"
    assert many.decision("wide", 1) == "baseline/ranking/wide.csv"
    assert [many.decision("wide", n) for n in (2, 5)] == [tables.format("wide", n) for n in (2, 5)]
    assert [many.decision("deep", n) for n in (1, 5)] == [tables.format("deep", n) for n in (1, 5)]
    assert many.decision("greedy", 3) == "greedy/removed-02/ranking/greedy.csv"
    # more removals ask for more tables, and for none of before anew
    assert few.search_usages("wide", 2) == many.search_usages("wide", 5)[:1]
    usages = many.scoring_usages("wide/removed-05")
    assert usages[:2] == [
        *("baseline/usage/extract_activations.json", "baseline/usage/score_metrics/wide.json")
    ]
    assert len(usages) == 2 + 4 and len(many.scoring_usages("deep/removed-05")) == 2 + 1


def test_what_a_search_of_profiles_reads_is_among_what_it_took():
    timed = "baseline/usage/measure_latency.json"
    one = chain(criteria=SEARCHES, target={"latency_reduction": 30})
    for name in SEARCHES:
        read = one.scoring_usages(f"{name}/removed-02").count(timed)
        assert read == (1 if name == "deep" else 0)


def test_profiles_go_as_far_as_some_of_them_reach_the_target():
    target = {"parameters_reduction": 12}
    one = chain(
        architectures={"tiny": {"network": "resnet20"}},
        criteria=SEARCHES,
        removals=None,
        target=target,
    )
    # every choice reaches it after four removals, the third stage alone after one
    assert one.pruned("greedy", *HERE)[-1] == "greedy/removed-04"
    assert one.pruned("wide", *HERE) == ["wide/removed-04"]
    assert one.pruned("deep", *HERE) == ["deep/removed-01"]
    # a latency is not known before it is measured
    timed = chain(criteria=SEARCHES, removals=3, target={"latency_reduction": 5})
    assert timed.pruned("deep", *HERE) == ["deep/removed-03"]
    points = chain(criteria=SEARCHES, removals=3, target=target, report_at=[2])
    assert points.pruned("deep", *HERE) == ["deep/removed-02"]

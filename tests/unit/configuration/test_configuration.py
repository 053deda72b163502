import copy
import json
import math
from pathlib import Path

import pytest
import yaml

from layer_pruning.configuration import (
    ConfigError,
    as_yaml,
    blocks_per_step,
    complete,
    continued_criteria,
    corrupted_images,
    corruptions_of,
    origins,
    published_setting,
    recipe_of,
    searched_criteria,
    with_command_line,
)
from layer_pruning.configuration.keys import Finetuning
from layer_pruning.configuration.schema import schema
from layer_pruning.data.catalog import DATASETS
from layer_pruning.data.shift_files import OFFICIAL_CORRUPTIONS
from layer_pruning.training.catalog import RECIPES

ROOT = Path(__file__).resolve().parents[3]
ENERGY = {"carbon_intensity_g_per_kwh": 475}


def completed(**given):
    return complete({"energy": ENERGY} | given)


def parts(schema, path=()):
    """Every key that a user can write, with its part of the schema."""
    for key, part in schema.get("properties", {}).items():
        yield (*path, key), part
        yield from parts(part, (*path, key))
    for form in [*schema.get("oneOf", []), schema.get("additionalProperties")]:
        if isinstance(form, dict):
            yield from parts(form, path)


def test_every_key_has_a_description_and_a_default_or_is_required():
    keys = dict(parts(schema()))
    assert len(keys) > 40
    without_default = {
        ("datasets", "kind"),  # the name itself
        ("architectures", "depth"),  # taken from the name
        ("attacks", "attack"),  # the name itself
        ("criteria", "metrics"),  # required
    } | {
        # the recipe's, or as in the fine-tuning before
        *((phase, key) for phase in RECIPES["quick"] for key in Finetuning.model_fields),
        *(("finetuning", "final", key) for key in Finetuning.model_fields),
    }
    for path, part in keys.items():
        assert "description" in part or "$ref" in part, path
        assert "default" in part or path in without_default, path


def test_every_mapping_is_closed():
    def mappings(part):
        if isinstance(part, dict):
            if part.get("type") == "object" or "properties" in part:
                yield part
            for value in part.values():
                yield from mappings(value)
        elif isinstance(part, list):
            for value in part:
                yield from mappings(value)

    for mapping in mappings(schema()):
        assert mapping.get("additionalProperties") is not None, mapping


def test_defaults_are_filled_in_at_every_depth_and_what_is_given_stays():
    config = completed(training={"epochs": 3})
    assert config["training"]["epochs"] == 3
    assert config["training"]["momentum"] == 0.9
    assert config["finetuning"]["learning_rate"] == 0.03
    assert config["energy"]["tracking_mode"] == "process"
    assert config["criteria"]["random"] == {
        "metrics": ["random"],
        "aggregation": "borda",
        "weights": None,
        "families": None,
    }
    assert config["attacks"]["fgsm"]["attack"] == "fgsm"


def test_whole_numbers_may_be_written_as_floats_and_are_whole_then():
    config = completed(
        removals=2.0,
        seeds=[1.0],
        attacked_images={"count": 20.0},
        training={"epochs": 2.0},
        architectures={"mine": {"depth": 14.0, "widths": [4.0, 4, 8]}},
        datasets={"digits": {"cue": {"size_pixels": 2.0}}},
        latency={"batch_sizes": [1.0, 8]},
        criteria=["random"],
    )
    written = [
        config["removals"],
        *config["seeds"],
        config["attacked_images"]["count"],
        config["training"]["epochs"],
        config["architectures"]["mine"]["depth"],
        *config["architectures"]["mine"]["widths"],
        config["datasets"]["digits"]["cue"]["size_pixels"],
        *config["latency"]["batch_sizes"],
    ]
    assert written == [2, 1, 20, 2, 14, 4, 4, 8, 2, 1, 8]
    assert all(type(value) is int for value in written)
    # no other number changes: params that are written otherwise redo jobs
    assert type(completed(training={"learning_rate": 1})["training"]["learning_rate"]) is int
    assert type(completed(energy=ENERGY)["energy"]["carbon_intensity_g_per_kwh"]) is int


@pytest.mark.parametrize(
    ("written", "config"),
    [
        (["seeds=[0]"], {"seeds": [0]}),
        (["removals=2.0"], {"removals": 2}),
        (["removals=null", "target={macs_reduction: 10}"], {"removals": None}),
        (["training={epochs: 3, flip: false}"], {"training": {"epochs": 3, "flip": False}}),
        (["training={learning_rate: 0.01}"], {"training": {"learning_rate": 0.01}}),
        (["attacks={fgsm: {epsilons: [8/255]}}"], {"attacks": {"fgsm": {"epsilons": [8 / 255]}}}),
        (["datasets={d: {kind: digits, cue: {}}}"], {"datasets": {"d": {"kind": "digits"}}}),
        (["device=cpu"], {"device": "cpu"}),
    ],
)
def test_what_snakemake_makes_of_the_command_line_is_read_as_a_file_would_be(written, config):
    from snakemake.cli import parse_config

    given = parse_config(written)
    file = {"energy": ENERGY, "training": {"momentum": 0.8}, "criteria": ["random"]}
    # Snakemake has merged them already
    merged = with_command_line(copy.deepcopy(file) | given, given)
    found = complete(merged | {"energy": ENERGY})

    def holds(part, wanted):
        if isinstance(wanted, dict):
            return all(holds(part[key], value) for key, value in wanted.items())
        return part == wanted and type(part) is type(wanted)

    assert holds(found, config)


def test_a_mapping_of_the_command_line_is_put_into_that_of_the_file():
    found = with_command_line(
        {"training": {"epochs": 9, "momentum": 0.8}}, {"training": {"epochs": "3"}}
    )
    assert found == {"training": {"epochs": 3, "momentum": 0.8}}


def test_a_cue_has_the_defaults_of_the_schema():
    config = completed(datasets={"digits": {}, "cued": {"kind": "digits", "cue": {"rate": 0.8}}})
    assert config["datasets"]["digits"]["cue"] is None
    keys = dict(parts(schema()))
    names = [path[-1] for path in keys if path[:-1] == ("datasets", "cue")]
    defaults = {name: keys["datasets", "cue", name]["default"] for name in names}
    assert config["datasets"]["cued"]["cue"] == defaults | {"rate": 0.8} and len(names) == 4


def test_usual_epsilons_are_those_of_the_images():
    photographs = [0.25 / 255, 0.5 / 255, 1 / 255, 2 / 255, 4 / 255, 8 / 255]
    assert list(DATASETS["cifar10"].epsilons) == photographs
    assert DATASETS["digits"].epsilons[0] == 0.03 and DATASETS["digits"].epsilons[-1] == 0.2
    attacks = completed()["attacks"]
    assert {a["attack"]: a["epsilons"] for a in attacks.values()} == {
        "fgsm": None,
        "autoattack": None,
    }


def test_epsilons_may_be_written_as_255ths():
    config = completed(attacks={"fgsm": {"epsilons": ["8/255", "0.25/255", 0.1]}})
    assert config["attacks"]["fgsm"]["epsilons"] == [8 / 255, 0.25 / 255, 0.1]


def test_corruptions_are_those_made_here_unless_official_files_are_there(tmp_path):
    config = completed()
    assert len(corruptions_of(config, "digits")) == 10
    assert corrupted_images(config) == config["attacked_images"]["count"]
    for name in OFFICIAL_CORRUPTIONS:
        for severity in range(1, 6):
            (tmp_path / name / str(severity)).mkdir(parents=True)
    config = completed(datasets={"digits": {"corrupted": str(tmp_path)}})
    assert tuple(corruptions_of(config, "digits")) == OFFICIAL_CORRUPTIONS


def test_what_the_user_gave_is_not_changed_and_completing_twice_changes_nothing():
    given = {"energy": dict(ENERGY), "criteria": {"mine": ["cka"]}}
    before = copy.deepcopy(given)
    config = complete(given)
    assert given == before
    assert complete(config) == config


@pytest.mark.parametrize(
    "criterion",
    [
        ["cka", "kl"],
        {"blocks": ["stage1.block2", "stage1.block3"]},
        {"metrics": ["kl"], "saves": "macs", "saves_weight": 0.5},
        {"metrics": ["cka", "kl"], "aggregation": "weighted", "weights": {"cka": 2, "kl": 1}},
        {"metrics": ["cka", "kl"], "aggregation": "borda_by_family"},
        {"metrics": ["kl", "fewest_weights"], "aggregation": "lexicographic"},
        {"metrics": ["kl"], "search": "beam", "beam": 3},
        {"metrics": ["kl"], "search": "profiles"},
        {"architecture_of": "one"},
        {"epochs_of": "one"},
    ],
    ids=str,
)
def test_every_form_of_criterion_is_the_same_completed_again(criterion):
    # Snakemake's own report is made from a completed configuration
    config = completed(criteria={"one": ["cka"], "mine": criterion})
    assert complete(json.loads(json.dumps(config))) == config


SHIPPED = sorted(
    str(path.relative_to(ROOT / "config"))
    for path in (ROOT / "config").rglob("*.yaml")
    if not path.name.endswith(".schema.yaml")
)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_the_report_shows_is_a_configuration_that_asks_for_the_same(name):
    given = yaml.safe_load((ROOT / "config" / name).read_text())
    if name.startswith("published/"):
        # without the files that it needs
        given |= {"datasets": ["cifar10"], "architectures": list(given["architectures"])}
    config = complete(given)
    text = as_yaml(config | {"device": "cuda:1", "threads": 7})
    again = complete(yaml.safe_load(text))
    assert again == config | {"device": "auto", "threads": 7}
    assert "cuda:1" not in text and "threads: 7" in text
    assert "&id" not in text, "readable: no anchors"


def test_the_vote_for_savings_is_one_more_metric_with_its_weight():
    mine = {"metrics": ["cka", "kl"], "saves": "latency"}
    criteria = completed(criteria={"even": mine, "half": {**mine, "saves_weight": 0.5}})["criteria"]
    assert criteria["even"]["metrics"] == ["cka", "kl", "saves_latency"]
    assert criteria["even"]["aggregation"] == "borda"
    assert criteria["half"]["aggregation"] == "weighted"
    assert criteria["half"]["weights"] == {"cka": 1, "kl": 1, "saves_latency": 0.5}


def test_known_criteria_need_only_their_names():
    criteria = completed(criteria=["consensus", "consensus_latency", "kl"])["criteria"]
    assert len(criteria["consensus"]["metrics"]) == 8
    assert criteria["consensus_latency"]["metrics"][-1] == "saves_latency"
    assert criteria["kl"]["metrics"] == ["kl"]


def test_a_last_phase_is_fine_tuning_but_for_what_it_names():
    assert completed()["finetuning"]["final"] is None
    given = {"recipe": "strong", "batch_size": 32, "final": {"epochs": 6, "learning_rate": 0.02}}
    config = completed(finetuning=given)
    assert complete(config) == config
    tuning = recipe_of(config, "finetuning", "resnet20")
    final = recipe_of(config, "final", "resnet20")
    assert final == tuning | {"epochs": 6, "learning_rate": 0.02} and final["batch_size"] == 32


def test_comparisons_stand_beside_the_first_criterion_that_prunes():
    config = completed(
        criteria=["continued", "scratch", "random", "consensus"],
        finetuning={"final": {"epochs": 3}},
    )
    assert continued_criteria(config) == {"continued": "random"}
    assert origins(config) == {
        "random-final": ("final", "random"),
        "consensus-final": ("final", "consensus"),
        "scratch": ("scratch", "random"),
        "continued": ("continued", "random"),
    }


def test_a_criterion_may_search_and_greedy_is_what_it_was():
    config = completed(
        criteria={
            "plain": ["kl"],
            "greedy": {"metrics": ["kl"], "search": "greedy"},
            "usual": {"metrics": ["kl"], "search": "beam"},
            "wide": {"metrics": ["kl"], "search": "beam", "beam": 16},
            "deep": {"metrics": ["cka"], "search": "profiles"},
        }
    )
    assert config["criteria"]["greedy"] == config["criteria"]["plain"]
    assert searched_criteria(config) == {"usual": "beam", "wide": "beam", "deep": "profiles"}
    assert [config["criteria"][name].get("beam") for name in ("usual", "wide", "deep")] == [
        *(4, 16, None)
    ]


def test_a_criterion_may_list_its_blocks():
    mine = ["stage3.block2", "stage1.block2"]
    config = completed(criteria={"mine": {"blocks": mine}}, removals=1)
    assert config["criteria"]["mine"]["blocks"] == mine
    assert blocks_per_step(config) == 1
    assert blocks_per_step(completed(schedule="at_once")) >= 99


def test_scratch_follows_the_first_criterion_that_prunes():
    config = completed(criteria=["scratch", "random", "consensus"])
    assert config["criteria"]["scratch"] == {"architecture_of": "random"}
    assert complete(config) == config
    # by its name in paths, where it has another
    config = completed(criteria=["numpy:interp", "random", "continued"])
    assert config["criteria"]["continued"] == {"epochs_of": "numpy_interp"}
    assert complete(config) == config


@pytest.mark.parametrize(
    "given",
    [
        {"architectures": ["resnet57"]},
        {"datasets": {"mine": {"kind": "image_folder", "path": "absent"}}},
    ],
)
def test_what_several_checks_find_is_said_once(given):
    with pytest.raises(ConfigError) as caught:
        completed(**given)
    assert caught.value.others == ()


def test_the_order_of_keys_means_nothing():
    options = {"depth": 14, "widths": [4, 4, 4], "weights": None}
    one, other = (
        completed(architectures={"tiny": dict(order)}, removals=1)["architectures"]["tiny"]
        for order in (options.items(), reversed(options.items()))
    )
    assert repr(one) == repr(other)


def test_removals_are_left_to_the_target_only_where_there_is_one():
    assert completed()["removals"] == 5
    assert completed(removals=3, target={"macs_reduction": 10})["removals"] == 3
    config = completed(target={"validation_accuracy": 0.9})
    assert config["removals"] is None
    assert complete(config) == config


def test_what_is_left_out_is_measured_for_figures_that_matter():
    config = completed()
    assert config["energy"]["window_seconds"] >= 10
    assert config["energy"]["repeats"] >= 5
    assert config["latency"]["repeats"] >= 100
    assert config["latency"]["batch_sizes"] == [1, 8, 64, 256]


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.name)
def test_every_configuration_shipped_is_right(path):
    if path.name != "config.schema.yaml":
        complete(yaml.safe_load(path.read_text()))


BAD = [
    ({"datasets": ["digit"]}, "datasets: 'digit' is unknown; did you mean 'digits'?"),
    ({"datasets": []}, "datasets: it is empty"),
    ({"datasets": "digits"}, "datasets: 'digits' should be a list of names or a mapping"),
    ({"datasets": ["image_folder"]}, "datasets: 'image_folder' is unknown; known are digits"),
    ({"datasets": {"mine": {}}}, "datasets.mine: 'mine' is unknown; known are digits"),
    ({"datasets": {"mine": {"kind": "cifar"}}}, "datasets.mine: 'cifar' is unknown; did you mean"),
    ({"datasets": {"a/b": {}}}, "datasets: 'a/b' should be lower-case letters, digits, _ and -"),
    ({"datasets": {"mine": {"kind": "image_folder"}}}, "datasets.mine: 'path' is missing"),
    ({"datasets": {"mine": {"folder": "x"}}}, "datasets.mine.folder: unknown key"),
    ({"datasets": {"digits": {"image_size": 16}}}, "datasets.digits: 'image_size' is for kind"),
    (
        {"datasets": {"mine": {"kind": "image_folder", "path": "not/there"}}},
        "not/there is no folder; give the path of one",
    ),
    (
        {"datasets": {"mine": {"kind": "image_folder", "path": ".", "channels": 2}}},
        "datasets.mine.channels: 2 should be one of 1, 3",
    ),
    ({"datasets": ["digits", "digits"]}, "names something twice"),
    (
        {"datasets": {"digits": {"cue": {"rat": 1}}}},
        "datasets.digits.cue.rat: unknown key; did you",
    ),
    ({"datasets": {"digits": {"cue": {"rate": 90}}}}, "cue.rate: 90 should be at most 1"),
    (
        {"datasets": {"digits": {"cue": {"size_pixels": 1}}}},
        "datasets.digits: 'cue.size_pixels': 1 tells 1 classes apart, and there are 10; 2 would do",
    ),
    (
        {"datasets": {"digits": {"cue": {"margin_pixels": 0}}}},
        "datasets.digits.cue.margin_pixels: training.shift_pixels moves images by 1, which would",
    ),
    (
        {"datasets": {"cifar10": {"cue": {}}}, "finetuning": {"shift_pixels": 5}},
        "finetuning.shift_pixels moves images by 5, which would cut the cue off; 5 or more would",
    ),
    ({"architectures": ["resnet21"]}, "architectures: depth: 21 is not 6n + 2"),
    ({"architectures": ["vgg"]}, "architectures: 'vgg' is unknown"),
    ({"architectures": ["mobilenet_v3"]}, "did you mean 'mobilenet_v2'?"),
    ({"architectures": ["ResNet18"]}, "did you mean 'resnet18'?"),
    ({"architectures": {"mine": {"network": "swin"}}}, "'swin' is unknown: did you mean 'swin_t'?"),
    ({"architectures": {"mine": {}}}, "'mine' is unknown"),
    ({"architectures": {"resnet18": {"widths": [1, 2, 3]}}}, "resnet18 of torchvision takes no"),
    ({"architectures": {"mine": {"build": "m:f", "depth": 20}}}, "'build' takes no depth"),
    ({"architectures": {"mine": {"arguments": {"a": 1}}}}, "'build' is missing"),
    ({"architectures": ["no.such:thing"]}, "importing no.such failed"),
    ({"architectures": ["m.x:f", "m_x:f"]}, "two would be called 'm_x_f'"),
    ({"architectures": ["vit_b_16"]}, "multiple of 16 pixels, not 8 × 8"),
    (
        {"architectures": {"resnet20": {"weights": "w.pth"}}},
        "architectures.resnet20: weights: w.pth is a pickle",
    ),
    (
        {"architectures": {"resnet18": {"weights": "torchvision"}}, "removals": 4},
        "torchvision's weights have 1000 classes and digits 10; 'new_classifier: true'",
    ),
    ({"training": {"epochs": 0}}, "training.epochs: 0 needs weights to start from, and resnet20"),
    ({"architectures": []}, "architectures: it is empty"),
    ({"architectures": "resnet20"}, "architectures: 'resnet20' should be a list"),
    ({"architectures": {"mine": {"depht": 20}}}, "did you mean 'depth'?"),
    ({"architectures": {"mine": {"depth": 20, "widths": [1, 2]}}}, "architectures.mine.widths"),
    ({"architectures": {"Mine!": {"depth": 20}}}, "'Mine!' should be lower-case letters"),
    ({"seeds": []}, "seeds: it is empty"),
    ({"seeds": [-1]}, "seeds.0: -1 should be at least 0"),
    ({"seeds": ["one"]}, "seeds.0: 'one' should be of type integer"),
    ({"criteria": {}}, "criteria: it is empty"),
    ({"criteria": {"mine": []}}, "criteria.mine: it is empty"),
    ({"criteria": {"mine": ["cak"]}}, "criteria.mine: metric 'cak' is unknown; did you mean 'cka'"),
    ({"criteria": {"mine": {"metrics": ["cka"], "agregation": "borda"}}}, "'aggregation'"),
    ({"criteria": {"mine": {"metrics": ["cka"], "aggregation": "mode"}}}, "criteria.mine: unknown"),
    ({"criteria": {"mine": {"metrics": ["cka"], "weights": {"cka": 1}}}}, "takes no weights"),
    ({"criteria": {"mine": {}}}, "criteria.mine: 'metrics' is missing"),
    ({"criteria": {"baseline": ["cka"]}}, "criteria.baseline: the name is taken"),
    ({"criteria": {"../up": ["cka"]}}, "'../up' should be lower-case letters"),
    ({"criteria": ["consenus"]}, "criteria: 'consenus' is unknown; did you mean 'consensus'?"),
    (
        {"criteria": {"mine": {"metrics": ["cka"], "saves": "time"}}},
        "criteria.mine.saves: 'time' should be one of latency, energy, macs, parameters",
    ),
    (
        {"criteria": {"mine": {"metrics": ["cka"], "saves_weight": 2}}},
        "criteria.mine.saves_weight: it weighs nothing without 'saves'",
    ),
    ({"bootstrap": {"resamples": -1}}, "bootstrap.resamples: -1 should be at least 0"),
    ({"removals": 7}, "removals: 7 is more than the 6 that resnet20 has"),
    ({"removals": 0}, "removals: 0 should be at least 1"),
    ({"removals": 2.5}, "removals: 2.5 should be of type integer"),
    ({"removals": 9, "target": {"macs_reduction": 9}}, "removals: 9 is more than the 6"),
    (
        {"target": {"macs": 50}},
        "target.macs: unknown key; known are macs_reduction, parameters_reduction",
    ),
    ({"target": {"macs_reduction": 100}}, "target.macs_reduction: 100 should be less than 100"),
    ({"target": {"validation_accuracy": 97}}, "target.validation_accuracy: 97 should be at most 1"),
    (
        {"target": {"macs_reduction": 30, "validation_accuracy": 0.9}},
        "target: macs_reduction and validation_accuracy given; at most one can be",
    ),
    (
        {"target": {"validation_accuracy": 0.9}, "schedule": "at_once"},
        "target.validation_accuracy: with 'schedule: at_once' the only network would be the one",
    ),
    (
        {
            "target": {"latency_reduction": 20},
            "criteria": {"p": {"metrics": ["kl"], "search": "profiles"}},
        },
        "target.latency_reduction: with 'criteria.p.search' the only network would be the one",
    ),
    (
        {"target": {"validation_accuracy": 0.9}, "blocks_per_step": 6},
        "target.validation_accuracy: with 'blocks_per_step: 6' the only network would be the one",
    ),
    ({"blocks_per_step": 0}, "blocks_per_step: 0 should be at least 1"),
    (
        {"criteria": ["scratch"]},
        "criteria: scratch needs a criterion beside it that removes blocks",
    ),
    (
        {"criteria": {"mine": ["cka"], "alone": {"architecture_of": "mien"}}},
        "criteria.alone.architecture_of: 'mien' is no criterion here that removes blocks; "
        "did you mean 'mine'?",
    ),
    (
        {
            "criteria": {
                "mine": ["cka"],
                "a": {"architecture_of": "mine"},
                "b": {"architecture_of": "a"},
            }
        },
        "criteria.b.architecture_of: 'a' is no criterion here",
    ),
    (
        {"criteria": {"mine": ["cka"], "a": {"architecture_of": "mine", "metrics": ["kl"]}}},
        "criteria.a: 'architecture_of' leaves nothing to metrics",
    ),
    (
        {"criteria": {"mine": ["cka"], "on": {"epochs_of": "on"}}},
        "criteria.on.epochs_of: 'on' is no criterion here that removes blocks",
    ),
    (
        {"criteria": {"mine": {"blocks": ["stage1.block2"], "metrics": ["cka"]}}},
        "criteria.mine: 'blocks' leaves nothing to metrics",
    ),
    (
        {"criteria": {"mine": {"blocks": ["stage1.blok2"]}}},
        "criteria.mine.blocks: resnet20 has no block 'stage1.blok2'; did you mean",
    ),
    (
        {"criteria": {"mine": {"blocks": ["stage1.block2"]}}, "protect": ["stage1.block2"]},
        "criteria.mine.blocks: 'stage1.block2' of resnet20 cannot go; stage1.block1, ",
    ),
    (
        {
            "criteria": {"mine": {"blocks": ["stage1.block2", "stage1.block3"]}},
            "min_blocks_per_stage": 2,
            "removals": 3,
        },
        "'stage1.block3' of resnet20 cannot go after stage1.block2; stage2.block2,",
    ),
    (
        {"schedule": "at_once", "blocks_per_step": 2},
        "blocks_per_step: with 'schedule: at_once' all blocks go in one step",
    ),
    ({"schedule": "at once"}, "schedule: 'at once' should be one of one_by_one, at_once"),
    ({"report_at": ["half"]}, "report_at.0: 'half' should match"),
    ({"finetuning": {"final": {}}}, "finetuning.final: 'epochs' is missing"),
    ({"finetuning": {"final": {"epoch": 1}}}, "finetuning.final.epoch: unknown key"),
    ({"removals": 4, "min_blocks_per_stage": 2}, "removals: 4 is more than the 3"),
    ({"protect": ["stage1.blok1"]}, "did you mean 'stage1.block1'?"),
    ({"probe": {"images_per_class": 200}}, "probe.images_per_class: 200 is more than the 113"),
    ({"probe": {"images_per_class": 5}}, "probe.images_per_class: cca in criteria.consensus needs"),
    ({"probe": {"images_per_class": "all"}}, "probe.images_per_class: 'all' should be of type"),
    ({"split": {"test_fraction": 0.95}}, "split: validation_fraction and test_fraction add up"),
    ({"split": {"test_fraction": 0.0001}}, "split: a class of digits would have no test image"),
    ({"training": {"epochs": -3}}, "training.epochs: -3 should be at least 0"),
    ({"training": {"lr": 0.1}}, "training.lr: unknown key"),
    ({"training": {"learning_rate": "fast"}}, "training.learning_rate: 'fast' should be of type"),
    ({"training": {"schedule": "one-cycle"}}, "training.schedule: 'one-cycle' should be one of"),
    ({"finetuning": {"momentum": 1}}, "finetuning.momentum: 1 should be less than 1"),
    ({"finetunning": {}}, "finetunning: unknown key; did you mean 'finetuning'?"),
    ({"attacks": {"fgms": {"epsilons": [0.1]}}}, "attacks.fgms: attack 'fgms' is unknown"),
    ({"attacks": {"fgsm": {"epsilons": []}}}, "attacks.fgsm.epsilons: it is empty"),
    ({"attacks": {"fgsm": {"epsilons": [-0.1]}}}, "attacks.fgsm.epsilons.0: -0.1 should be more"),
    ({"attacks": {"fgsm": {"epsilons": [1.5]}}}, "attacks.fgsm: epsilon in Linf"),
    ({"attacks": {"fgsm": {"epsilons": ["8"]}}}, "attacks.fgsm.epsilons.0: '8' should match"),
    ({"attacks": {"fgsm": {"epsilons": ["0/255"]}}}, "attacks.fgsm: epsilon must be positive"),
    ({"attacks": {"fgsm": {"norm": "L2"}}}, "attacks.fgsm.epsilons: missing, and L2 has no usual"),
    (
        {"attacked_images": {"batch_size": 40, "shard_size": 100}},
        "attacked_images.shard_size: 100 should be a multiple of batch_size: 40",
    ),
    ({"corruptions": {"names": ["frost"]}}, "corruptions.names: 'frost' is unknown; known are"),
    ({"corruptions": {"names": ["contrst"]}}, "did you mean 'contrast'?"),
    ({"corruptions": {"count": 5000}}, "corruptions.count: 5000 is more than the 450 test images"),
    ({"corruptions": {"severities": [0]}}, "corruptions.severities.0: 0 should be at least 1"),
    (
        {"datasets": {"digits": {"corrupted": "no/where"}}},
        "datasets.digits: no/where is no folder; give that of CIFAR-10-C or ImageNet-C",
    ),
    (
        {"datasets": {"digits": {"corrupted": "."}}, "corruptions": {"names": ["rain"]}},
        "corruptions.names: 'rain' is unknown; official are gaussian_noise",
    ),
    (
        {"datasets": {"digits": {"shifted": ["new_data.npy"]}}},
        "datasets.digits: new_data.npy is missing; put it there, or leave the key out",
    ),
    ({"attacks": {"fgsm": {"epsilons": [0.1], "norm": "L1"}}}, "attacks.fgsm.norm: 'L1' should be"),
    (
        {"attacks": {"fgsm": {"epsilons": [0.1]}, "more": {"attack": "fgsm", "epsilons": [0.2]}}},
        "attacks.more: fgsm in Linf is attacks.fgsm already; add its epsilons there",
    ),
    ({"training": {"learning_rate": math.nan}}, "training.learning_rate: nan should be a finite"),
    ({"seeds": [0], "split": {"test_fraction": math.inf}}, "split.test_fraction"),
    (
        {"architectures": {"resnet20": {"mean": [0.1] * 3, "std": [1.0] * 3}}},
        "architectures.resnet20.mean: 3 numbers, and images of digits have 1 channels",
    ),
    ({"attacked_images": {"count": 5000}}, "attacked_images.count: 5000 is more than the"),
    ({"energy": {}}, "energy: none of country_iso_code and carbon_intensity_g_per_kwh"),
    (
        {"device": "cuda:1", "training": {"processes": 2}},
        "device: 'cuda:1' is one GPU and 'training.processes' is 2; 'cuda' or 'auto', with which "
        "each process takes its own, would be right",
    ),
    (
        {"training": {"processes": 64, "batch_size": 64}},
        "training.batch_size: 64 images are less than two for each of 64 processes; 128 or more "
        "would be right",
    ),
    (
        {"training": {"processes": 2, "compile": True}},
        "training.compile: a compiled network has batch norm of each process alone; "
        "'training.sync_batch_norm: false', or 'compile: false', would be right",
    ),
    (
        {"device": "cpu", "latency": {"modes": ["eager", "cuda_graphs"]}},
        "latency.modes: 'cuda_graphs' needs a GPU, and device is 'cpu'",
    ),
    ({"energy": {**ENERGY, "country_iso_code": "BRA"}}, "energy: both of country_iso_code and"),
    ({"energy": {"country_iso_code": "Brazil"}}, "energy.country_iso_code: 'Brazil' should match"),
    ({"device": "gpu"}, "device: 'gpu' should match"),
    ({"threads": 0}, "threads: 0 should be at least 1"),
    ({"training": None}, "training: None should be of type object"),
    ({"removal": 3}, "removal: unknown key; did you mean 'removals'?"),
]


@pytest.mark.parametrize(("given", "message"), BAD, ids=lambda value: str(value)[:60])
def test_what_is_wrong_is_said_in_one_line_that_names_the_key(given, message):
    with pytest.raises(ConfigError) as caught:
        completed(**given)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def found_published(datasets, architectures):
    given = {"datasets": datasets, "architectures": architectures}
    given["probe"] = {"images_per_class": 10}
    config = completed(**given, removals=2, criteria=["random"], attacked_images={"count": 10})
    return published_setting(config, next(iter(config["datasets"])), "resnet56")


def test_published_points_belong_to_data_sets_by_what_they_are(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for number in range(60):
            Image.new("RGB", (32, 32)).save(tmp_path / label / f"{number}.png")
    folder = {"kind": "image_folder", "path": str(tmp_path)}
    found = found_published(["cifar10"], ["resnet56"])
    assert found == {"dataset": "cifar10", "network": "resnet56", "same_images": True}
    # a name alone makes no user's folder into CIFAR-10, and a word of theirs does
    assert found_published({"cifar10": folder}, ["resnet56"])["dataset"] == ""
    said = found_published({"mine": folder | {"published": "cifar10"}}, ["resnet56"])
    assert said == {"dataset": "cifar10", "network": "resnet56", "same_images": False}
    cued = found_published({"mine": {"kind": "cifar10", "cue": {}}}, ["resnet56"])
    assert cued["dataset"] == ""


def test_published_points_belong_to_networks_by_what_they_are():
    def network(**options):
        return found_published(["cifar10"], {"resnet56": options})["network"]

    assert network(shortcut="projection") == "resnet56"
    assert network(widths=[32, 64, 128]) == ""
    assert network(network="resnet18") == "resnet18"
    # no ResNet-50 of torchvision
    mine = {"mine": {"depth": 50}}
    config = completed(datasets=["cifar10"], architectures=mine, criteria=["random"])
    assert published_setting(config, "cifar10", "mine")["network"] == ""


def test_a_known_data_set_needs_no_other_name():
    with pytest.raises(ConfigError, match=r"mine\.published: it is for kind: image_folder"):
        completed(datasets={"mine": {"kind": "cifar100", "published": "cifar10"}})


def test_quick_gives_cheap_defaults_and_what_the_user_names_stays():
    given = {"quick": True, "latency": {"repeats": 50}, "attacks": {"pgd": {}}, "removals": 2}
    plain = {"removals": 2, "energy": {"carbon_intensity_g_per_kwh": 475}}
    config, usual = complete(given), complete(plain)
    assert config["latency"] == usual["latency"] | {"batch_sizes": [1, 64], "repeats": 50}
    assert list(config["attacks"]) == ["pgd"]
    assert config["seeds"] == [0] and config["removals"] == 2
    assert config["energy"]["window_seconds"] < usual["energy"]["window_seconds"]
    # a configuration that was completed is completed to itself, as the report runs it
    assert complete(config) == config
    own = complete(given | {"energy": {"country_iso_code": "DEU"}})["energy"]
    assert own["carbon_intensity_g_per_kwh"] is None and own["window_seconds"] == 0.5

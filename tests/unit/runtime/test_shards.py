"""Work on many images by several jobs: every image once, and as many jobs as the estimate says."""

from types import SimpleNamespace

import pytest

from layer_pruning.configuration import complete
from layer_pruning.estimate.requirements import Requirements
from layer_pruning.runtime.shards import Shard, Shards

HERE = {"dataset": "digits", "architecture": "tiny", "seed": "0"}
FOLDER = "results/{dataset}/{architecture}/seed-{seed}/baseline"


class Wildcards(SimpleNamespace):
    """As Snakemake hands them to functions."""

    def keys(self):
        return vars(self)

    def __getitem__(self, name):
        return getattr(self, name)

    def get(self, name):
        return vars(self).get(name)


@pytest.mark.parametrize("whole", [1, 7, 64, 1000])
@pytest.mark.parametrize("batch", [1, 8, 250])
@pytest.mark.parametrize("count", [1, 2, 3, 16])
def test_shards_are_every_image_once_by_whole_batches(whole, batch, count):
    parts = [Shard(number, count).of(whole, batch) for number in range(count)]
    assert [i for part in parts for i in range(whole)[part]] == list(range(whole))
    assert all(part.start % batch == 0 for part in parts if part.start < whole)
    sizes = [len(range(whole)[part]) for part in parts]
    assert max(sizes) - min(sizes) <= 2 * batch


def estimate(**given):
    energy = {"energy": {"carbon_intensity_g_per_kwh": 100}, "device": "cpu"}
    tiny = {"architectures": {"tiny": {"depth": 14, "widths": [4, 4, 6]}}, "removals": 2}
    return Requirements(complete(energy | tiny | given))


def test_the_shipped_demonstration_has_no_shards():
    energy = {"energy": {"carbon_intensity_g_per_kwh": 100}, "device": "cpu"}
    requirements = Requirements(complete(energy))
    assert {requirements.shards(work, "digits", "resnet20") for work in requirements.jobs} == {1}


def test_as_many_shards_as_the_estimate_has_of_the_minutes():
    few, many = estimate(shard_minutes=0.001), estimate(shard_minutes=0.0001)
    counts = [one.shards("activations", "digits", "tiny") for one in (few, many)]
    assert 1 < counts[0] < counts[1]
    # no more of them than batches
    assert many.shards("evaluation", "digits", "tiny") == 2
    assert many.shards("training", "digits", "tiny") == 1


def test_attacks_and_corruptions_are_divided_by_their_batches():
    attacks = {"fgsm": {}, "hard": {"attack": "autoattack"}}
    images = {"count": 450, "batch_size": 100}
    given = {"attacks": attacks, "attacked_images": images}
    much, little = estimate(**given, shard_minutes=0.01), estimate(**given, shard_minutes=2)
    for work in ("attack fgsm", "attack hard", "corruptions"):
        assert much.shards(work, "digits", "tiny") == 5
    # a cheap attack beside a dear one
    assert [little.shards(f"attack {name}", "digits", "tiny") for name in attacks] == [1, 5]
    assert little.minutes("attack hard", "digits", "tiny", among=5) < little.minutes(
        "attack hard", "digits", "tiny"
    )
    assert not little.told("attack hard")


def test_a_machine_without_a_gpu_divides_by_what_its_processor_takes():
    config = complete(
        {"energy": {"carbon_intensity_g_per_kwh": 100}, "datasets": ["cifar10"], "removals": 2}
        | {"attacks": {"autoattack": {}}, "attacked_images": {"count": 1000}}
    )
    counts = [
        Requirements(config, gpu=gpu).shards("attack autoattack", "cifar10", "resnet20")
        for gpu in (True, False)
    ]
    assert counts[0] < counts[1]


def test_how_many_images_a_shard_has_can_be_told():
    images = {"count": 450, "batch_size": 50, "shard_size": 200}
    told = estimate(attacked_images=images, shard_minutes=60)
    assert told.told("attack fgsm") and not told.told("corruptions")
    assert told.shards("attack fgsm", "digits", "tiny") == 3
    assert told.shards("corruptions", "digits", "tiny") == 1
    assert told.attacked_together == 200


def test_a_shard_asks_for_its_part_of_the_time():
    slow = estimate(datasets=["cifar100"], probe={"images_per_class": 400}, shard_minutes=0.5)
    count = slow.shards("activations", "cifar100", "tiny")
    whole, part = (
        slow.minutes("activations", "cifar100", "tiny", among=among) for among in (1, count)
    )
    assert count > 1 and part < whole


@pytest.fixture
def shards(tmp_path):
    """Shards of an estimate of three, with results in a temporary folder."""
    said = SimpleNamespace(
        shards=lambda *names: 3,
        told=lambda work: work == "attack by_hand",
        minutes=lambda *names, among: 100 * names[-1] // among,
    )
    return Shards(said, lambda path: str(tmp_path / path))


def test_rules_are_told_shards_where_there_are_several(shards):
    joined = shards.joined("activations", FOLDER)(Wildcards(**HERE))
    folder = FOLDER.format(**HERE)
    assert joined == [f"{folder}/activations/shard-{n:03d}-of-003.npz" for n in range(3)]
    names = Wildcards(**HERE, shard="002-of-003")
    assert shards.this(names) == (2, 3)
    assert shards.minutes("activations", FOLDER)(names, 2) == 66


ATTACK = "attack {attack}"


def test_an_attack_has_shards_of_its_own(shards):
    names = Wildcards(**HERE, attack="fgsm")
    folder = FOLDER.format(**HERE)
    assert shards.joined(ATTACK, FOLDER)(names) == [
        f"{folder}/attacks/fgsm/shard-{number:03d}-of-003.json" for number in range(3)
    ]
    places = shards.images(450, 100)
    assert places(names) == (0, 450)
    parts = [places(Wildcards(**HERE, attack="fgsm", shard=str(Shard(n, 3)))) for n in range(3)]
    assert parts == [(0, 100), (100, 300), (300, 450)]


def test_what_is_told_counts_whatever_is_there(shards, tmp_path):
    attacks = tmp_path / FOLDER.format(**HERE) / "attacks"
    attacks.mkdir(parents=True)
    for name in ("by_hand", "fgsm"):
        (attacks / f"{name}.json").touch()
    counts = [
        shards.count(ATTACK, FOLDER, Wildcards(**HERE, attack=name)) for name in ("by_hand", "fgsm")
    ]
    assert counts == [3, 1]


@pytest.mark.parametrize("made_of", [0, 2, 5])
def test_a_result_that_is_there_keeps_the_number_that_it_was_made_by(shards, made_of, tmp_path):
    here = tmp_path / FOLDER.format(**HERE)
    usages = here / "usage" / "extract_activations"
    usages.mkdir(parents=True)
    (here / "activations.npz").touch()
    for number in range(made_of):
        (usages / f"shard-{number:03d}-of-{made_of:03d}.json").touch()
    # of a finer division that was interrupted
    for number in (0, 2, 7):
        (usages / f"shard-{number:03d}-of-008.json").touch()
    names = Wildcards(**HERE)
    assert len(shards.joined("activations", FOLDER)(names)) == made_of
    assert len(shards.joined("activations", FOLDER, "kept")(names)) == made_of
    # evaluation has no result yet
    assert len(shards.joined("evaluation", FOLDER)(names)) == 3


def test_the_part_of_a_shard_does_not_depend_on_what_is_there(shards, tmp_path):
    """Jobs of a second run delete files of the first as they start."""
    here = tmp_path / FOLDER.format(**HERE)
    logs = here / "logs" / "evaluate_shard"
    logs.mkdir(parents=True)
    (here / "accuracy.json").touch()
    for number in range(4):
        (logs / f"{Shard(number, 4)}.log").touch()
    (*paths,) = shards.joined("evaluation", FOLDER)(Wildcards(**HERE))
    names = [Wildcards(**HERE, shard=path[-len("000-of-004.safetensors") : -12]) for path in paths]
    told = []
    for name in names:
        (logs / f"{name.shard}.log").unlink()
        told.append((shards.this(name), shards.minutes("evaluation", FOLDER)(name, 1)))
    assert told == [((number, 4), 25) for number in range(4)]


def test_shards_that_wait_to_be_joined_are_joined(shards, tmp_path):
    parts = tmp_path / FOLDER.format(**HERE) / "evaluation"
    parts.mkdir(parents=True)
    for number in range(5):
        (parts / f"shard-{Shard(number, 5)}.safetensors").touch()
    assert len(shards.joined("evaluation", FOLDER)(Wildcards(**HERE))) == 5
    (parts / f"shard-{Shard(4, 5)}.safetensors").unlink()
    assert len(shards.joined("evaluation", FOLDER)(Wildcards(**HERE))) == 3

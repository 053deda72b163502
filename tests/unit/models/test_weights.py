"""Start weights: torchvision's, a network file's, and anyone's state dict."""

import tarfile

import numpy as np
import own_networks
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision.models import ResNet18_Weights, get_model

from layer_pruning.models.architectures import architecture
from layer_pruning.models.network_file import write_network
from layer_pruning.models.residual import save_network
from layer_pruning.models.starts import check_start
from layer_pruning.models.weights import start_network
from layer_pruning.surgery import without_block
from shared_files import shared_file
from small_networks import header, random_network

COLOUR = (3, 32, 32)
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def start(name="resnet20", *, seed=5, shape=COLOUR, classes=10, **options):
    plain = {k: v for k, v in options.items() if k in ("shortcut", "mean", "std")}
    return start_network(header(name, shape=shape, classes=classes, **plain), options, seed).eval()


def foreign(network):
    """The tensors of a CIFAR ResNet under the names of Idelbayev's implementation."""
    renamed = {}
    for name, tensor in network.body.state_dict().items():
        parts = name.replace("stem.conv", "conv1").replace("stem.bn", "bn1")
        parts = parts.replace("classifier", "linear").split(".")
        if parts[0].startswith("stage"):
            position = int(parts[1].removeprefix("block")) - 1
            parts[:2] = [f"layer{parts[0][-1]}", str(position)]
        if not name.endswith("num_batches_tracked"):
            renamed[".".join(parts)] = tensor.clone()
    return renamed


@pytest.fixture
def photographs():
    return torch.rand(3, *COLOUR, generator=torch.Generator().manual_seed(2))


def same(one, other):
    pairs = zip(one.body.state_dict().items(), other.body.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for (name, a), b in pairs if "num_batches" not in name)


def test_without_weights_a_network_is_drawn_from_the_seed():
    assert same(start(seed=3), start(seed=3))
    assert not same(start(seed=3), start(seed=4))


def test_a_network_file_brings_its_normalisation(tmp_path, photographs):
    network = random_network("resnet20", shape=COLOUR)
    save_network(network, tmp_path / "n.safetensors")
    # other numbers, as the data would have them
    wanted = header("resnet20", shape=COLOUR, **IMAGENET)
    loaded = start_network(wanted, {"weights": str(tmp_path / "n.safetensors")}, 0).eval()
    assert torch.equal(loaded(photographs), network(photographs))
    assert loaded.header.mean == network.header.mean
    own = start("resnet20", weights=str(tmp_path / "n.safetensors"), **IMAGENET)
    assert same(own, network)
    # the options of an architecture reach its header, which is where normalisation lives
    assert header("resnet20", shape=COLOUR, **IMAGENET).mean == (0.485, 0.456, 0.406)


def test_a_normalisation_of_another_number_of_channels_is_refused():
    with pytest.raises(ValueError, match="mean and std should have 3 numbers each, not 2 and 2"):
        start("resnet20", mean=[0.5, 0.5], std=[0.2, 0.2])


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.module."])
def test_a_foreign_state_dict_loads_as_it_is(tmp_path, photographs, prefix):
    network = random_network("resnet20", shape=COLOUR)
    path = tmp_path / "foreign.safetensors"
    save_file({prefix + name: tensor for name, tensor in foreign(network).items()}, path)
    loaded = start(weights=str(path))
    assert same(loaded, network)
    assert torch.equal(loaded(photographs), network(photographs))


def test_projection_shortcuts_have_foreign_names_too(tmp_path):
    network = random_network("resnet20", shape=COLOUR, shortcut="projection")
    path = tmp_path / "foreign.safetensors"
    tensors = {
        name.replace("shortcut.conv", "downsample.0").replace("shortcut.bn", "downsample.1"): value
        for name, value in foreign(network).items()
    }
    save_file(tensors, path)
    assert any("downsample.1" in name for name in tensors)
    assert same(start(weights=str(path), shortcut="projection"), network)


def test_a_map_of_names_translates_any_other(tmp_path):
    network = random_network("resnet20", shape=COLOUR)
    path = tmp_path / "foreign.safetensors"
    save_file({f"encoder/{k.replace('.', '/')}": v for k, v in foreign(network).items()}, path)
    names = {"^encoder/": "", "/": "."}
    assert same(start(weights=str(path), names=names), network)
    with pytest.raises(ValueError, match=r"it lacks .*; 'names' can map names"):
        start(weights=str(path))


def test_weights_of_another_depth_are_named(tmp_path):
    path = tmp_path / "deep.safetensors"
    save_file(foreign(random_network("resnet32", shape=COLOUR)), path)
    with pytest.raises(ValueError, match=r"does not fit resnet20: it also has layer1\.3\."):
        start(weights=str(path))
    save_file(foreign(random_network("resnet14", shape=COLOUR)), path)
    with pytest.raises(ValueError, match=r"does not fit resnet20: it lacks stage1\.block3\."):
        start(weights=str(path))
    save_file(foreign(random_network("resnet20", shape=COLOUR, widths=[8, 32, 64])), path)
    with pytest.raises(ValueError, match=r"has shape \(8,\), not \(16,\)|has shape \(8, 3, 3, 3\)"):
        start(weights=str(path))


def test_another_number_of_classes_needs_a_new_classifier_and_says_so(tmp_path):
    path = tmp_path / "hundred.safetensors"
    network = random_network("resnet20", shape=COLOUR, classes=100)
    save_file(foreign(network), path)
    with pytest.raises(
        ValueError, match=r"has 100 classes and the data 10; 'new_classifier: true'"
    ):
        start(weights=str(path))
    loaded = start(weights=str(path), new_classifier=True)
    assert loaded.classifier.weight.shape == (10, 64)
    assert torch.equal(loaded.body.stem.conv.weight, network.body.stem.conv.weight)
    # drawn from the seed, as that of a new network is
    assert torch.equal(loaded.classifier.weight, start().classifier.weight)
    assert not torch.equal(
        start(weights=str(path), new_classifier=True, seed=6).classifier.weight,
        loaded.classifier.weight,
    )


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("of_the_file", own_networks.COMPUTED)
@pytest.mark.parametrize("way", own_networks.COMPUTED)
@pytest.mark.parametrize("bias", [True, False])
def test_a_new_classifier_is_new_however_its_weight_is_computed(tmp_path, bias, way, of_the_file):
    def started(way, classes=4, seed=5, **options):
        own = {"build": "own_networks:build_head", "arguments": {"way": way, "bias": bias}}
        given = header("own", shape=(3, 8, 8), classes=classes, **own)
        return start_network(given, own | options, seed).eval()

    path, pixels = str(tmp_path / "other.safetensors"), torch.rand(3, 3, 8, 8)
    other = started(of_the_file, seed=8)
    save_file(other.body.state_dict(), path)
    for classes in (4, 5):
        new = started(way, classes, weights=path, new_classifier=True)
        with torch.no_grad():
            features = other.features(pixels)
            assert torch.equal(new.features(pixels), features)
            drawn = started(way, classes).classifier
            assert torch.equal(new.classifier(features), drawn(features))
    if way == of_the_file:
        assert same(started(way, weights=path), other)
        with pytest.raises(ValueError, match=r"4 classes and the data 5; 'new_classifier: true'"):
            started(way, classes=5, weights=path)


def test_a_pruned_network_is_no_baseline(tmp_path):
    network = random_network("resnet20", shape=COLOUR)
    tensors = {k: v.numpy() for k, v in network.body.state_dict().items()}
    path = tmp_path / "pruned.safetensors"
    write_network(path, *without_block(network.header, tensors, "stage1.block2"))
    with pytest.raises(ValueError, match=r"lacks stage1\.block2: a baseline starts from"):
        start(weights=str(path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "w.pth"}, r"w\.pth is a pickle, .* convert it once with: python -c"),
        ({"weights": "w.bin"}, r"w\.bin is a pickle"),
        ({"weights": "w.PT"}, r"w\.PT is a pickle"),
        (
            {"weights": "w.onnx"},
            r"w\.onnx should be 'torchvision', 'pretrained' or a \.safetensors file",
        ),
        ({"weights": "gone.safetensors"}, r"there is no file gone\.safetensors"),
        ({"weights": "torchvision"}, "torchvision has none for this network"),
        ({"new_classifier": True}, "new_classifier without 'weights'"),
        ({"weights": "torchvision", "names": {"(": ""}}, r"names: '\(' is no pattern"),
        ({"mean": [0.5]}, "both 'mean' and 'std'"),
        ({"mean": [0.5], "std": [0.2, 0.2]}, "one number a channel"),
    ],
)
def test_start_options_that_cannot_work(options, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        check_start("mine", options, architecture("resnet20"))
    assert "\n" not in str(caught.value)


def test_a_pickle_under_a_safe_name_is_never_opened_as_one(tmp_path):
    path = tmp_path / "really.safetensors"
    torch.save({"conv1.weight": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match=r"not a readable \.safetensors file"):
        start(weights=str(path))


def test_the_conversion_that_is_advised_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = random_network("resnet20", shape=COLOUR)
    torch.save(foreign(network), "w.pth")
    with pytest.raises(ValueError) as caught:
        check_start("mine", {"weights": "w.pth"}, architecture("resnet20"))
    code = str(caught.value).split('python -c "')[1].removesuffix('"')
    exec(code)
    assert same(start(weights="w.safetensors"), network)


def test_torchvisions_weights_come_with_their_normalisation(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    entry = ResNet18_Weights.DEFAULT
    file = tmp_path / "hub" / "checkpoints" / entry.url.rsplit("/", 1)[1]
    file.parent.mkdir(parents=True)
    torch.manual_seed(1)
    planted = get_model("resnet18").eval()
    torch.save(planted.state_dict(), file)
    loaded = start("resnet18", weights="torchvision", classes=1000)
    images = torch.rand(2, *COLOUR)
    mean, std = (torch.tensor(IMAGENET[key]).view(3, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        assert torch.equal(loaded(images), planted((images - mean) / std))
    with pytest.raises(ValueError, match="has 1000 classes and the data 10"):
        start("resnet18", weights="torchvision")
    adapted = start("resnet18", weights="torchvision", new_classifier=True)
    assert adapted.classifier.out_features == 10
    assert torch.equal(adapted.body.conv1.weight, planted.conv1.weight)


def test_without_a_network_it_is_said_which_file_goes_where(tmp_path, monkeypatch):
    def unreachable(*arguments, **options):
        raise OSError("name or service not known")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", unreachable)
    with pytest.raises(ValueError, match=r"put resnet18-f37072fd\.pth from https://\S+ into ") as e:
        start("resnet18", weights="torchvision", new_classifier=True)
    assert "\n" not in str(e.value) and str(tmp_path) in str(e.value)


@pytest.mark.long
@pytest.mark.parametrize(("depth", "percent"), [(20, 81.03), (56, 83.20)])
def test_published_weights_are_as_accurate_as_published(depth, percent):
    path = shared_file(f"weights/resnet{depth}_cifar10.safetensors")
    images, labels = [], []
    with tarfile.open(shared_file("data/cifar10-jpeg.tar.xz")) as tar:
        for member in tar:
            parts = member.name.split("/")
            if member.isfile() and "test" in parts:
                file = tar.extractfile(member)
                images.append(np.asarray(Image.open(file).convert("RGB")))
                labels.append(parts[-2])
    names = sorted(set(labels))
    assert len(images) == 10_000 and len(names) == 10
    options = {"weights": str(path), **IMAGENET}
    network = start_network(header(f"resnet{depth}", shape=COLOUR, **IMAGENET), options, 0).eval()
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    truth = torch.tensor([names.index(label) for label in labels])
    with torch.inference_mode():
        right = sum(
            int((network(batch / 255).argmax(dim=1) == target).sum())
            for batch, target in zip(pixels.split(500), truth.split(500), strict=True)
        )
    assert round(right / 100, 2) == percent


def test_counters_of_other_tools_are_left_out_by_an_empty_name(tmp_path):
    network = random_network("resnet20", shape=COLOUR)
    path = tmp_path / "foreign.safetensors"
    counters = {"n_averaged": torch.tensor(3), "layer1.0.total_ops": torch.zeros(1)}
    save_file(foreign(network) | counters, path)
    with pytest.raises(ValueError, match=r"it also has .*leave one out that becomes ''"):
        start(weights=str(path))
    for names in ({"n_averaged|.*total_ops": ""}, {"n_averaged$": "", "total_ops$": ""}):
        assert same(start(weights=str(path), names=names), network)


@pytest.mark.parametrize(
    ("kind", "is_read"),
    [
        *((kind, True) for kind in (torch.float16, torch.bfloat16, torch.float64)),
        *((kind, False) for kind in (torch.int8, torch.int64, torch.bool, torch.complex64)),
        (torch.float8_e4m3fn, False),
        (torch.float8_e5m2, False),
    ],
    ids=str,
)
def test_numbers_of_another_type_are_read_or_named(tmp_path, kind, is_read):
    network = random_network("resnet20", shape=COLOUR)
    path = tmp_path / "foreign.safetensors"
    tensors = foreign(network)
    tensors["linear.weight"] = tensors["linear.weight"].to(kind)
    try:
        save_file(tensors, path)
    except KeyError:
        pytest.skip(f"this version of safetensors cannot write {kind}")
    if is_read:
        read = start(weights=str(path)).classifier.weight
        assert torch.equal(read, tensors["linear.weight"].float())
    else:
        name = str(kind).removeprefix("torch.")
        with pytest.raises(ValueError, match=f"classifier.weight is {name}, which cannot be read"):
            start(weights=str(path))


@pytest.mark.parametrize("replacement", [r"\2", r"\g<other>", "\\", r"\q"])
def test_a_bad_replacement_is_named_before_and_by_the_job(tmp_path, replacement):
    path = tmp_path / "foreign.safetensors"
    save_file(foreign(random_network("resnet20", shape=COLOUR)), path)
    options = {"weights": str(path), "names": {"^(conv)": replacement}}
    network = architecture("resnet20", {}, COLOUR)
    with pytest.raises(ValueError, match=r"names: .* cannot replace '\^\(conv\)'"):
        check_start("resnet20", options, network)
    with pytest.raises(ValueError, match=r"names: .* cannot replace '\^\(conv\)'"):
        start(**options)
    for names in ({"(?i)^CONV(.)?": r"conv\1"}, {"^(?P<n>x)": r"\g<n>"}):
        check_start("resnet20", {"weights": str(path), "names": names}, network)

"""Networks of timm and transformers by their names, and the files that the hub has of them."""

import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hub_server import serving
from layer_pruning.models.architectures import architecture
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.hub import named_body, record_of
from layer_pruning.models.hub_files import CONFIGURATION, PREPROCESSING, WEIGHTS, fetch, hub_path
from layer_pruning.models.residual import load_network, save_network
from layer_pruning.models.weights import start_network

SHAPE = (3, 32, 32)
DATA = {
    "input_shape": SHAPE,
    "mean": (0.5,) * 3,
    "std": (0.25,) * 3,
    "class_names": tuple("abcd"),
}
CONVNEXT = {
    "network": "timm/convnext_atto.d2_in1k",
    "arguments": {"depths": [2, 2, 1, 1], "dims": [4, 8, 8, 8]},
}
SWIN = {"embed_dim": 8, "depths": [2, 1], "num_heads": [1, 2], "window_size": 4, "patch_size": 4}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub whose files are fetched to the folder of the test."""
    monkeypatch.chdir(tmp_path)
    with serving(tmp_path / "hub", monkeypatch) as put:
        yield put


def fetched(repository, file, sha256=None):
    return fetch(repository, file, hub_path(repository, file), sha256)


def test_a_file_is_fetched_once_and_checked(hub, tmp_path):
    checksum = hub("some/net", WEIGHTS, b"weights")
    assert fetched("some/net", WEIGHTS) == checksum
    path = tmp_path / hub_path("some/net", WEIGHTS)
    assert path.read_bytes() == b"weights"
    hub("some/net", WEIGHTS, b"others")
    assert fetched("some/net", WEIGHTS, checksum) == checksum
    assert path.read_bytes() == b"weights"


@pytest.mark.parametrize("by", ["the hub", "the user"])
def test_another_checksum_is_refused_and_leaves_no_file(by, hub, tmp_path):
    hub("some/net", WEIGHTS, b"weights")
    wanted = "0" * 64
    if by == "the hub":
        hub.server.checksum = wanted
    with pytest.raises(ValueError, match=f"has the SHA-256 [0-9a-f]{{64}}, not {wanted}"):
        fetched("some/net", WEIGHTS, wanted if by == "the user" else None)
    assert not (tmp_path / hub_path("some/net", WEIGHTS)).exists()


def test_without_a_network_one_line_says_where_the_file_goes(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="no connection to") as raised:
        fetched("some/net", WEIGHTS)
    said = str(raised.value)
    assert "\n" not in said and str(tmp_path / hub_path("some/net", WEIGHTS)) in said
    assert "http://127.0.0.1:9/some/net/resolve/main/model.safetensors" in said


def planted(hub, repository, body):
    """Weights of a module, on the hub and fetched from there."""
    file = Path("planted.safetensors")
    save_file(body.state_dict(), file)
    hub(repository, WEIGHTS, file.read_bytes())
    fetched(repository, WEIGHTS)


def test_weights_of_timm_with_the_normalisation_of_its_record(hub):
    kind = architecture("mine", CONVNEXT, SHAPE)
    record = record_of(kind)
    assert (record.repository, record.classes) == ("timm/convnext_atto.d2_in1k", 1000)
    body = named_body(kind, SHAPE, record.classes)
    planted(hub, record.repository, body)
    options = CONVNEXT | {"weights": "pretrained"}
    header = NetworkHeader.of("mine", options, **DATA)
    with pytest.raises(ValueError, match="'new_classifier: true' draws a new classifier"):
        start_network(header, options, 0)
    network = start_network(header, options | {"new_classifier": True}, 0)
    assert network.header.mean == pytest.approx((0.485, 0.456, 0.406))
    for name, value in network.body.state_dict().items():
        taken = value.shape == body.state_dict()[name].shape
        assert taken == ("head.fc" not in name), name
        assert not taken or torch.equal(value, body.state_dict()[name]), name
    assert network(torch.rand(2, *SHAPE)).shape == (2, 4)


def test_position_embeddings_follow_the_size_of_images(hub):
    options = {
        "network": "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k",
        "arguments": {"depth": 2, "embed_dim": 8, "num_heads": 2},
        "weights": "pretrained",
        "new_classifier": True,
    }
    kind = architecture("mine", options, SHAPE)
    record = record_of(kind)
    planted(hub, record.repository, named_body(kind, record.input_shape, record.classes))
    network = start_network(NetworkHeader.of("mine", options, **DATA), options, 0)
    assert network.body.pos_embed.shape == (1, 5, 8)


def test_a_repository_of_the_hub_needs_its_configuration_once(hub, tmp_path):
    repository = "someone/tiny-swin"
    options = {"network": f"hf/{repository}", "weights": "pretrained", "new_classifier": True}
    with pytest.raises(ValueError, match=r"its config.json says what it is, and is not here: put"):
        architecture("mine", options, SHAPE)
    told = SWIN | {"model_type": "swin", "image_size": 32, "id2label": {"0": "cat", "1": "dog"}}
    hub(repository, CONFIGURATION, json.dumps(told).encode())
    hub(repository, PREPROCESSING, b'{"image_mean": [0.1, 0.2, 0.3], "image_std": [0.3, 0.2, 0.1]}')
    fetched(repository, CONFIGURATION)
    fetched(repository, PREPROCESSING)
    kind = architecture("mine", options, SHAPE)
    record = record_of(kind)
    assert (record.input_shape, record.classes) == (SHAPE, 2)
    body = named_body(kind, SHAPE, 2)
    planted(hub, repository, body)
    network = start_network(NetworkHeader.of("mine", options, **DATA), options, 0)
    assert network.header.mean == (0.1, 0.2, 0.3)
    ours, theirs = network.body.state_dict(), body.state_dict()
    assert all(torch.equal(ours[n], theirs[n]) for n in theirs if "classifier" not in n)
    save_network(network, "network.safetensors")
    # the network file needs no other file
    (tmp_path / hub_path(repository, CONFIGURATION)).unlink()
    images = torch.rand(2, *SHAPE)
    assert torch.equal(load_network("network.safetensors")(images), network.eval()(images))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("timm/convnext_ato", "'timm/convnext_ato' is unknown to timm .*did you mean 'timm/conv"),
        ("timm/convnext_atto.d3_in1k", "did you mean 'timm/convnext_atto.d2_in1k'"),
        ("hf/swinn", "'hf/swinn' is unknown to transformers .*did you mean 'hf/swin"),
    ],
)
def test_a_name_that_a_package_does_not_know_has_a_suggestion(name, says):
    with pytest.raises(ValueError, match=says):
        named_body(architecture("mine", {"network": name}), SHAPE, 4)


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ValueError, match=r"the package timm is not installed here; pip install"):
        named_body(architecture("timm/convnext_atto"), SHAPE, 4)


def test_arguments_that_a_network_does_not_take_are_named():
    kind = architecture("mine", {"network": "timm/convnext_atto", "arguments": {"colour": 1}})
    with pytest.raises(ValueError, match=r"cannot be built .* with \{'colour': 1\}"):
        named_body(kind, SHAPE, 4)


def put_here(repository, file, text):
    path = Path(hub_path(repository, file))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "it holds a list, expected a JSON object"),
        ("[" * 100_000, "no JSON"),
        ("{}", "its 'model_type' should say"),
        ('{"model_type": 3}', "its 'model_type' should say"),
        ('{"model_type": "swin", "depths": "x"}', "transformers cannot configure a swin so"),
        ('{"model_type": "swin", "depths": NaN}', "NaN is no number"),
        ('{"model_type": "swin", "depths": 3}', "transformers cannot configure a swin so"),
        ('{"model_type": "swin", "image_size": "x"}', ""),
        ('{"model_type": "swin", "id2label": 3}', "id2label: 3 should be an object"),
    ],
)
def test_a_configuration_of_the_hub_that_cannot_be_one_is_named(tmp_path, monkeypatch, text, says):
    monkeypatch.chdir(tmp_path)
    put_here("a/b", CONFIGURATION, text)
    with pytest.raises(ValueError, match=f"^downloads/hub/a/b/config.json: .*{says}") as raised:
        record_of(architecture("mine", {"network": "hf/a/b"}, SHAPE))
    assert "\n" not in str(raised.value)


def test_a_byte_order_mark_is_read_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put_here("a/b", CONFIGURATION, "\ufeff" + '{"model_type": "swin", "image_size": 32}')
    put_here("a/b", PREPROCESSING, '{"image_mean": null, "image_std": null}')
    record = record_of(architecture("mine", {"network": "hf/a/b"}, SHAPE))
    assert record.input_shape == SHAPE and record.mean is None


@pytest.mark.parametrize("mean", ['"x"', '["a"]', "[[1]]", "{}", "[true]", "[1, 2]"])
def test_a_mean_of_the_hub_that_cannot_be_one_is_named(tmp_path, monkeypatch, mean):
    monkeypatch.chdir(tmp_path)
    put_here("a/b", CONFIGURATION, '{"model_type": "swin"}')
    put_here("a/b", PREPROCESSING, f'{{"image_mean": {mean}, "image_std": [1, 1, 1]}}')
    with pytest.raises(ValueError, match=r"^downloads/hub/a/b/preprocessor_config.json: image_m"):
        record_of(architecture("mine", {"network": "hf/a/b"}, SHAPE))


@pytest.mark.parametrize(
    "repository", ["../..", "a/..", "./a", "a/b/c", "a/", "/a", "a b/c", "a/b\n"]
)
def test_a_repository_is_an_owner_and_a_name(tmp_path, monkeypatch, repository):
    monkeypatch.chdir(tmp_path)
    put_here("b/c", CONFIGURATION, '{"model_type": "swin"}')
    with pytest.raises(ValueError, match=r"should be 'hf/owner/name'"):
        architecture("mine", {"network": f"hf/{repository}"}, SHAPE)

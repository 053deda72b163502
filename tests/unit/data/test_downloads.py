"""Data sets of torchvision, from tiny files in their official formats. No network is used."""

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
import scipy.io
from torchvision import datasets

from layer_pruning.data import downloads
from layer_pruning.data.catalog import DATASETS, complete_settings
from layer_pruning.data.downloads import download, load_downloaded, sources
from layer_pruning.data.prepare import prepare
from layer_pruning.data.splits import SPLITS

DOWNLOADED = [name for name, info in DATASETS.items() if info.files]


def md5(content):
    return hashlib.md5(content).hexdigest()


def archive(members):
    """A .tar.gz of names and contents."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def planted_cifar(monkeypatch, kind, train, test):
    """What the authors of CIFAR publish, for a few images; torchvision's checksums to match."""
    known = downloads.CLASSES[kind]
    key = "labels" if kind == "cifar10" else "fine_labels"
    names = [f"class {i}" for i in range(2)]
    contents = {known.meta["filename"]: pickle.dumps({known.meta["key"]: names})}
    batches = [name for name, _ in known.train_list]
    cut = np.array_split(np.arange(len(train[0])), len(batches))
    parts = [(train[0][c], train[1][c]) for c in cut] + [test]
    for name, (images, labels) in zip([*batches, known.test_list[0][0]], parts, strict=True):
        rows = {"data": images.reshape(len(images), -1), key: labels.tolist()}
        contents[name] = pickle.dumps(rows)
    sums = {name: md5(content) for name, content in contents.items()}
    monkeypatch.setattr(known, "train_list", [[name, sums[name]] for name in batches])
    monkeypatch.setattr(known, "test_list", [[n, sums[n]] for n, _ in known.test_list])
    monkeypatch.setattr(known, "meta", known.meta | {"md5": sums[known.meta["filename"]]})
    packed = archive({f"{known.base_folder}/{name}": c for name, c in contents.items()})
    monkeypatch.setattr(known, "tgz_md5", md5(packed))
    return {known.filename: packed}


def planted_fashion(monkeypatch, kind, train, test):
    files = {}
    for name, (images, labels) in (("train", train), ("t10k", test)):
        head = struct.pack(">HBBIII", 0, 8, 3, len(images), *images.shape[2:])
        files[f"{name}-images-idx3-ubyte.gz"] = gzip.compress(head + images.tobytes())
        head = struct.pack(">HBBI", 0, 8, 1, len(labels))
        files[f"{name}-labels-idx1-ubyte.gz"] = gzip.compress(
            head + labels.astype(np.uint8).tobytes()
        )
    resources = [(name, md5(content)) for name, content in files.items()]
    monkeypatch.setattr(datasets.FashionMNIST, "resources", resources)
    return files


def planted_svhn(monkeypatch, kind, train, test):
    files, split_list = {}, {}
    for name, (images, labels) in (("train", train), ("test", test)):
        buffer = io.BytesIO()
        # as published: the digit 0 has the label 10, and images are the last axis
        y = np.where(labels == 0, 10, labels)[:, None]
        scipy.io.savemat(buffer, {"X": images.transpose(2, 3, 1, 0), "y": y})
        content = files[f"{name}_32x32.mat"] = buffer.getvalue()
        split_list[name] = [f"http://nowhere/{name}", f"{name}_32x32.mat", md5(content)]
    monkeypatch.setattr(datasets.SVHN, "split_list", split_list)
    return files


PLANTED = {
    "cifar10": planted_cifar,
    "cifar100": planted_cifar,
    "fashion_mnist": planted_fashion,
    "svhn": planted_svhn,
}


def planted(monkeypatch, tmp_path, kind):
    """Images and labels of train and test, and the files that hold them, by name."""
    generator = np.random.default_rng(0)
    shape = DATASETS[kind].input_shape
    parts = [
        (generator.integers(0, 256, (count, *shape), dtype=np.uint8), np.arange(count) % 2)
        for count in (20, 6)
    ]
    files = {}
    for name, content in PLANTED[kind](monkeypatch, kind, *parts).items():
        files[name] = tmp_path / name
        files[name].write_bytes(content)
    return parts, files


@pytest.mark.parametrize("kind", DOWNLOADED)
def test_the_catalogue_names_the_files_that_torchvision_knows(kind):
    known = sources(kind)
    assert tuple(known) == DATASETS[kind].files
    for name, (url, checksum) in known.items():
        assert url.startswith("http") and url.endswith(name)
        assert len(checksum) == 32


@pytest.mark.parametrize("kind", DOWNLOADED)
def test_images_labels_and_official_splits_are_read(kind, monkeypatch, tmp_path):
    (train, test), files = planted(monkeypatch, tmp_path, kind)
    data = load_downloaded(kind, files)
    assert np.array_equal(data.images, np.concatenate([train[0], test[0]]))
    assert np.array_equal(data.labels, np.concatenate([train[1], test[1]]))
    assert data.split.tolist() == [SPLITS.index("train")] * 20 + [SPLITS.index("test")] * 6
    assert len(data.class_names) == (2 if kind.startswith("cifar") else DATASETS[kind].classes)


def test_the_official_test_split_stays_and_validation_comes_from_train(monkeypatch, tmp_path):
    (_, test), files = planted(monkeypatch, tmp_path, "cifar10")
    settings = complete_settings("cifar10", {})
    options = {"validation_fraction": 0.3, "test_fraction": 0.4, "files": files.values()}
    data, other = (prepare(settings, seed=seed, **options) for seed in (0, 1))
    assert np.array_equal(data.stored("test")[0], test[0])
    counts = [np.bincount(data.labels_of(split)).tolist() for split in SPLITS]
    assert counts == [[7, 7], [3, 3], [3, 3]]
    assert not np.array_equal(data.split, other.split)


@pytest.mark.parametrize("kind", DOWNLOADED)
def test_a_file_with_another_checksum_is_named_and_not_read(kind, monkeypatch, tmp_path):
    _, files = planted(monkeypatch, tmp_path, kind)
    name = DATASETS[kind].files[-1]
    content = bytearray(files[name].read_bytes())
    content[len(content) // 2] ^= 1
    files[name].write_bytes(content)
    placed = []
    monkeypatch.setattr(downloads, "_place", lambda kind, path, *_: placed.append(path.name))
    with pytest.raises(ValueError, match=rf"{name} has the MD5 checksum {md5(content)}, not "):
        load_downloaded(kind, files)
    assert name not in placed


def test_a_missing_file_is_named(tmp_path):
    path = tmp_path / "cifar-10-python.tar.gz"
    with pytest.raises(FileNotFoundError, match=r"cifar-10-python\.tar\.gz: there is no such file"):
        load_downloaded("cifar10", {path.name: path})


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(monkeypatch, tmp_path):
    """A function that has this machine serve a file as CIFAR-10, and where it should arrive."""
    folder = tmp_path / "server"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def serve(content, checksum):
        path = folder / "cifar-10-python.tar.gz"
        path.write_bytes(content)
        url = f"http://127.0.0.1:{server.server_port}/{path.name}"
        monkeypatch.setattr(datasets.CIFAR10, "url", url)
        monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", checksum)
        return tmp_path / "downloads" / path.name

    yield serve
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_download_arrives_whole(served):
    path = served(b"content", md5(b"content"))
    download("cifar10", path)
    assert path.read_bytes() == b"content"
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_is_there_is_not_fetched_again(monkeypatch, tmp_path):
    path = tmp_path / "cifar-10-python.tar.gz"
    path.write_bytes(b"content")
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", md5(b"content"))
    monkeypatch.setattr(downloads, "download_url", lambda *_: pytest.fail("it was fetched"))
    download("cifar10", path)
    assert path.read_bytes() == b"content"


def test_a_download_with_another_checksum_leaves_nothing(served):
    path = served(b"forged", md5(b"content"))
    with pytest.raises(ValueError, match=rf"cifar-10-python.*{md5(b'forged')}, not") as caught:
        download("cifar10", path)
    assert "\n" not in str(caught.value)
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/cifar.tar.gz", "404"])
def test_without_a_network_it_is_said_which_file_to_put_where(monkeypatch, served, url):
    path = served(b"content", md5(b"content"))
    url = url if url != "404" else f"{datasets.CIFAR10.url}.gone"
    monkeypatch.setattr(datasets.CIFAR10, "url", url)
    with pytest.raises(OSError) as caught:
        download("cifar10", path)
    message = str(caught.value)
    assert f"no connection to {url}" in message and f"put it at {path} and run again" in message
    assert "\n" not in message
    assert not list(path.parent.iterdir())

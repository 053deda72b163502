"""A file that only could not be opened is not damaged, and each reason has its own remedy."""

import errno
import os
import resource
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from layer_pruning.activations.features import read_activations
from layer_pruning.data.image_file import ImageData, read_data, write_data
from layer_pruning.data.image_folder import load_image_folder
from layer_pruning.models.network_file import read_network
from layer_pruning.models.residual import save_network
from layer_pruning.runtime import access
from layer_pruning.runtime.access import access_remedy, of_the_system
from layer_pruning.runtime.atomic import check_writable, folders_below, written_whole
from layer_pruning.runtime.job import remedy
from small_networks import random_network


def error(number, name="results/x.json"):
    return OSError(number, os.strerror(number), name)


REMEDIES = {
    errno.EACCES: "chmod",
    errno.EPERM: "chmod",
    errno.EMFILE: "ulimit -n",
    errno.ENFILE: "ulimit -n",
    errno.ENOSPC: "make space there",
    errno.EDQUOT: "used up",
    errno.EROFS: "read-only",
    errno.EIO: "health",
    errno.ESTALE: "file server",
}


@pytest.mark.parametrize(("number", "says"), REMEDIES.items())
def test_each_reason_has_a_remedy_of_its_own_that_deletes_no_result(number, says):
    line = remedy(error(number))
    assert says in line and "x.json" in line and "\n" not in line
    assert "delete it" not in line
    assert sum(other in line for other in set(REMEDIES.values())) == 1


def test_an_error_that_a_library_wrote_into_its_text_is_known_too():
    said = ValueError("I/O error: No space left on device (os error 28)")
    assert of_the_system(said) and "make space" in access_remedy(said)
    assert not of_the_system(ValueError("invalid header"))


def test_a_disk_without_inodes_is_not_called_full(tmp_path, monkeypatch):
    disk = SimpleNamespace(f_files=100, f_favail=0)
    monkeypatch.setattr(access.os, "statvfs", lambda path: disk)
    line = remedy(error(errno.ENOSPC, str(tmp_path / "x.json")))
    assert "no inode left" in line
    with pytest.raises(OSError, match="no inode left"), written_whole(tmp_path / "a"):
        raise error(errno.ENOSPC)


def test_the_disk_that_is_full_is_named(tmp_path):
    mounted = next(p for p in (tmp_path, *tmp_path.parents) if p.is_mount())
    assert f"{mounted} has " in remedy(error(errno.ENOSPC, str(tmp_path / "no" / "x.json")))


def test_a_limit_of_the_address_space_is_named_where_memory_ends(monkeypatch):
    assert "batch_size" in remedy(MemoryError("could not allocate"))
    monkeypatch.setattr(access.resource, "getrlimit", lambda which: (2 * 10**9, -1))
    line = remedy(MemoryError("could not allocate"))
    assert "2 GB of address space" in line and "ulimit -v" in line


def network(path):
    save_network(random_network("narrow", depth=8, widths=(2, 2, 3)), path)
    return read_network


def data(path):
    images, labels = np.zeros((6, 1, 4, 4), dtype=np.uint8), np.arange(6) % 2
    write_data(path, ImageData(images, labels, (np.arange(6) % 3).astype(np.uint8), ("a", "b")))
    return read_data


def activations(path):
    path.write_bytes(b"")
    return read_activations


@pytest.mark.parametrize(
    ("name", "write"), [("n.safetensors", network), ("d.npz", data), ("a.npz", activations)]
)
def test_too_many_open_files_are_no_damage(tmp_path, name, write):
    path = tmp_path / name
    read = write(path)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        with pytest.raises(OSError) as caught:
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        with pytest.raises(OSError) as caught:
            read(path)
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert caught.value.errno == errno.EMFILE
    assert "ulimit -n" in remedy(caught.value) and "delete" not in remedy(caught.value)


def test_an_image_that_cannot_be_opened_is_not_to_be_deleted(tmp_path, write_image, monkeypatch):
    for name in ("a/0.png", "b/0.png"):
        write_image(name)
    opened = Image.open

    def refused(path, **options):
        if str(path).endswith("b/0.png"):
            raise error(errno.EACCES, str(path))
        return opened(path, **options)

    monkeypatch.setattr(Image, "open", refused)
    with pytest.raises(ValueError, match=r"first b/0\.png \(Permission denied.*chmod") as caught:
        load_image_folder(tmp_path, image_size=None, channels=None)
    assert "delete" not in str(caught.value)


def test_a_home_or_results_that_cannot_be_written_are_one_line_before_anything(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    access.check_home()
    (tmp_path / "results" / "digits" / "seed-0").mkdir(parents=True)
    check_writable(*folders_below(tmp_path / "results"))

    def refused(path, mode):
        return os.fspath(path) not in (str(tmp_path), str(tmp_path / "results/digits/seed-0"))

    monkeypatch.setattr(os, "access", refused)
    with pytest.raises(PermissionError, match="XDG_CACHE_HOME"):
        access.check_home()
    with pytest.raises(PermissionError, match="digits/seed-0 cannot be written to"):
        check_writable(*folders_below(tmp_path / "results"))
    monkeypatch.setenv("XDG_CACHE_HOME", "/tmp")
    access.check_home()
    # a folder in which nothing can be made, whoever one is
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/cache")
    with pytest.raises(PermissionError, match="Snakemake keeps a cache there"):
        access.check_home()

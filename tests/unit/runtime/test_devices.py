import pytest
import torch

from layer_pruning.runtime.devices import select_device


def test_a_gpu_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert select_device("cuda:0", 1) == torch.device("cuda:0")
    with pytest.raises(ValueError, match="device: 'cuda:1' is asked for and PyTorch sees 1 GPUs"):
        select_device("cuda:1", 1)


def test_auto_takes_what_there_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for there, expected in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert select_device("auto", 1).type == expected


def test_threads_are_set():
    before = torch.get_num_threads()
    select_device("cpu", 1)
    assert torch.get_num_threads() == 1
    torch.set_num_threads(before)

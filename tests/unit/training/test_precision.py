import pytest
import torch

from layer_pruning.training import precision
from layer_pruning.training.precision import compiled, resolved_precision

CPU = torch.device("cpu")


@pytest.fixture(params=[True, False])
def native(request, monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: request.param)
    return request.param


def test_auto_is_bfloat16_where_the_device_has_it_and_images_are_large(native):
    large, small = (resolved_precision("auto", CPU, size**2) for size in (32, 8))
    assert large == (torch.bfloat16 if native else torch.float32)
    assert small == torch.float32


def test_what_is_asked_for_is_taken_or_refused(native):
    assert resolved_precision("float32", CPU, 32**2) == torch.float32
    if native:
        assert resolved_precision("bfloat16", CPU, 8**2) == torch.bfloat16
    else:
        with pytest.raises(ValueError, match="precision: bfloat16 is asked for and cpu has no"):
            resolved_precision("bfloat16", CPU, 32**2)


def test_the_processor_is_asked(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    assert precision.has_bfloat16(CPU)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True}, raising=False)
    assert not precision.has_bfloat16(CPU)
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not precision.has_bfloat16(CPU)


def test_without_a_compiler_the_message_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match=r"compile: torch\.compile needs a C"):
        compiled(torch.nn.Linear(2, 2))

"""The guide to other runtimes: what needs a package that is not installed with the workflow."""

import pytest
from documents import ROOT, of_language

OWN = [b for b in of_language("py") if b.file == "docs/how-to/deploy.md"]


def test_openvino_computes_what_onnx_runtime_does(folder, monkeypatch):
    pytest.importorskip("openvino", reason="openvino is not installed")
    (block,) = [block for block in OWN if "openvino" in block.text]
    monkeypatch.chdir(folder)
    exec(compile(block.text, str(ROOT / block.file), "exec"), {})
    assert (folder / "network.bin").stat().st_size > 0

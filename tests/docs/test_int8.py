"""The guide to int8 quantises what it says, and what it prints is right."""

import re

import numpy as np
import onnx
import onnxruntime
import torch
from documents import of_language

from layer_pruning.data.image_file import read_data
from layer_pruning.models.residual import load_network

EXPORT = "results/digits/resnet20/seed-0/consensus/removed-05"


def test_int8_keeps_the_accuracy_in_a_smaller_file_of_integer_convolutions(
    folder, monkeypatch, capsys
):
    (block,) = [b for b in of_language("python") if b.file == "docs/how-to/int8.md"]
    monkeypatch.chdir(folder)
    exec(compile(block.text, str(block), "exec"), {})
    lines = capsys.readouterr().out.splitlines()

    images, labels = read_data("results/digits/data.npz").part("test")
    with torch.no_grad():
        logits = load_network(f"{EXPORT}/network.safetensors")(torch.from_numpy(images))
    right = 100 * float(np.mean(logits.argmax(1).numpy() == labels))
    accuracies = [float(re.match(r"\w+: ([\d.]+) %", line)[1]) for line in lines[:2]]
    # five epochs: far above chance, so that a ruined network would show
    assert accuracies[0] == round(right, 2) > 80
    assert abs(accuracies[1] - accuracies[0]) < 3
    others = int(re.search(r"(\d+) images$", lines[2])[1])
    # what is printed is rounded, and a number of images is whole
    correct = [round(accuracy * len(labels) / 100) for accuracy in accuracies]
    assert abs(correct[1] - correct[0]) <= others

    # the convolutions that run take 8 bits, weights and activations
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = "running.onnx"
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    onnxruntime.InferenceSession("network-int8.onnx", options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load("running.onnx").graph.node]
    floats = [node.op_type for node in onnx.load(f"{EXPORT}/export/network.onnx").graph.node]
    assert kinds.count("QLinearConv") == floats.count("Conv") == 7 and "Conv" not in kinds
    assert len(lines) == 5 and all("int8 is " in line for line in lines[3:])

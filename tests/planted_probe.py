"""A probe set with planted features: blocks b0, b1 … with known noise."""

from types import SimpleNamespace

import numpy as np


def planted_probe(noise=(0.1, 0.3, 0.6), images_per_class=12, classes=3, features=4):
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), images_per_class)
    centres = generator.normal(size=(classes, features)) * 2
    intact = centres[labels] + generator.normal(size=(len(labels), features))
    bypassed = np.stack([intact + s * generator.normal(size=intact.shape) for s in noise])
    head = generator.normal(size=(features, classes))
    return SimpleNamespace(
        features=intact.astype(np.float32),
        features_bypassed=bypassed.astype(np.float32),
        logits=(intact @ head).astype(np.float32),
        logits_bypassed=(bypassed @ head).astype(np.float32),
        labels=labels,
        blocks=np.array([f"b{index}" for index in range(len(noise))]),
    )

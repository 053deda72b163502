import dataclasses

import pytest
import torch
from torch.nn import functional

from layer_pruning.training.catalog import RECIPES
from layer_pruning.training.loss import training_loss
from layer_pruning.training.recipe import Recipe

RECIPE = dataclasses.replace(
    Recipe.of(RECIPES["quick"]["finetuning"]), distillation_weight=1.0, distillation_temperature=3.0
)


def logits(seed, classes=5):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(7, classes, generator=generator) * 4


LABELS = torch.tensor([0, 1, 2, 3, 4, 0, 1])


def test_without_a_teacher_it_is_cross_entropy():
    recipe = dataclasses.replace(RECIPE, label_smoothing=0.1)
    expected = functional.cross_entropy(logits(0), LABELS, label_smoothing=0.1)
    assert torch.equal(training_loss(logits(0), LABELS, None, recipe), expected)


def test_distilling_from_the_same_predictions_costs_nothing():
    shifted = logits(0) + 11  # a constant in the logits is no difference in the predictions
    loss = training_loss(logits(0), LABELS, shifted, RECIPE)
    assert loss.item() == pytest.approx(0, abs=1e-5)
    assert training_loss(logits(0), LABELS, logits(1), RECIPE) > 0.1


def test_the_gradient_of_distillation_is_that_of_the_soft_targets():
    """Hinton et al. 2015, equation 2: T² times (softmax(z / T) - softmax(v / T)) / T."""
    student, teacher = logits(0).requires_grad_(), logits(1)
    training_loss(student, LABELS, teacher, RECIPE).backward()
    soft = functional.softmax(student / 3, dim=1) - functional.softmax(teacher / 3, dim=1)
    assert torch.allclose(student.grad, 3 * soft / len(student), atol=1e-6)


def test_the_weight_mixes_both():
    recipe = dataclasses.replace(RECIPE, distillation_weight=0.25)
    plain = training_loss(logits(0), LABELS, None, recipe)
    distilled = training_loss(logits(0), LABELS, logits(1), RECIPE)
    mixed = training_loss(logits(0), LABELS, logits(1), recipe)
    assert mixed.item() == pytest.approx((0.75 * plain + 0.25 * distilled).item(), rel=1e-6)

import pytest
import torch
from linear_network import Linear, grey_images
from torch import nn

from layer_pruning.attacks.evaluation import attack_network
from layer_pruning.attacks.guards import check_perturbation


def attacked(network, images=None, labels=None):
    images = grey_images(4) if images is None else images
    labels = torch.zeros(len(images), dtype=torch.int64) if labels is None else labels
    return attack_network(
        network, images, labels, attack="fgsm", norm="Linf", epsilons=[0.1], seed=0
    )


class Noisy(Linear):
    def forward(self, images):
        return super().forward(images) + torch.randn(len(images), 3)


class NotFinite(Linear):
    def forward(self, images):
        return super().forward(images) / 0


class Flat(Linear):
    def forward(self, images):
        return super().forward(images).sum(1)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Sequential(Linear(3), nn.Softmax(1)).eval(), "probabilities"),
        (nn.Sequential(Linear(3), nn.Dropout(0.5)).train(), "eval mode"),
        (nn.Sequential(Linear(3).eval(), nn.Dropout(0.5).train()), "eval mode"),
        (Noisy(3).eval(), "random"),
        (NotFinite(3).eval(), "not finite"),
        (Flat(3).eval(), "shape"),
    ],
)
def test_a_network_that_cannot_be_attacked_is_refused(network, message):
    if isinstance(network, nn.Sequential) and not network[0].training:
        network.training = False
    with pytest.raises(ValueError, match=message) as caught:
        attacked(network)
    assert "\n" not in str(caught.value)


def test_the_module_in_training_mode_is_named():
    network = nn.Sequential(Linear(3), nn.Dropout(0.5)).eval()
    network[1].train()
    with pytest.raises(ValueError, match=r"training mode: 1$"):
        attacked(network)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (grey_images(4) * 2, r"\[0, 1\]"),
        (grey_images(4) - 0.5, r"\[0, 1\]"),
        (torch.full((4, 1, 8, 8), float("nan")), r"\[0, 1\]"),
        (torch.zeros(4, 64), "shape"),
        (torch.zeros(0, 1, 8, 8), "shape"),
        (torch.zeros(4, 1, 8, 8, dtype=torch.uint8), "floating"),
    ],
)
def test_images_out_of_range_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        attacked(Linear(3).eval(), images)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.zeros(3, dtype=torch.int64), "labels"),
        (torch.zeros(4), "int64"),
        (torch.full((4,), 3), r"0\.\.2"),
        (torch.full((4,), -1), r"0\.\.2"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        attacked(Linear(3).eval(), labels=labels)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_a_perturbation_is_checked_in_its_own_norm(norm):
    images = grey_images(3)
    step = torch.zeros_like(images)
    step[1, 0, 2, 3:5] = 0.1
    size = 0.1 if norm == "Linf" else 0.1 * 2**0.5
    check_perturbation(images, images + step, epsilon=size, norm=norm)
    with pytest.raises(ValueError, match="above epsilon"):
        check_perturbation(images, images + step, epsilon=size - 1e-5, norm=norm)


def test_adversarial_images_outside_the_unit_box_are_refused():
    images = torch.zeros(1, 1, 8, 8)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        check_perturbation(images, images - 0.01, epsilon=0.1, norm="Linf")
    with pytest.raises(ValueError, match="shape"):
        check_perturbation(images, images[:, :, 1:], epsilon=0.1, norm="Linf")

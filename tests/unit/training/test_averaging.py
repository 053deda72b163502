import pytest
import torch

from layer_pruning.training.averaging import moving_average


def network(value):
    layer = torch.nn.BatchNorm1d(3)
    with torch.no_grad():
        layer.weight.fill_(value)
        layer.running_mean.fill_(2 * value)
    return layer


def test_of_a_constant_it_is_the_constant():
    average = moving_average(network(1.5), 0.999)
    for _ in range(5):
        average.update_parameters(network(1.5))
    assert torch.allclose(average.module.weight, torch.full((3,), 1.5))


def test_it_forgets_its_start_and_ends_at_the_decay():
    """After many steps one more moves it by 1 - decay of the distance, statistics of norms too."""
    average = moving_average(network(5.0), 0.9)
    for _ in range(200):
        average.update_parameters(network(0.0))
    assert average.module.weight.abs().max() < 1e-6
    average.update_parameters(network(1.0))
    assert average.module.weight[0].item() == pytest.approx(0.1, rel=1e-3)
    assert average.module.running_mean[0].item() == pytest.approx(0.2, rel=1e-3)


def test_the_first_steps_forget_fast():
    average = moving_average(network(1.0), 0.9999)
    for _ in range(50):
        average.update_parameters(network(0.0))
    assert average.module.weight[0] < 1e-6


def test_counters_are_copied():
    layer = network(1.0)
    average = moving_average(layer, 0.9)
    layer.num_batches_tracked += 7
    average.update_parameters(layer)
    assert average.module.num_batches_tracked == 7

import json
import random
import time
from collections import Counter

import pytest
import torch

from layer_pruning.evaluation.complexity import multiply_accumulates
from layer_pruning.evaluation.interleaving import (
    WARM_UP_ROUNDS,
    Median,
    balanced_orders,
    interleaved_seconds,
    ratio,
)
from layer_pruning.evaluation.latency import (
    latency_record,
    removed_by_stage,
    timing,
)
from layer_pruning.evaluation.machine_load import LoadWatch, Usage, other_cores, usage
from layer_pruning.evaluation.throughput import batch_runner, peak_memory_bytes
from small_networks import random_network

REMOVED = ["stage1.block3", "stage1.block2", "stage3.block3"]


class Clock:
    """Nanoseconds that pass only while something runs, slower and slower as the machine drifts."""

    def __init__(self, drift=0.0):
        self.now, self.calls, self.drift = 0, [], drift

    def __call__(self):
        return self.now

    def run(self, name, nanoseconds, of_round=3):
        def call():
            slower = 1 + self.drift * (len(self.calls) // of_round)
            self.calls.append(name)
            self.now += round(nanoseconds * slower)

        return call


def timed(clock, times, **options):
    runs = {name: clock.run(name, ns, len(times)) for name, ns in times.items()}
    return interleaved_seconds(runs, clock=clock, **({"repeats": 12, "seed": 0} | options))


# order


@pytest.mark.parametrize("count", [2, 3, 5])
def test_orders_are_random_and_give_each_name_each_place_equally_often(count):
    names = [f"n{i}" for i in range(count)]
    orders = list(balanced_orders(names, 6 * count, seed=1))
    assert all(sorted(order) == names for order in orders)
    places = Counter((name, place) for order in orders for place, name in enumerate(order))
    assert set(places.values()) == {6} and len(places) == count**2
    assert orders == list(balanced_orders(names, 6 * count, seed=1))
    assert orders != list(balanced_orders(names, 6 * count, seed=2))
    # not the same rotation over and over
    assert len({tuple(order) for order in orders}) > (count if count > 2 else 1)


# times


def test_seconds_are_those_of_the_clock_and_warm_up_is_not_counted():
    clock = Clock()
    seconds = timed(clock, {"a": 2_000_000_000, "b": 500_000_000}, repeats=7)
    assert seconds == {"a": [2.0] * 7, "b": [0.5] * 7}
    assert Counter(clock.calls) == {"a": 7 + WARM_UP_ROUNDS, "b": 7 + WARM_UP_ROUNDS}


def test_a_drift_of_the_machine_cancels_out_of_the_ratio():
    seconds = timed(Clock(drift=0.5), {"a": 4_000_000, "b": 1_000_000, "c": 1_000_000})
    assert max(seconds["a"]) > 3 * min(seconds["a"])
    found = ratio(seconds["a"], seconds["b"])
    assert (found.value, found.low, found.high) == pytest.approx((4, 4, 4))


def test_no_repeat_and_no_time_are_refused():
    with pytest.raises(ValueError, match="repeats"):
        interleaved_seconds({"a": lambda: None}, repeats=0, seed=0)
    with pytest.raises(ValueError, match="batch size"):
        ratio([1.0], [0.0])


def test_the_median_comes_with_its_order_statistics():
    values = [float(n) for n in range(1, 11)]
    random.Random(0).shuffle(values)
    median = Median.of(values)
    assert (median.value, median.low, median.high) == (5.5, 2.0, 9.0)
    assert median.named("x") == {"x": 5.5, "x_interval_low": 2.0, "x_interval_high": 9.0}


# the quotient


def test_the_quotient_is_the_planted_one():
    macs = {"baseline": 100, "network": 50, "stage1": 80}
    seconds = {"baseline": [3.0] * 6, "network": [2.0] * 6, "stage1": [2.4] * 6}
    found = timing(seconds, macs)
    assert found["speed_up_ratio"] == pytest.approx(1.5)
    assert found["speed_up_over_macs_ratio"] == pytest.approx(0.75)
    assert found["speed_up_over_macs_ratio_interval_low"] == pytest.approx(0.75)
    assert found["stages"]["stage1"]["speed_up_over_macs_ratio"] == pytest.approx(1.0)
    assert (found["seconds"], found["baseline_seconds"]) == (2.0, 3.0)


def record_with(fixed_ns, monkeypatch, **options):
    """A record whose times are multiply-accumulates in nanoseconds, and a constant."""
    baseline = random_network("resnet20")
    network = baseline.less(REMOVED).eval()
    clock, seen = Clock(), {}

    def runner(module, batch, mode="eager"):
        macs = multiply_accumulates(module, tuple(batch.shape[1:]))
        seen[len(batch)] = seen.get(len(batch), 0) + 1
        return clock.run("x", fixed_ns + macs * len(batch))

    monkeypatch.setattr("layer_pruning.evaluation.latency.batch_runner", runner)
    record = latency_record(
        baseline,
        network,
        timer=lambda runs, **more: interleaved_seconds(runs, clock=clock, **more),
        **({"batch_sizes": [1, 4], "repeats": 6} | options),
    )
    assert set(seen) == set(options.get("batch_sizes", [1, 4]))
    return record


def test_time_that_falls_as_macs_do_gives_a_quotient_of_one_in_every_stage(monkeypatch):
    record = record_with(0, monkeypatch)
    assert list(record["stages"]) == ["stage1", "stage3"]
    for entry in record["timings"]:
        assert entry["speed_up_ratio"] == pytest.approx(record["macs_ratio"])
        for part in (entry, *entry["stages"].values()):
            assert part["speed_up_over_macs_ratio"] == pytest.approx(1)
    assert record["timings"][1]["seconds"] == pytest.approx(4 * record["timings"][0]["seconds"])
    json.dumps(record, allow_nan=False)


def test_a_constant_overhead_lowers_the_quotient_most_at_small_batches(monkeypatch):
    record = record_with(500_000, monkeypatch)
    small, large = (entry["speed_up_over_macs_ratio"] for entry in record["timings"])
    assert small < large < 1


# networks


def test_a_stage_variant_is_the_baseline_with_those_blocks_bypassed(images):
    baseline = random_network("resnet20")
    network = baseline.less(REMOVED).eval()
    assert removed_by_stage(network) == {
        "stage1": ["stage1.block2", "stage1.block3"],
        "stage3": ["stage3.block3"],
    }
    variant = baseline.less(["stage3.block3"]).eval()
    with torch.no_grad():
        assert torch.equal(variant(images), baseline.bypassing("stage3.block3", images))


def test_a_record_of_real_runs_is_complete_and_says_what_is_not_measured():
    baseline = random_network("resnet14")
    network = baseline.less(["stage1.block2"]).eval()
    record = latency_record(baseline, network, batch_sizes=[2], repeats=6)
    (entry,) = record["timings"]
    assert entry["seconds_interval_low"] <= entry["seconds"] <= entry["seconds_interval_high"]
    assert entry["interval_coverage"] >= 0.95
    assert entry["peak_memory_bytes"] is None and record["memory_method"].startswith("not measured")
    assert record["load"]["other_cores_during"] >= 0
    assert record["machine"]["versions"]["torch"] == torch.__version__
    json.dumps(record, allow_nan=False)


@pytest.mark.long
def test_compiled_networks_can_be_timed():
    baseline = random_network("resnet8")
    network = baseline.less([]).eval()
    record = latency_record(baseline, network, batch_sizes=[2], repeats=2, modes=["compiled"])
    assert record["timings"][0]["mode"] == "compiled"


def test_modes_that_cannot_be_had_are_refused_in_one_line():
    network, batch = random_network("resnet8"), torch.rand(1, 1, 8, 8)
    with pytest.raises(ValueError, match="'cuda_graphs' needs a GPU"):
        batch_runner(network, batch, "cuda_graphs")
    with pytest.raises(ValueError, match="eager, compiled, cuda_graphs"):
        batch_runner(network, batch, "quick")
    assert peak_memory_bytes(network, batch) is None


# other processes


def test_other_processes_are_what_the_machine_did_less_our_own():
    before, after = Usage(10.0, 100.0, 5.0), Usage(14.0, 107.0, 8.0)
    assert other_cores(before, after) == pytest.approx(1.0)
    assert other_cores(before, Usage(14.0, 102.9, 8.0)) == 0


def test_the_load_is_watched_before_and_during():
    states = iter([Usage(0, 0, 0), Usage(1, 0.5, 0), Usage(11, 20.5, 10)])
    record = LoadWatch(0, read=lambda: next(states)).record()
    assert record["other_cores_before"] == pytest.approx(0.5)
    assert record["other_cores_during"] == pytest.approx(1.0)
    assert record["reason"] is None


def test_a_machine_that_gives_no_figures_fails_nothing():
    def broken():
        raise OSError("no\n/proc here")

    record = LoadWatch(0, read=broken).record()
    assert record["other_cores_during"] is None
    assert record["reason"] == "not measured: OSError: no /proc here"


def test_our_own_work_is_part_of_what_the_machine_did():
    before = usage()
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    after = usage()
    assert after.own - before.own >= 0.2
    # which counts in hundredths of a second
    assert after.machine - before.machine >= 0.15
    assert after.wall - before.wall >= 0.2

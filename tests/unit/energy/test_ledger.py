import json
import time
from dataclasses import replace

import pytest
from planted_records import COUNTER, missing, planted_record

from layer_pruning.energy.inference import inference_energy
from layer_pruning.energy.job_usage import JobUsage, PowerModel, read_usage, usage_recorded
from layer_pruning.energy.ledger import (
    break_even,
    energy_ledger,
    read_inference,
)
from layer_pruning.energy.record import JOULES_PER_KWH, EnergySettings
from layer_pruning.runtime.atomic import write_json

SETTINGS = EnergySettings(carbon_intensity_g_per_kwh=360.0)


def record(cpu_joules, *, cpu_seconds, seconds=None, gpu_joules=0.0, ram_joules=0.0):
    parts = [joules / JOULES_PER_KWH for joules in (cpu_joules, gpu_joules, ram_joules)]
    return planted_record(*parts, seconds=seconds or cpu_seconds, cpu_seconds=cpu_seconds)


class Meter:
    """A meter whose joules are those of the network that ran: known in advance."""

    method, subtracts_idle = COUNTER, False

    def __init__(self):
        self.now = self.joules = 0.0

    def network(self, joules_by_call):
        calls = iter(joules_by_call)

        def run():
            self.now += 1.0
            self.joules += next(calls)

        return run

    def start(self):
        self._before = self.joules

    def stop(self):
        return self.joules - self._before

    def compare(self, baseline, candidate, images=10):
        return inference_energy(
            self.network([1.0, *baseline]),
            self.network([1.0, *candidate]),
            images=images,
            repeats=len(baseline),
            window_seconds=0.5,
            settings=SETTINGS,
            seed=0,
            meter=self,
            clock=lambda: self.now,
        )


TRAINING = record(1000.0, cpu_seconds=100.0)
FINETUNING = [record(200.0, cpu_seconds=20.0), record(100.0, cpu_seconds=10.0)]
# 10 J a CPU second: 40 + 10 J of scoring, 500 J of attacks
USAGES = {
    "scoring": [JobUsage(4.0, 8.0, False), JobUsage(1.0, 1.0, False)],
    "attacks": [JobUsage(50.0, 50.0, False)],
}


def planted(baseline=(20.0,) * 6, candidate=(10.0,) * 6, **changes):
    inference = Meter().compare(list(baseline), list(candidate))
    values = {"training": TRAINING, "finetuning": FINETUNING, "usages": USAGES}
    values |= {"inference": inference, "settings": SETTINGS} | changes
    return energy_ledger(**values)


def test_known_joules_give_the_known_saving_and_break_even(tmp_path):
    ledger = planted()
    assert {n: c["joules"] for n, c in ledger["costs"].items()} == pytest.approx(
        {"training": 1000.0, "finetuning": 300.0, "scoring": 50.0, "attacks": 500.0}
    )
    assert ledger["saving_joules_per_image"] == pytest.approx(1.0)
    even = ledger["break_even"]
    assert even["verdict"] == "pays back"
    # scoring and fine-tuning cost 350 J and an image saves 1 J
    assert even["images"] == pytest.approx(350)
    assert even["images_interval_low"] == even["images_interval_high"] == pytest.approx(350)
    write_json(tmp_path / "ledger.json", ledger)
    assert json.loads((tmp_path / "ledger.json").read_text()) == ledger


def test_the_interval_of_the_break_even_follows_from_that_of_the_saving():
    # paired savings of 5 to 10 J a batch of ten images; the median's interval is 0.5 to 1 J
    ledger = planted(candidate=[10.0, 11.0, 12.0, 13.0, 14.0, 15.0])
    assert ledger["saving_joules_per_image_interval_low"] == pytest.approx(0.5)
    assert ledger["saving_joules_per_image_interval_high"] == pytest.approx(1.0)
    even = ledger["break_even"]
    assert even["images_interval_low"] == pytest.approx(350)
    assert even["images"] == pytest.approx(350 / 0.75)
    assert even["images_interval_high"] == pytest.approx(700)


def test_a_saving_whose_interval_includes_zero_is_not_shown_to_pay_back():
    even = planted(candidate=[10.0, 10.0, 10.0, 10.0, 10.0, 21.0])["break_even"]
    assert even["verdict"] == "not shown to pay back"
    assert even["images"] is even["images_interval_high"] is None


def test_a_network_that_takes_more_energy_never_pays_back():
    even = planted(candidate=(30.0,) * 6)["break_even"]
    assert (even["verdict"], even["images"]) == ("does not pay back", None)


def test_drift_of_the_machine_cancels_out_of_the_paired_saving():
    drifting = [20.0 * (1 + n) for n in range(6)]
    ledger = planted(baseline=drifting, candidate=[joules - 10.0 for joules in drifting])
    assert ledger["saving_joules_per_image_interval_low"] == pytest.approx(1.0)
    assert ledger["saving_joules_per_image_interval_high"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("changes", "unknown"),
    [
        ({"finetuning": [FINETUNING[0], missing()]}, "finetuning"),
        ({"training": missing(), "finetuning": [missing()]}, "scoring and finetuning"),
    ],
)
def test_what_rests_on_an_unknown_cost_is_not_measured_and_never_zero(changes, unknown):
    ledger = planted(**changes)
    assert ledger["costs"]["finetuning"]["joules"] is None
    even = ledger["break_even"]
    assert (even["verdict"], even["images"]) == ("not measured", None)
    assert even["reason"] == f"the energy of {unknown} is not known"


def test_inference_that_was_not_measured_says_so():
    inference = {"measured": False, "reason": "no meter", "method": None}
    ledger = planted(inference=inference)
    assert ledger["break_even"]["verdict"] == "not measured"
    assert ledger["saving_joules_per_image"] is ledger["emissions_reduction_percent"] is None


def test_trainings_that_were_metered_otherwise_than_inference_are_told():
    assert planted()["mixed_scales"] is None
    other = replace(FINETUNING[0], method=COUNTER | {"cpu": "estimate: 8 W"})
    told = planted(finetuning=[other])["mixed_scales"]
    ways = "counter: RAPL and estimate: 8 W in training, counter: RAPL in inference"
    assert told == f"the processor by {ways}"
    whole = EnergySettings(carbon_intensity_g_per_kwh=360.0, tracking_mode="machine")
    assert planted(settings=whole)["mixed_scales"] == (
        "tracking_mode process in training, machine in inference"
    )
    # what has no number is on no scale
    assert planted(finetuning=[missing()])["mixed_scales"] is None
    unknown = {"measured": False, "reason": "no meter", "method": None}
    assert planted(finetuning=[other], inference=unknown)["mixed_scales"] is None


def test_reductions_of_energy_and_carbon_are_the_same_number_and_this_is_asserted():
    ledger = planted(candidate=(7.0,) * 6)
    assert ledger["energy_reduction_percent"] == pytest.approx(65)
    assert ledger["emissions_reduction_percent"] == pytest.approx(65)
    costs = ledger["costs"].values()
    assert all(c["kg_co2e"] == pytest.approx(c["joules"] / JOULES_PER_KWH * 0.36) for c in costs)
    inference = Meter().compare([20.0] * 6, [7.0] * 6) | {"energy_reduction_percent": 60.0}
    with pytest.raises(AssertionError):
        planted(inference=inference)


def test_no_attack_costs_nothing_and_that_is_known():
    assert planted(usages=USAGES | {"attacks": []})["costs"]["attacks"]["joules"] == 0


# the estimate


def test_rates_are_pooled_over_the_measured_records():
    records = [TRAINING, *FINETUNING, missing()]
    assert PowerModel.of(records) == PowerModel(pytest.approx(10.0), 0.0, 0.0)


def test_memory_follows_cpu_time_and_the_gpu_wall_time():
    model = PowerModel.of(
        [record(100.0, cpu_seconds=50.0, seconds=20.0, gpu_joules=2000.0, ram_joules=150.0)]
    )
    on_gpu, on_cpu = JobUsage(5.0, 10.0, True), JobUsage(5.0, 10.0, False)
    assert model.joules([on_cpu]) == pytest.approx(5 * (2 + 3))
    assert model.joules([on_gpu]) == pytest.approx(5 * (2 + 3) + 10 * 100)
    assert model.method([on_cpu])["gpu"] == "none"


def test_an_estimate_is_never_called_a_counter_though_the_training_was_counted():
    costs = planted()["costs"]
    assert costs["training"]["methods"] == [COUNTER]
    for name in ("scoring", "attacks"):
        (method,) = costs[name]["methods"]
        assert method["cpu"].startswith("estimate: ") and method["ram"].startswith("estimate: ")


def test_no_power_of_a_gpu_is_made_up():
    cost = planted(usages={"attacks": [JobUsage(1, 1, True)], "scoring": []})["costs"]["attacks"]
    assert cost["joules"] is None
    assert "no training did" in cost["reason"]


def test_too_little_training_gives_no_rate():
    with pytest.raises(ValueError, match="too little"):
        PowerModel.of([record(1.0, cpu_seconds=0.01)])


def test_a_job_writes_what_it_used_if_it_ends_well(tmp_path):
    path = tmp_path / "usage" / "job.json"
    before = time.process_time()
    with usage_recorded(path):
        until = time.process_time() + 0.1
        while time.process_time() < until:
            pass
    usage = read_usage(path)
    assert before + 0.1 <= usage.cpu_seconds < before + 100
    assert usage.wall_seconds >= 0.1 and usage.gpu is False
    other = tmp_path / "other.json"
    with pytest.raises(OSError, match="full"), usage_recorded(other):
        raise OSError("disk full")
    assert not other.exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"cpu_seconds": 1}', "null"])
def test_a_damaged_usage_is_refused_with_one_line_naming_the_file(tmp_path, text):
    path = tmp_path / "job.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"job\.json"):
        read_usage(path)
    with pytest.raises(ValueError, match=r"job\.json"):
        read_inference(path)


def test_break_even_of_a_free_pruning_is_at_once():
    assert break_even({"scoring": 0.0}, (1.0, 0.5, 2.0))["images"] == 0


def test_a_network_from_new_weights_has_its_own_training_to_earn():
    ledger = planted(finetuning=[], usages={"scoring": [], "attacks": []})
    assert ledger["break_even"]["costs"] == ["training"]
    # 1000 J of training
    images = 1000 / ledger["saving_joules_per_image"]
    assert ledger["break_even"]["images"] == pytest.approx(images)
    assert ledger["costs"]["finetuning"]["joules"] == ledger["costs"]["scoring"]["joules"] == 0

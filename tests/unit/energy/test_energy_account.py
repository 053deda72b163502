import dataclasses
import json

import pytest

from layer_pruning.atomic import write_json
from layer_pruning.energy.account import energy_account
from layer_pruning.energy.measurement import measured
from layer_pruning.energy.record import EmissionsRecord, EnergySettings, carbon_intensity

INFERENCE = {"measured": True, "joules_per_image": 0.5}


def record(kwh, intensity=300.0):
    return EmissionsRecord(
        measured=True,
        reason=None,
        duration_seconds=1.0,
        energy_kwh=kwh,
        cpu_energy_kwh=kwh,
        gpu_energy_kwh=0.0,
        ram_energy_kwh=0.0,
        emissions_kg_co2e=kwh * intensity / 1000,
        carbon_intensity_g_per_kwh=intensity,
        cpu_seconds=1.0,
        method={"cpu": "estimate: x", "gpu": "none", "ram": "none"},
        tracking_mode="process",
        codecarbon_version="3",
        cpu_model=None,
        gpu_model=None,
        country_iso_code=None,
    )


def missing():
    numbers = {f.name: None for f in dataclasses.fields(EmissionsRecord)}
    kept = {"method": record(1).method, "tracking_mode": "process"}
    return EmissionsRecord(**numbers | kept | {"measured": False, "reason": "no meter"})


def test_finetunings_add_up_and_all_carbon_is_at_one_intensity():
    settings = EnergySettings(carbon_intensity_g_per_kwh=80)
    account = energy_account(record(4.0), [record(1.0, 10), record(2.0, 20)], INFERENCE, settings)
    assert (account["training_kwh"], account["finetuning_kwh"]) == (4.0, 3.0)
    assert account["training_kg_co2e"] == pytest.approx(4.0 * 0.08)
    assert account["finetuning_kg_co2e"] == pytest.approx(3.0 * 0.08)
    energy = account["finetuning_kwh"] / account["training_kwh"]
    carbon = account["finetuning_kg_co2e"] / account["training_kg_co2e"]
    assert energy == pytest.approx(carbon)


def test_one_finetuning_that_was_not_measured_makes_the_sum_unknown_and_never_zero(tmp_path):
    settings = EnergySettings(carbon_intensity_g_per_kwh=80)
    account = energy_account(record(4.0), [record(1.0), missing()], INFERENCE, settings)
    assert account["finetuning_kwh"] is None and account["finetuning_kg_co2e"] is None
    write_json(tmp_path / "energy.json", account)
    assert json.loads((tmp_path / "energy.json").read_text()) == account


def test_the_intensity_of_a_country_is_that_of_the_tracker():
    settings = EnergySettings(country_iso_code="BRA")
    with measured(settings) as measurement:
        sum(i * i for i in range(200_000))
    assert measurement.record.measured
    expected = measurement.record.carbon_intensity_g_per_kwh
    assert carbon_intensity(settings) == pytest.approx(expected, rel=1e-6)

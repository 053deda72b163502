import json

import pytest
from planted_records import missing, planted_record

from layer_pruning.atomic import write_json
from layer_pruning.energy.account import energy_account
from layer_pruning.energy.measurement import measured
from layer_pruning.energy.record import EnergySettings, carbon_intensity

INFERENCE = {"measured": True, "joules_per_image": 0.5}


def test_finetunings_add_up_and_all_carbon_is_at_one_intensity():
    settings = EnergySettings(carbon_intensity_g_per_kwh=80)
    account = energy_account(
        planted_record(4.0),
        [planted_record(1.0, intensity=10.0), planted_record(2.0, intensity=20.0)],
        INFERENCE,
        settings,
    )
    assert (account["training_kwh"], account["finetuning_kwh"]) == (4.0, 3.0)
    assert account["training_kg_co2e"] == pytest.approx(4.0 * 0.08)
    assert account["finetuning_kg_co2e"] == pytest.approx(3.0 * 0.08)
    energy = account["finetuning_kwh"] / account["training_kwh"]
    carbon = account["finetuning_kg_co2e"] / account["training_kg_co2e"]
    assert energy == pytest.approx(carbon)


def test_one_finetuning_that_was_not_measured_makes_the_sum_unknown_and_never_zero(tmp_path):
    settings = EnergySettings(carbon_intensity_g_per_kwh=80)
    finetuning = [planted_record(1.0), missing()]
    account = energy_account(planted_record(4.0), finetuning, INFERENCE, settings)
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

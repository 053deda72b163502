"""Records of known energy."""

import math

from layer_pruning.energy.record import EmissionsRecord, EnergySettings, not_measured

COUNTER = {"cpu": "counter: RAPL", "gpu": "none", "ram": "counter: RAPL"}


def planted_record(
    cpu_kwh, gpu_kwh=0.0, ram_kwh=0.0, *, intensity=360.0, seconds=1.0, cpu_seconds=1.0
):
    energy = math.fsum((cpu_kwh, gpu_kwh, ram_kwh))
    return EmissionsRecord(
        measured=True,
        reason=None,
        duration_seconds=seconds,
        energy_kwh=energy,
        cpu_energy_kwh=cpu_kwh,
        gpu_energy_kwh=gpu_kwh,
        ram_energy_kwh=ram_kwh,
        emissions_kg_co2e=energy * intensity / 1000,
        carbon_intensity_g_per_kwh=intensity,
        cpu_seconds=cpu_seconds,
        method=COUNTER,
        tracking_mode="process",
        codecarbon_version="3",
        cpu_model=None,
        gpu_model=None,
        country_iso_code=None,
    )


def missing():
    return not_measured(EnergySettings(carbon_intensity_g_per_kwh=360.0), "no meter")

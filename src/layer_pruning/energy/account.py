"""The energy account of a pruned network: what making it cost, and what running it costs."""

from collections.abc import Mapping, Sequence
from typing import Any

from layer_pruning.energy.record import (
    EmissionsRecord,
    EnergySettings,
    carbon_intensity,
    sum_records,
)


def energy_account(
    training: EmissionsRecord,
    finetuning: Sequence[EmissionsRecord],
    inference: Mapping[str, Any],
    settings: EnergySettings,
) -> dict[str, Any]:
    """The content of ``energy.json``.

    ``training`` is the record of the baseline, ``finetuning`` those of every fine-tuning on the
    way to the network, ``inference`` comes from :func:`layer_pruning.energy.inference.compare`.
    All carbon is energy times the one intensity of ``settings``, whatever it was when a job ran,
    so that a reduction of energy and the one of carbon are the same number.
    """
    intensity = carbon_intensity(settings)
    kwh = {"training": training.energy_kwh, "finetuning": sum_records(finetuning).energy_kwh}
    return {
        **{f"{name}_kwh": value for name, value in kwh.items()},
        **{
            f"{name}_kg_co2e": None if value is None else value * intensity / 1000
            for name, value in kwh.items()
        },
        "inference": dict(inference),
        "carbon_intensity_g_per_kwh": intensity,
    }

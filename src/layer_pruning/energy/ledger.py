"""The energy ledger of a pruned network: what it cost, what it saves, and when that evens out."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from layer_pruning.energy.job_usage import JobUsage, PowerModel
from layer_pruning.energy.record import (
    JOULES_PER_KWH,
    EmissionsRecord,
    EnergySettings,
    carbon_intensity,
    reduction_percent,
    same_reduction,
    sum_records,
)
from layer_pruning.runtime.record_files import (
    check_numbers,
    damaged,
    part_of_record,
    read_record_file,
)

PRUNING = ("scoring", "finetuning")
"""Costs that there would not be without pruning, and that its saving has to earn."""
OWN_TRAINING = ("training",)
"""What a network has to earn that was trained from new weights beside the baseline."""

PAYS_BACK, NOT_SHOWN, NEVER = "pays back", "not shown to pay back", "does not pay back"
NOT_MEASURED = "not measured"


def read_inference(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The inference part of an ``energy.json``; ValueError naming the file if it has none."""
    inference = read_energy(path)["inference"]
    if not isinstance(inference, dict):
        damaged(path, "no record of inference")
    return inference


def read_energy(path: str | os.PathLike[str]) -> dict[str, Any]:
    """An ``energy.json``: the reduction is that of the joules; raises as `read_record_file`."""
    return read_record_file(path, _check_account)


def _check_account(record: dict[str, Any]) -> None:
    inference = record["inference"]
    if not inference.get("measured"):
        return
    own, whole = inference["joules_per_image"], inference["baseline_joules_per_image"]
    said = inference.get("energy_reduction_percent")
    if said is not None and not math.isclose(said, 100 * (1 - own / whole), abs_tol=1e-6):
        raise ValueError(
            f"inference.energy_reduction_percent is {said}, and the joules say "
            f"{100 * (1 - own / whole)}"
        )


def read_ledger(path: str | os.PathLike[str]) -> dict[str, Any]:
    """A ``ledger.json``: carbon is energy times intensity; raises as `read_record_file`."""
    return read_record_file(path, _check_ledger)


def _check_ledger(record: dict[str, Any]) -> None:
    intensity = record.get("carbon_intensity_g_per_kwh")
    for name, cost in record["costs"].items():
        if cost["joules"] is None:
            continue
        with part_of_record(f"costs.{name}"):
            check_numbers(cost, "joules")
            expected = cost["joules"] / JOULES_PER_KWH * (intensity or 0.0) / 1000
            said = cost.get("kg_co2e", expected)
            if not math.isclose(said, expected, rel_tol=1e-9, abs_tol=1e-300):
                raise ValueError(f"kg_co2e is {said}, and energy times intensity {expected}")


def energy_ledger(
    training: EmissionsRecord,
    finetuning: Sequence[EmissionsRecord],
    usages: Mapping[str, Sequence[JobUsage]],
    inference: Mapping[str, Any],
    settings: EnergySettings,
) -> dict[str, Any]:
    """The content of ``ledger.json``.

    ``training`` is the baseline's, ``finetuning`` those of every fine-tuning on the way; both have
    records of their own. A network trained from new weights has its own ``training`` and no
    ``finetuning``, and that training is what its saving has to earn. ``usages`` are those of the
    jobs behind other costs, ``scoring`` and ``attacks``, whose energy is estimated from their CPU
    time (:class:`PowerModel`). ``inference`` is that of ``energy.json``. Every cost says by which
    method it was obtained; one that is not known is None, with a reason, and so is what depends on
    it.

    All carbon is energy times the one intensity of ``settings``. A reduction of carbon is therefore
    the reduction of energy, and this is asserted. ``mixed_scales`` says where trainings and
    inference were not metered alike (their settings changed in between, or their machine), else it
    is None: what joins them is then as good as both estimates are.
    """
    intensity = carbon_intensity(settings)
    earned = PRUNING if finetuning else OWN_TRAINING
    costs = {
        "training": _recorded([training]),
        "finetuning": _recorded(finetuning),
        **_estimated([training, *finetuning], usages),
    }
    for cost in costs.values():
        joules = cost["joules"]
        cost["kg_co2e"] = None if joules is None else joules / JOULES_PER_KWH * intensity / 1000
    saving = {
        key: inference.get(f"saving_joules_per_image{key}")
        for key in ("", "_interval_low", "_interval_high")
    }
    return {
        "costs": costs,
        **{f"saving_joules_per_image{key}": value for key, value in saving.items()},
        "saving_method": inference.get("method"),
        "saving_interval_coverage": inference.get("interval_coverage"),
        **_reductions(inference, intensity),
        "break_even": {"costs": list(earned)}
        | break_even({name: costs[name]["joules"] for name in earned}, tuple(saving.values())),
        "mixed_scales": _mixed_scales([training, *finetuning], inference, settings),
        "carbon_intensity_g_per_kwh": intensity,
    }


def break_even(costs: Mapping[str, float | None], saving: Sequence[float | None]) -> dict[str, Any]:
    """After how many images the saving has earned the costs, and the interval of that number.

    ``costs`` are joules by name; ``saving`` the joules that one image saves and the low and the
    high end of their interval. Costs are of single jobs and have no interval; the images fall as
    the saving rises, so the ends of their interval are the costs over the ends of the saving's.
    Where that interval includes 0, no number is given: the saving is not shown to be one.
    """
    result: dict[str, Any] = {
        "verdict": NOT_MEASURED,
        "reason": None,
        "images": None,
        "images_interval_low": None,
        "images_interval_high": None,
    }
    unknown = [name for name, joules in costs.items() if joules is None]
    value, low, high = saving
    if value is None or low is None or high is None:
        return result | {"reason": "the energy of inference was not measured"}
    if high < 0:
        return result | {"verdict": NEVER, "reason": "an image costs more than at the baseline"}
    if low <= 0:
        return result | {"verdict": NOT_SHOWN, "reason": "the saving's interval includes 0"}
    if unknown:
        return result | {"reason": f"the energy of {' and '.join(unknown)} is not known"}
    total = sum(joules for joules in costs.values() if joules is not None)
    return result | {
        "verdict": PAYS_BACK,
        "images": total / value,
        "images_interval_low": total / high,
        "images_interval_high": total / low,
    }


def _mixed_scales(
    records: Sequence[EmissionsRecord], inference: Mapping[str, Any], settings: EnergySettings
) -> str | None:
    """How trainings were metered otherwise than inference, which goes by today's settings."""
    trained = [record for record in records if record.measured]
    if not trained or not inference["measured"]:
        return None
    ways = {
        "the processor by": ({one.method["cpu"] for one in trained}, inference["method"]["cpu"]),
        "tracking_mode": ({one.tracking_mode for one in trained}, settings.tracking_mode),
    }
    told = [
        f"{name} {' and '.join(sorted(found))} in training, {today} in inference"
        for name, (found, today) in ways.items()
        if found != {today}
    ]
    return ", ".join(told) or None


def _recorded(records: Sequence[EmissionsRecord]) -> dict[str, Any]:
    total = sum_records(records)
    methods = [record.method for record in records if record.measured]
    joules = None if total.energy_kwh is None else total.energy_kwh * JOULES_PER_KWH
    return {"joules": joules, "methods": _distinct(methods), "reason": total.reason}


def _estimated(
    records: Sequence[EmissionsRecord], usages: Mapping[str, Sequence[JobUsage]]
) -> dict[str, dict[str, Any]]:
    costs: dict[str, dict[str, Any]] = {}
    for name, jobs in usages.items():
        cost: dict[str, Any] = {"joules": 0.0 if not jobs else None, "methods": [], "reason": None}
        try:
            if jobs:
                model = PowerModel.of(records)
                cost |= {"joules": model.joules(jobs), "methods": [model.method(jobs)]}
        except ValueError as error:
            cost["reason"] = str(error)
        costs[name] = cost | {
            "cpu_seconds": sum(job.cpu_seconds for job in jobs),
            "wall_seconds": sum(job.wall_seconds for job in jobs),
        }
    return costs


def _reductions(inference: Mapping[str, Any], intensity: float) -> dict[str, float | None]:
    energy = inference.get("energy_reduction_percent")
    if energy is None:
        return {"energy_reduction_percent": None, "emissions_reduction_percent": None}
    if intensity == 0:
        # without carbon there is none to reduce
        return {"energy_reduction_percent": energy, "emissions_reduction_percent": None}
    grams = [
        inference[f"{prefix}joules_per_image"] / JOULES_PER_KWH * intensity
        for prefix in ("baseline_", "")
    ]
    carbon = reduction_percent(*grams)
    same_reduction(energy, carbon)
    return {"energy_reduction_percent": energy, "emissions_reduction_percent": carbon}


def _distinct(methods: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    return [method for place, method in enumerate(methods) if method not in methods[:place]]

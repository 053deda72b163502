"""Energy and carbon of a piece of work, by CodeCarbon, offline.

What is measured, what is only estimated, and over which window, stands in every record: most
machines have no counter of energy that an ordinary user may read, and then CodeCarbon estimates
from the CPU load. ``method`` says "counter: ..." or "estimate: ..." for each component.

CodeCarbon and its dependencies are imported inside functions, as they take a while.
"""

import dataclasses
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from layer_pruning.runtime.record_files import (
    PathLike,
    check_numbers,
    damaged,
    read_record_file,
    write_record_file,
)

JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True)
class EnergySettings:
    """How energy is measured and turned into carbon.

    Exactly one of ``country_iso_code`` (three letters) and ``carbon_intensity_g_per_kwh`` is
    given: a carbon number for an unknown grid would be a guess. ``cpu_power_watts`` is the power
    of the whole processor at full load, used in place of CodeCarbon's table of processors and of
    any counter of the processor. ``tracking_mode`` "process" attributes CPU energy by the CPU
    time of this process and its children, "machine" takes the load of the whole machine,
    neighbours included. ``measure_power_seconds`` is the interval between readings.

    Raises ValueError naming the key that is wrong.
    """

    country_iso_code: str | None = None
    carbon_intensity_g_per_kwh: float | None = None
    cpu_power_watts: float | None = None
    tracking_mode: Literal["process", "machine"] = "process"
    measure_power_seconds: float = 15.0

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "EnergySettings":
        """Settings from the keys of ``settings`` that are their own."""
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in settings.items() if name in names})

    def __post_init__(self) -> None:
        country, intensity = self.country_iso_code, self.carbon_intensity_g_per_kwh
        if (country is None) == (intensity is None):
            raise ValueError(
                "give exactly one of country_iso_code and carbon_intensity_g_per_kwh, "
                f"not {country!r} and {intensity!r}"
            )
        if country is not None and not re.fullmatch("[A-Z]{3}", country):
            raise ValueError(
                f"country_iso_code must be three capital letters such as DEU, not {country!r}"
            )
        if intensity is not None and not 0 <= intensity < math.inf:
            raise ValueError(f"carbon_intensity_g_per_kwh must be 0 or more, not {intensity}")
        if self.cpu_power_watts is not None and not 0 < self.cpu_power_watts < math.inf:
            raise ValueError(f"cpu_power_watts must be positive, not {self.cpu_power_watts}")
        if self.tracking_mode not in ("process", "machine"):
            raise ValueError(
                f"tracking_mode must be process or machine, not {self.tracking_mode!r}"
            )
        if not 0 < self.measure_power_seconds < math.inf:
            raise ValueError(
                f"measure_power_seconds must be positive, not {self.measure_power_seconds}"
            )


@dataclass(frozen=True)
class EmissionsRecord:
    """The content of ``emissions.json``: one window of work.

    Energies are in kWh, ``emissions_kg_co2e`` in kg, ``carbon_intensity_g_per_kwh`` in g/kWh and
    times in seconds; ``cpu_seconds`` is the CPU time of the process and of its finished children.
    With ``measured`` false, all of them are None and ``reason`` says why in one line.
    """

    measured: bool
    reason: str | None
    duration_seconds: float | None
    energy_kwh: float | None
    cpu_energy_kwh: float | None
    gpu_energy_kwh: float | None
    ram_energy_kwh: float | None
    emissions_kg_co2e: float | None
    carbon_intensity_g_per_kwh: float | None
    cpu_seconds: float | None
    method: dict[str, str]
    tracking_mode: str
    codecarbon_version: str | None
    cpu_model: str | None
    gpu_model: str | None
    country_iso_code: str | None


_NUMBERS = (
    "duration_seconds",
    "energy_kwh",
    "cpu_energy_kwh",
    "gpu_energy_kwh",
    "ram_energy_kwh",
    "emissions_kg_co2e",
    "carbon_intensity_g_per_kwh",
    "cpu_seconds",
)
_FIELDS = tuple(field.name for field in dataclasses.fields(EmissionsRecord))


def check_country(settings: EnergySettings) -> None:
    """Raise ValueError if CodeCarbon does not know the country; needs no network."""
    country = settings.country_iso_code
    if country is None:
        return
    try:
        from codecarbon.input import DataSource

        known = DataSource().get_global_energy_mix_data()
    except Exception:
        # then the tracker cannot work either, and the record will say so
        return
    # no grid is free of carbon over a year: 0 stands for no data there
    if country not in known or known[country].get("carbon_intensity") == 0:
        raise ValueError(
            f"country_iso_code: CodeCarbon has no data for {country!r}; "
            "give another code or carbon_intensity_g_per_kwh (0 if that is meant)"
        )


def carbon_intensity(settings: EnergySettings) -> float:
    """Grams of CO2 equivalent a kilowatt-hour: what ``settings`` say, or CodeCarbon's country mix.

    The tracker books the same figure. Raises ValueError for a country without data.
    """
    if settings.carbon_intensity_g_per_kwh is not None:
        return float(settings.carbon_intensity_g_per_kwh)
    check_country(settings)
    from codecarbon.core.emissions import Emissions
    from codecarbon.core.units import Energy
    from codecarbon.external.geography import GeoMetadata
    from codecarbon.input import DataSource

    place = GeoMetadata(country_iso_code=str(settings.country_iso_code))
    one_kwh = Emissions(DataSource()).get_country_emissions(Energy.from_energy(kWh=1.0), place)
    return 1000.0 * float(one_kwh)


def not_measured(settings: EnergySettings, reason: str) -> EmissionsRecord:
    """A record without numbers, and why."""
    return EmissionsRecord(
        measured=False,
        reason=reason,
        **dict.fromkeys(_NUMBERS),
        method={"cpu": "none", "gpu": "none", "ram": "none"},
        tracking_mode=settings.tracking_mode,
        codecarbon_version=None,
        cpu_model=None,
        gpu_model=None,
        country_iso_code=settings.country_iso_code,
    )


def _check_record(values: Any, where: str) -> None:
    if not isinstance(values, dict) or set(values) != set(_FIELDS):
        found = sorted(values) if isinstance(values, dict) else type(values).__name__
        raise ValueError(f"{where}: a record has the keys {sorted(_FIELDS)}, not {found}")
    if not isinstance(values["measured"], bool):
        raise ValueError(f"{where}: measured must be true or false, not {values['measured']!r}")
    if not isinstance(values["method"], dict) or set(values["method"]) != {"cpu", "gpu", "ram"}:
        raise ValueError(f"{where}: method must have the keys cpu, gpu and ram")
    if not values["measured"]:
        if any(values[key] is not None for key in _NUMBERS):
            raise ValueError(f"{where}: not measured, so every number must be null")
        if not values["reason"]:
            raise ValueError(f"{where}: not measured, so reason must say why")
        return
    for key in _NUMBERS:
        value = values[key]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value < math.inf:
            raise ValueError(f"{where}: {key} must be a number of 0 or more, not {value!r}")
    expected = values["energy_kwh"] * values["carbon_intensity_g_per_kwh"] / 1000
    if not math.isclose(values["emissions_kg_co2e"], expected, rel_tol=1e-9, abs_tol=1e-300):
        raise ValueError(
            f"{where}: emissions_kg_co2e must be energy times intensity, {expected}, "
            f"not {values['emissions_kg_co2e']}"
        )


def write_record(
    path: str | os.PathLike[str],
    record: EmissionsRecord,
    machine: Mapping[str, Any] | None = None,
) -> None:
    """Write ``emissions.json``; it appears whole. Raises ValueError on an impossible record.

    ``machine``, see :func:`layer_pruning.runtime.machine.machine`, goes into the file for the
    report.
    """
    values = dataclasses.asdict(record)
    _check_record(values, str(path))
    if machine is not None:
        values["machine"] = dict(machine)
    write_record_file(path, values)


def read_record(path: str | os.PathLike[str]) -> EmissionsRecord:
    """Read and check an ``emissions.json``; raise ValueError naming the file if it is not one."""
    values = read_record_file(path)
    values.pop("machine", None)
    try:
        return checked(values, str(path))
    except ValueError as error:
        damaged(path, str(error).removeprefix(f"{path}: "))


def read_emissions(path: PathLike) -> dict[str, Any]:
    """An ``emissions.json`` as it is, its machine included; energy and carbon are no negatives."""
    return read_record_file(path, _check_emissions)


def _check_emissions(values: dict[str, Any]) -> None:
    if values["measured"]:
        names = [name for name in _NUMBERS if name in values]
        check_numbers(values, *names)


def checked(values: Any, where: str) -> EmissionsRecord:
    """The record of ``values`` as read from JSON; ValueError naming ``where`` if it is none."""
    _check_record(values, where)
    return EmissionsRecord(**values)


@dataclass(frozen=True)
class EmissionsTotal:
    """A sum of records; every number is None as soon as one of them was not measured.

    ``carbon_intensity_g_per_kwh`` is None where the records do not share one.
    """

    measured: bool
    reason: str | None
    duration_seconds: float | None
    energy_kwh: float | None
    emissions_kg_co2e: float | None
    cpu_seconds: float | None
    carbon_intensity_g_per_kwh: float | None


def sum_records(records: Sequence[EmissionsRecord]) -> EmissionsTotal:
    """Add records up; no records make zero. A sum with a part missing would be a wrong number."""
    missing = [record for record in records if not record.measured]
    if missing:
        reason = f"{len(missing)} of {len(records)} records not measured: {missing[0].reason}"
        return EmissionsTotal(False, reason, None, None, None, None, None)
    intensities = {record.carbon_intensity_g_per_kwh for record in records}

    def total(key: str) -> float:
        return math.fsum(getattr(record, key) for record in records)

    return EmissionsTotal(
        measured=True,
        reason=None,
        duration_seconds=total("duration_seconds"),
        energy_kwh=total("energy_kwh"),
        emissions_kg_co2e=total("emissions_kg_co2e"),
        cpu_seconds=total("cpu_seconds"),
        carbon_intensity_g_per_kwh=intensities.pop() if len(intensities) == 1 else None,
    )


def reduction_percent(baseline: float, candidate: float) -> float:
    """Return by how many percent ``candidate`` is below ``baseline`` (negative if above).

    Raises ValueError unless the baseline is positive.
    """
    if not baseline > 0:
        raise ValueError(f"a reduction needs a positive baseline, not {baseline}")
    return 100 * (1 - candidate / baseline)


def same_reduction(energy_percent: float, carbon_percent: float) -> None:
    """Assert that the reductions of energy and of carbon at one intensity are the same number."""
    same = math.isclose(energy_percent, carbon_percent, rel_tol=1e-6, abs_tol=1e-6)
    assert same, (energy_percent, carbon_percent)

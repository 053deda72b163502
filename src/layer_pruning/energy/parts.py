"""The energy of work that was interrupted and resumed: the sum of its parts.

Beside the state from which the work goes on, a small file holds the energy of all steps (epochs)
finished so far. Every finished step counts once. What the interrupted step had used before the
interruption is not in the sum: it is done again, and its second time counts.
"""

import dataclasses
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from layer_pruning.energy.record import EmissionsRecord, EnergySettings, checked, not_measured
from layer_pruning.runtime.record_files import read_record_file, write_record_file

_SUMMED = (
    "duration_seconds",
    "energy_kwh",
    "cpu_energy_kwh",
    "gpu_energy_kwh",
    "ram_energy_kwh",
    "cpu_seconds",
)


class Parts:
    """The energy of the finished steps of one run, on disk at ``path``.

    ``run`` identifies the run, so that the file of another one is passed over. Use::

        parts = Parts(path, run=run, settings=energy)
        with measured(energy) as measurement:
            parts.resume(finished)  # steps that an earlier process did
            ...
            parts.remember(step, measurement.so_far())  # before the state of the step is written
        record = parts.total(measurement.record)

    The file stays; whoever deletes the state deletes it too.
    """

    def __init__(self, path: str | os.PathLike[str], *, run: str, settings: EnergySettings) -> None:
        self._path = Path(path)
        self._run = run
        self._settings = settings
        self._earlier: EmissionsRecord | None = None
        self._known: dict[int, EmissionsRecord] = {}

    def resume(self, finished: int) -> None:
        """Take up the energy of ``finished`` steps; none for 0.

        Where it is not known, the total will say so and be not measured.
        """
        if finished == 0:
            return
        try:
            values = read_record_file(self._path)
            if values["run"] != self._run:
                raise ValueError("it belongs to another run")
            self._earlier = checked(values["steps"][str(finished)], str(self._path))
            self._known = {finished: self._earlier}
        except (OSError, KeyError, TypeError, ValueError) as error:
            why = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
            self._earlier = not_measured(
                self._settings,
                f"interrupted after step {finished}, and the energy until then is not known: {why}",
            )

    def remember(self, step: int, so_far: EmissionsRecord) -> None:
        """Write the energy until the end of ``step``; ``so_far`` is of this process.

        Call it before the state of the step is written: after a kill between the two, the file
        still knows the step before.
        """
        last = {past: record for past, record in self._known.items() if past == step - 1}
        self._known = last | {step: self.total(so_far)}
        steps = {str(past): dataclasses.asdict(record) for past, record in self._known.items()}
        write_record_file(self._path, {"run": self._run, "steps": steps}, indent=None)

    def total(self, rest: EmissionsRecord) -> EmissionsRecord:
        """The energy of all parts, ``rest`` being that of this process."""
        return rest if self._earlier is None else joined(self._earlier, rest)


def side_by_side(records: Sequence[tuple[int, EmissionsRecord]]) -> EmissionsRecord:
    """One record of the processes of one job, which run at the same time.

    Each record comes with the number of its process among those on its machine. In machine mode
    all of these measured the same processor and memory, which count once, and a GPU each.
    """
    first = records[0][1]
    if len(records) == 1:
        return first
    parts = []
    for number, record in records:
        if not record.measured:
            return record
        if number > 0 and record.tracking_mode == "machine":
            record = dataclasses.replace(
                record,
                cpu_energy_kwh=0.0,
                ram_energy_kwh=0.0,
                energy_kwh=record.gpu_energy_kwh,
            )
        parts.append(record)
    sums: dict[str, Any] = {
        key: math.fsum(getattr(part, key) for part in parts)
        for key in _SUMMED
        if key != "duration_seconds"
    }
    intensity = first.carbon_intensity_g_per_kwh or 0.0
    return dataclasses.replace(
        first,
        duration_seconds=max(part.duration_seconds or 0.0 for part in parts),
        emissions_kg_co2e=sums["energy_kwh"] * intensity / 1000,
        **sums,
    )


def joined(earlier: EmissionsRecord, rest: EmissionsRecord) -> EmissionsRecord:
    """One record of two parts of the same work; not measured if one of them is not.

    Carbon is at the intensity of ``rest``. A component that was counted in one part and estimated
    in the other is called an estimate.
    """
    for part in (earlier, rest):
        if not part.measured:
            return dataclasses.replace(
                part,
                reason=f"a part of interrupted work is not measured: {part.reason}",
            )
    sums: dict[str, Any] = {
        key: math.fsum((getattr(earlier, key), getattr(rest, key))) for key in _SUMMED
    }
    intensity = rest.carbon_intensity_g_per_kwh or 0.0
    return dataclasses.replace(
        rest,
        reason="interrupted: the sum over its parts, without what the interrupted steps lost",
        emissions_kg_co2e=sums["energy_kwh"] * intensity / 1000,
        method={
            part: _method(earlier.method[part], rest.method[part]) for part in ("cpu", "gpu", "ram")
        },
        **sums,
    )


def _method(first: str, second: str) -> str:
    if first == second or second == "none":
        return first
    if first == "none":
        return second
    both = f"{first}; then {second}"
    counted = first.startswith("counter") and second.startswith("counter")
    return both if counted or both.startswith("estimate") else f"estimate: partly {both}"

"""A tracker of known energy, in place of CodeCarbon's."""

from types import SimpleNamespace

from layer_pruning.energy.measurement import measured
from layer_pruning.energy.record import EmissionsRecord, EnergySettings

SETTINGS = EnergySettings(carbon_intensity_g_per_kwh=250.0, cpu_power_watts=10.0)


class CPU:
    def __init__(self, mode):
        self._mode, self._tdp = mode, 8


class RAM:
    pass


class GPU:
    pass


class FakeTracker:
    """A tracker of known energy that records how it was used."""

    def __init__(self, *, kwh=2e-3, kg=1e-3, hardware=(), start=None, flush=None, stop=None):
        self.calls = []
        self._kwh, self._kg, self._hardware = kwh, kg, list(hardware)
        self._errors = {"start": start, "flush": flush, "stop": stop}
        self.last_output = SimpleNamespace(data=None)

    def start(self):
        self._call("start")

    def flush(self):
        self._call("flush")
        self.last_output.data = self._data()

    def stop(self):
        self._call("stop")
        self.final_emissions_data = self._data()

    def _data(self):
        return SimpleNamespace(
            energy_consumed=self._kwh,
            cpu_energy=self._kwh / 2,
            gpu_energy=0.0,
            ram_energy=self._kwh / 2,
            emissions=self._kg,
            codecarbon_version="3",
            cpu_model="a processor",
            gpu_model="",
        )

    def _call(self, name):
        self.calls.append(name)
        if self._errors.get(name) is not None:
            raise self._errors[name]


def record_of(tracker, settings=SETTINGS, **options) -> EmissionsRecord:
    with measured(settings, create_tracker=lambda _: tracker, **options) as measurement:
        pass
    return measurement.record

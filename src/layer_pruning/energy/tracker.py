"""CodeCarbon's tracker, offline, with every option given that changes a number.

CodeCarbon and its dependencies are imported inside functions, as they take a while.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from layer_pruning.energy.record import EnergySettings
from layer_pruning.runtime.devices import own_gpus
from layer_pruning.runtime.machine import processor_name

logger = logging.getLogger(__name__)


@contextmanager
def _cpu_name_from_kernel() -> Iterator[None]:
    """Let CodeCarbon find the name of the processor in a millisecond rather than in a second.

    It asks py-cpuinfo, which starts another Python and runs several programs, whatever the
    options. On Linux the name it ends up with is the kernel's. Where that gives none, py-cpuinfo is
    asked as before.
    """
    name = processor_name()
    if name is None:
        yield
        return
    import cpuinfo  # type: ignore[import-untyped]

    original = cpuinfo.get_cpu_info
    answer = {"brand_raw": name}
    cpuinfo.get_cpu_info = lambda: answer
    try:
        yield
    finally:
        cpuinfo.get_cpu_info = original


class _LastOutput:
    """An output of CodeCarbon that writes nothing and keeps the last data in ``data``."""

    data: Any = None

    def out(self, total: Any, delta: Any) -> None:
        """All since the start, at ``flush`` and ``stop``."""
        self.data = total

    def live_out(self, total: Any, delta: Any) -> None:
        """The same at every reading: not needed."""

    def task_out(self, data: Any, experiment_name: str) -> None:
        """The tasks: not needed."""

    def exit(self) -> None:
        """Nothing is open."""


def offline_tracker(settings: EnergySettings) -> Any:
    """Return an OfflineEmissionsTracker that has looked up the hardware but is not started.

    Every option that changes a number is given, because CodeCarbon takes those that are not from
    files and from the environment. ``output_methods=[]`` means that nothing is written or sent;
    ``last_output`` of the tracker holds what it counted until the last ``flush``. Of cards, the
    energy of the one that this process computes on is its own: not that of others, which other jobs
    may use, and of none where it computes on the processor.
    """
    from codecarbon import OfflineEmissionsTracker

    # importing it sets the level, and the constructor logs three lines before it sets its own
    logging.getLogger("codecarbon").setLevel(logging.ERROR)

    last_output, gpus = _LastOutput(), own_gpus()
    with _readable_configuration():
        tracker = _constructed(OfflineEmissionsTracker, settings, gpus, last_output)
    with _cpu_name_from_kernel():
        tracker.get_detected_hardware()
    if gpus == []:
        tracker._hardware = [part for part in tracker._hardware if type(part).__name__ != "GPU"]
    tracker.last_output = last_output
    return tracker


@contextmanager
def _readable_configuration() -> Iterator[None]:
    """Pass over a ``.codecarbon.config`` of the folder or of HOME that cannot be read.

    All that changes a number is given here, so such a file should not lose a measurement.
    """
    from codecarbon import emissions_tracker

    original = emissions_tracker.get_hierarchical_config

    def read() -> Any:
        try:
            return original()
        except Exception as error:
            said = " ".join(str(error).split())
            logger.warning("CodeCarbon's configuration file is passed over: %s", said)
            return {}

    emissions_tracker.get_hierarchical_config = read
    try:
        yield
    finally:
        emissions_tracker.get_hierarchical_config = original


def _constructed(
    kind: Any, settings: EnergySettings, gpus: list[int] | None, last_output: _LastOutput
) -> Any:
    return kind(
        country_iso_code=settings.country_iso_code,
        country_2letter_iso_code=None,
        region=None,
        cloud_provider=None,
        cloud_region=None,
        force_carbon_intensity_g_co2e_kwh=settings.carbon_intensity_g_per_kwh,
        electricitymaps_api_token=None,
        force_cpu_power=settings.cpu_power_watts,
        force_ram_power=None,
        force_mode_cpu_load=False,
        pue=1.0,
        wue=0.0,
        rapl_include_dram=False,
        rapl_prefer_psys=False,
        tracking_mode=settings.tracking_mode,
        measure_power_secs=settings.measure_power_seconds,
        gpu_ids=gpus,
        allow_multiple_runs=True,
        output_methods=[],
        output_handlers=[last_output],
        output_dir=".",
        emissions_endpoint=None,
        log_level="error",
    )


def method_of(tracker: Any) -> dict[str, str]:
    """Say of each component how its energy came about, from the tracker's hardware objects."""
    found = getattr(tracker, "_hardware", None)
    if found is None:
        return {"cpu": "unknown", "gpu": "unknown", "ram": "unknown"}
    method = {"cpu": "none", "gpu": "none", "ram": "none"}
    for hardware in found:
        kind = type(hardware).__name__
        if kind == "RAM":
            method["ram"] = "estimate: RAM model × wall time"
        elif kind == "GPU":
            devices = getattr(getattr(hardware, "devices", None), "devices", [])
            amd = any("AMD" in type(device).__name__ for device in devices)
            method["gpu"] = "counter: AMD SMI" if amd else "counter: NVML"
        elif kind == "CPU":
            mode = getattr(hardware, "_mode", "unknown")
            watts = getattr(hardware, "_tdp", None)
            model = f"({watts:g} W)" if isinstance(watts, int | float) else "(unknown power)"
            method["cpu"] = {
                "intel_rapl": "counter: RAPL",
                "windows_emi": "counter: Windows EMI",
                "intel_power_gadget": "counter: Intel Power Gadget",
                "cpu_load": f"estimate: CPU load × power model {model}",
                "constant": f"estimate: constant power {model}",
            }.get(mode, f"estimate: {mode}")
        else:
            # Apple's powermetrics and the Raspberry Pi's power chip
            part = str(getattr(hardware, "chip_part", "CPU")).lower()
            method[part if part in method else "cpu"] = f"counter: {kind}"
    return method

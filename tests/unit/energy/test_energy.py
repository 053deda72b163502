import dataclasses
import itertools
import json
import math
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from fake_tracker import CPU, GPU, RAM, SETTINGS, FakeTracker, record_of
from layer_pruning.energy import tracker as tracker_module
from layer_pruning.energy.catalog import countries
from layer_pruning.energy.inference import energies_of_calls, inference_energy
from layer_pruning.energy.measurement import measured
from layer_pruning.energy.meter import CodeCarbonMeter
from layer_pruning.energy.record import (
    EnergySettings,
    carbon_intensity,
    check_country,
    read_record,
    reduction_percent,
    sum_records,
    write_record,
)

# settings


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({}, "country_iso_code and carbon_intensity_g_per_kwh"),
        ({"country_iso_code": "DEU", "carbon_intensity_g_per_kwh": 1.0}, "exactly one"),
        ({"country_iso_code": "de"}, "country_iso_code"),
        ({"carbon_intensity_g_per_kwh": -1.0}, "carbon_intensity_g_per_kwh"),
        ({"carbon_intensity_g_per_kwh": math.nan}, "carbon_intensity_g_per_kwh"),
        ({"country_iso_code": "DEU", "cpu_power_watts": 0}, "cpu_power_watts"),
        ({"country_iso_code": "DEU", "tracking_mode": "cluster"}, "tracking_mode"),
        ({"country_iso_code": "DEU", "measure_power_seconds": 0}, "measure_power_seconds"),
    ],
)
def test_settings_without_a_clear_meaning_are_refused(values, key):
    with pytest.raises(ValueError, match=key):
        EnergySettings(**values)


def test_a_country_without_data_is_refused_before_the_work_begins():
    began = []
    with (
        pytest.raises(ValueError, match="no data for 'ZZZ'"),
        measured(EnergySettings(country_iso_code="ZZZ")),
    ):
        began.append(True)
    assert not began


# one window


def test_carbon_is_energy_times_the_intensity_given_exactly():
    record = record_of(FakeTracker(kwh=2e-3, kg=123.0))
    assert record.measured
    assert record.emissions_kg_co2e == record.energy_kwh * 250.0 / 1000 == 2e-3 * 0.25


def test_the_intensity_of_a_country_comes_from_the_tracker():
    settings = EnergySettings(country_iso_code="DEU")
    record = record_of(FakeTracker(kwh=2e-3, kg=1e-3), settings)
    assert record.carbon_intensity_g_per_kwh == 500
    assert record.emissions_kg_co2e == pytest.approx(1e-3)
    assert record.country_iso_code == "DEU"


def test_the_window_is_the_block_without_the_start_of_the_tracker():
    now = itertools.count(100.0, 7.0)
    tracker = FakeTracker()

    def clock():
        tracker.calls.append("clock")
        return next(now)

    assert record_of(tracker, clock=clock).duration_seconds == 7.0
    assert tracker.calls == ["start", "clock", "clock", "stop"]


def test_cpu_seconds_are_those_of_the_block():
    began = time.process_time()
    with measured(SETTINGS, create_tracker=lambda _: FakeTracker()) as measurement:
        until = time.process_time() + 0.2
        while time.process_time() < until:
            pass
    assert 0.2 <= measurement.record.cpu_seconds <= time.process_time() - began


def test_no_record_while_the_block_runs():
    early = []
    with measured(SETTINGS, create_tracker=lambda _: FakeTracker()) as measurement:
        try:
            early.append(measurement.record)
        except RuntimeError as error:
            assert "ended" in str(error)
    assert not early
    assert measurement.record.measured


@pytest.mark.parametrize(
    ("tracker", "reason"),
    [
        (FakeTracker(start=OSError("no\ncounter")), "did not start: OSError: no counter"),
        (FakeTracker(stop=RuntimeError("gone")), "failed: RuntimeError: gone"),
        (FakeTracker(kwh=math.nan), "energy_kwh"),
        (FakeTracker(kwh=-1.0), "energy_kwh"),
        (SimpleNamespace(start=lambda: None, stop=lambda: None), "no data"),
    ],
)
def test_a_failing_tracker_never_fails_the_work(tmp_path, tracker, reason):
    record = record_of(tracker)
    assert not record.measured
    assert reason in record.reason
    assert "\n" not in record.reason
    assert record.energy_kwh is record.emissions_kg_co2e is record.cpu_seconds is None
    write_record(tmp_path / "emissions.json", record)
    assert read_record(tmp_path / "emissions.json") == record


def test_the_machine_stands_in_the_file_and_is_no_part_of_the_energy(tmp_path):
    path, record = tmp_path / "emissions.json", record_of(FakeTracker())
    write_record(path, record, {"processor": "a calculator"})
    assert json.loads(path.read_text())["machine"] == {"processor": "a calculator"}
    assert read_record(path) == record


def test_a_tracker_that_cannot_be_made_never_fails_the_work():
    def broken(settings):
        raise ImportError("no codecarbon")

    with measured(SETTINGS, create_tracker=broken) as measurement:
        pass
    assert measurement.record.reason == "the tracker did not start: ImportError: no codecarbon"


def test_no_energy_means_no_intensity_for_a_country():
    record = record_of(FakeTracker(kwh=0.0, kg=0.0), EnergySettings(country_iso_code="DEU"))
    assert not record.measured


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_what_the_block_raises_is_raised_and_the_tracker_stopped(error):
    tracker = FakeTracker()
    with (
        pytest.raises(error),
        measured(SETTINGS, create_tracker=lambda _: tracker) as measurement,
    ):
        raise error
    assert tracker.calls == ["start", "stop"]
    assert measurement.record.measured


def test_an_error_of_the_block_wins_over_one_of_the_tracker():
    with (
        pytest.raises(ZeroDivisionError),
        measured(SETTINGS, create_tracker=lambda _: FakeTracker(stop=OSError("x"))),
    ):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("mode", "word"),
    [("intel_rapl", "counter"), ("cpu_load", "estimate"), ("constant", "estimate")],
)
def test_an_estimate_is_never_called_a_counter(mode, word):
    method = record_of(FakeTracker(hardware=[RAM(), CPU(mode), GPU()])).method
    assert method["cpu"].startswith(f"{word}: ")
    assert method["ram"].startswith("estimate: ")
    assert method["gpu"] == "counter: NVML"


@pytest.mark.parametrize(("own", "counted"), [([1], True), (None, True), ([], False)])
def test_a_card_that_is_not_computed_on_is_not_counted(monkeypatch, own, counted):
    given = {}

    class Tracker:
        def __init__(self, **options):
            given.update(options)

        def get_detected_hardware(self):
            self._hardware = [CPU("cpu_load"), RAM(), GPU()]

    monkeypatch.setattr("codecarbon.OfflineEmissionsTracker", Tracker)
    monkeypatch.setattr(tracker_module, "own_gpus", lambda: own)
    tracker = tracker_module.offline_tracker(SETTINGS)
    assert given["gpu_ids"] == own
    assert (tracker_module.method_of(tracker)["gpu"] == "counter: NVML") is counted
    assert tracker_module.method_of(tracker)["ram"].startswith("estimate")


def test_an_unknown_way_of_measuring_is_an_estimate():
    assert record_of(FakeTracker(hardware=[CPU("tea leaves")])).method == {
        "cpu": "estimate: tea leaves",
        "gpu": "none",
        "ram": "none",
    }


# files and sums


@pytest.mark.parametrize(
    "change",
    [
        {"energy_kwh": None},
        {"energy_kwh": -1.0},
        {"energy_kwh": "1"},
        {"emissions_kg_co2e": 1.0},
        {"measured": "yes"},
        {"measured": False},
        {"method": {"cpu": "x"}},
        {"extra": 1},
    ],
)
def test_a_damaged_record_is_refused_with_one_line_naming_the_file(tmp_path, change):
    path = tmp_path / "emissions.json"
    values = dataclasses.asdict(record_of(FakeTracker()))
    path.write_text(json.dumps(values | change))
    with pytest.raises(ValueError, match=r"emissions\.json") as caught:
        read_record(path)
    assert "\n" not in str(caught.value)


def test_a_record_survives_writing_and_a_truncated_one_is_refused(tmp_path):
    path = tmp_path / "deep" / "emissions.json"
    record = record_of(FakeTracker(hardware=[CPU("cpu_load")]))
    write_record(path, record)
    assert read_record(path) == record
    path.write_text("{")
    with pytest.raises(ValueError, match="not JSON"):
        read_record(path)


def test_sums_add_and_one_missing_part_makes_the_sum_missing():
    records = [record_of(FakeTracker(kwh=kwh)) for kwh in (1e-3, 2e-3)]
    total = sum_records(records)
    assert total.energy_kwh == pytest.approx(3e-3)
    assert total.emissions_kg_co2e == pytest.approx(3e-3 * 0.25)
    assert total.carbon_intensity_g_per_kwh == 250
    partial = sum_records([*records, record_of(FakeTracker(stop=OSError("gone")))])
    assert not partial.measured
    assert partial.energy_kwh is None
    assert "gone" in partial.reason
    assert sum_records([]).energy_kwh == 0


def test_a_reduction_is_relative_to_a_baseline_that_draws_something():
    assert reduction_percent(4.0, 1.0) == 75
    assert reduction_percent(4.0, 5.0) == -25
    with pytest.raises(ValueError, match="positive"):
        reduction_percent(0.0, 1.0)


# inference


class Bench:
    """A clock, and a meter that draws known watts while a network runs or the machine idles."""

    def __init__(self, *, idle_watts=0.0, subtracts_idle=False, fails_at=None):
        self.now = self.joules = 0.0
        self.idle_watts, self.subtracts_idle = idle_watts, subtracts_idle
        self.method = {"cpu": "counter: fake", "gpu": "none", "ram": "none"}
        self.order, self.windows, self.fails_at = [], 0, fails_at

    def network(self, name, *, seconds, watts):
        def run():
            self.order.append((self.windows, name))
            self.pass_time(seconds, watts)

        return run

    def pass_time(self, seconds, watts=0.0):
        self.now += seconds
        self.joules += seconds * (watts + self.idle_watts)

    def start(self):
        self.windows += 1
        if self.windows == self.fails_at:
            raise OSError("counter\ngone")
        self._before = self.joules

    def stop(self):
        return self.joules - self._before

    def compare(self, run_baseline, run_candidate, **options):
        options = {"images": 10, "repeats": 6, "window_seconds": 1.0, "seed": 0} | options
        return inference_energy(
            run_baseline,
            run_candidate,
            settings=SETTINGS,
            meter=self,
            clock=lambda: self.now,
            sleep=self.pass_time,
            **options,
        )


@pytest.mark.parametrize("idle_watts", [0.0, 30.0])
def test_joules_per_image_are_the_planted_ones_above_idle(idle_watts):
    bench = Bench(idle_watts=idle_watts, subtracts_idle=True)
    result = bench.compare(
        bench.network("baseline", seconds=0.25, watts=40.0),
        bench.network("candidate", seconds=0.125, watts=40.0),
        batch_size=5,
    )
    assert result["measured"]
    assert result["idle_watts"] == pytest.approx(idle_watts)
    assert result["baseline_joules_per_image"] == pytest.approx(1.0)
    assert result["joules_per_image"] == pytest.approx(0.5)
    assert result["joules_per_image_interval_low"] == pytest.approx(0.5)
    assert result["joules_per_image_interval_high"] == pytest.approx(0.5)
    assert result["baseline_seconds_per_image"] == pytest.approx(0.025)
    assert result["seconds_per_image"] == pytest.approx(0.0125)
    assert result["energy_reduction_percent"] == pytest.approx(50)
    assert (result["images"], result["batch_size"], result["repeats"]) == (10, 5, 6)


def test_nothing_is_taken_off_where_the_meter_follows_the_process():
    bench = Bench(idle_watts=30.0, subtracts_idle=False)
    run = bench.network("baseline", seconds=0.25, watts=10.0)
    result = bench.compare(run, run)
    assert result["idle_watts"] is None
    assert result["joules_per_image"] == pytest.approx(1.0)
    assert result["energy_reduction_percent"] == pytest.approx(0)


def test_windows_are_long_enough_and_interleaved_by_the_seed():
    def orders(seed):
        bench = Bench()
        runs = [bench.network(name, seconds=0.3, watts=1.0) for name in ("b", "c")]
        bench.compare(*runs, seed=seed, repeats=8)
        # window 0 is the run of each that does not count
        windows = [[n for w, n in bench.order if w == window] for window in range(1, 17)]
        assert [n for w, n in bench.order if w == 0] == ["b", "c"]
        # four runs of 0.3 s are the fewest that fill 1 s, and a window holds one network
        assert all(len(names) == 4 and len(set(names)) == 1 for names in windows)
        first = [names[0] for names in windows]
        assert all({*first[i : i + 2]} == {"b", "c"} for i in range(0, 16, 2))
        return first

    assert orders(0) == orders(0)
    assert len({tuple(orders(seed)) for seed in range(5)}) > 1


def test_a_failing_meter_is_reported_and_a_failing_network_raised():
    bench = Bench(fails_at=3)
    run = bench.network("baseline", seconds=0.25, watts=10.0)
    result = bench.compare(run, run)
    assert not result["measured"]
    assert result["reason"] == "the meter failed: OSError: counter gone"
    assert result["joules_per_image"] is result["energy_reduction_percent"] is None

    def broken():
        raise OSError("the network, not the meter")

    with pytest.raises(OSError, match="not the meter"):
        bench.compare(run, broken)


@pytest.mark.parametrize("watts", [(-1.0, -1.0), (5.0, -1.0), (-1.0, 5.0)])
def test_a_load_below_idle_is_not_measured_rather_than_negative(watts):
    bench = Bench(idle_watts=30.0, subtracts_idle=True)
    runs = [bench.network(str(w), seconds=0.25, watts=w) for w in watts]
    result = bench.compare(*runs)
    assert not result["measured"] and "idle power under load" in result["reason"]
    joules = [value for name, value in result.items() if "joules" in name or "percent" in name]
    assert joules and set(joules) == {None}


@pytest.mark.parametrize("change", [{"images": 0}, {"repeats": 0}, {"window_seconds": 0.0}])
def test_counts_below_one_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        Bench().compare(lambda: None, lambda: None, **change)


# CodeCarbon itself


def test_codecarbon_offline_estimates_the_energy_of_cpu_time():
    numpy = pytest.importorskip("numpy")
    matrix = numpy.ones((300, 300))
    began = time.perf_counter()
    with measured(SETTINGS) as measurement:
        until = time.perf_counter() + 1.5
        # long calls without the interpreter lock, so that CodeCarbon's thread gets its turn
        while time.perf_counter() < until:
            matrix @ matrix
    record = measurement.record
    assert record.measured, record.reason
    assert record.method["cpu"].startswith(("estimate: CPU load", "counter: "))
    assert record.ram_energy_kwh > 0
    assert record.energy_kwh == pytest.approx(
        record.cpu_energy_kwh + record.gpu_energy_kwh + record.ram_energy_kwh
    )
    assert record.emissions_kg_co2e == record.energy_kwh * 250 / 1000
    assert 1.5 <= record.duration_seconds < time.perf_counter() - began
    cores = os.cpu_count()
    watts = record.cpu_energy_kwh * 3.6e6 / record.cpu_seconds * cores
    assert watts == pytest.approx(10.0, rel=0.3)


def test_codecarbon_is_not_swayed_by_the_environment(monkeypatch):
    for key, value in {
        "PUE": "3",
        "FORCE_RAM_POWER": "500",
        "FORCE_CARBON_INTENSITY_G_CO2E_KWH": "1",
        "TRACKING_MODE": "machine",
        "SAVE_TO_API": "true",
    }.items():
        monkeypatch.setenv(f"CODECARBON_{key}", value)
    with measured(EnergySettings(country_iso_code="DEU")) as measurement:
        time.sleep(0.2)
    record = measurement.record
    assert record.measured, record.reason
    assert 200 < record.carbon_intensity_g_per_kwh < 700
    # far below 500 W, or three times the model
    assert record.ram_energy_kwh * 3.6e6 / record.duration_seconds < 25


def test_a_malformed_configuration_of_codecarbon_loses_no_measurement(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for text in ("no section\n", "[codecarbon\n", "[codecarbon]\nx = %(\n[codecarbon]\n"):
        (tmp_path / ".codecarbon.config").write_text(text)
        with measured(EnergySettings(carbon_intensity_g_per_kwh=250.0)) as measurement:
            sum(range(200_000))
        assert measurement.record.measured, measurement.record.reason


def test_a_country_whose_grid_codecarbon_has_at_zero_is_one_without_data():
    from codecarbon.input import DataSource

    mixes = DataSource().get_global_energy_mix_data()
    without = [code for code, mix in mixes.items() if mix["carbon_intensity"] == 0]
    assert without and not set(without) & set(countries()) and "DEU" in countries()
    for code in without:
        settings = EnergySettings(country_iso_code=code)
        with pytest.raises(ValueError, match=r"no data for .* \(0 if that is meant\)"):
            check_country(settings)
    assert carbon_intensity(EnergySettings(carbon_intensity_g_per_kwh=0.0)) == 0


def test_codecarbon_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with measured(SETTINGS):
        time.sleep(0.05)
    assert not list(tmp_path.iterdir())


def test_the_default_meter_counts_joules_of_each_window():
    meter = CodeCarbonMeter(SETTINGS)
    try:
        joules = []
        for seconds in (0.1, 1.0):
            meter.start()
            time.sleep(seconds)
            joules.append(meter.stop())
    finally:
        meter.close()
    assert set(meter.method) == {"cpu", "gpu", "ram"}
    assert joules[1] > 1.5 * joules[0] > 0


def test_the_name_of_the_processor_is_looked_up_as_before_afterwards():
    import cpuinfo

    from layer_pruning.energy.tracker import _cpu_name_from_kernel

    original = cpuinfo.get_cpu_info
    with pytest.raises(KeyError), _cpu_name_from_kernel():
        raise KeyError
    assert cpuinfo.get_cpu_info is original


def test_import_is_light():
    code = (
        "import sys, layer_pruning.energy.inference; "
        "print([m for m in ('torch', 'numpy', 'pandas', 'codecarbon') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_joules_of_single_calls_are_the_planted_ones():
    bench = Bench()
    runs = {name: bench.network(name, seconds=s, watts=3.0) for name, s in (("a", 2.0), ("b", 0.5))}
    options = {"repeats": 4, "window_seconds": 1e-3, "settings": SETTINGS, "seed": 0}
    assert energies_of_calls(runs, meter=bench, **options) == pytest.approx({"a": 6.0, "b": 1.5})
    assert bench.windows == 8


def test_a_vote_has_idle_power_taken_off_as_the_report_has():
    bench = Bench(idle_watts=50.0, subtracts_idle=True)
    # a takes more energy, and b longer: with idle power in it, b would be the dearer one
    runs = {"a": bench.network("a", seconds=0.001, watts=2000.0)}
    runs["b"] = bench.network("b", seconds=0.06, watts=1000.0 / 60)
    options = {"repeats": 4, "window_seconds": 1e-3, "settings": SETTINGS, "seed": 0}
    options |= {"meter": bench, "clock": lambda: bench.now, "sleep": bench.pass_time}
    found = energies_of_calls(runs, **options)
    assert found == pytest.approx({"a": 2.0, "b": 1.0})
    runs["b"] = bench.network("b", seconds=0.06, watts=-1.0)
    with pytest.raises(ValueError, match=r"b drew no more than the 50 W of idle power.*batch_size"):
        energies_of_calls(runs, **options)


def test_a_meter_that_fails_gives_no_vote():
    bench = Bench(fails_at=2)
    with pytest.raises(ValueError, match="energy of blocks cannot be measured: the meter failed"):
        energies_of_calls(
            {"a": bench.network("a", seconds=1.0, watts=1.0)},
            meter=bench,
            repeats=3,
            window_seconds=1e-3,
            settings=SETTINGS,
            seed=0,
        )


def test_the_intensity_of_a_country_is_that_of_the_tracker():
    settings = EnergySettings(country_iso_code="BRA")
    with measured(settings) as measurement:
        sum(i * i for i in range(200_000))
    assert measurement.record.measured
    expected = measurement.record.carbon_intensity_g_per_kwh
    assert carbon_intensity(settings) == pytest.approx(expected, rel=1e-6)

import pytest

from fake_tracker import CPU, SETTINGS, FakeTracker, record_of
from layer_pruning.energy.measurement import measured
from layer_pruning.energy.parts import Parts, joined
from layer_pruning.energy.record import EnergySettings, write_record


def part(kwh):
    return record_of(FakeTracker(kwh=kwh, hardware=[CPU("cpu_load")]))


def parts_at(path, run="run"):
    return Parts(path, run=run, settings=SETTINGS)


def test_the_sum_over_parts_is_that_of_the_finished_steps(tmp_path):
    path = tmp_path / "energy.json"
    first = parts_at(path)
    first.resume(0)
    first.remember(1, part(1.0))
    first.remember(2, part(2.0))  # so far, not more
    # killed in the third step; the second process begins at it, is killed in the fourth
    second = parts_at(path)
    second.resume(2)
    second.remember(3, part(0.5))
    third = parts_at(path)
    third.resume(3)
    total = third.total(part(0.25))
    assert total.measured
    assert total.energy_kwh == pytest.approx(2.0 + 0.5 + 0.25)
    assert total.cpu_energy_kwh == pytest.approx(total.energy_kwh / 2)
    assert total.emissions_kg_co2e == pytest.approx(total.energy_kwh * 0.25)
    assert "interrupted" in total.reason
    write_record(tmp_path / "emissions.json", total)


def test_a_kill_between_energy_and_state_takes_the_step_before(tmp_path):
    first = parts_at(tmp_path / "energy.json")
    for step, kwh in ((1, 1.0), (2, 2.0), (3, 3.0)):
        first.remember(step, part(kwh))
    # the state of step 3 was never written
    second = parts_at(tmp_path / "energy.json")
    second.resume(2)
    assert second.total(part(1.5)).energy_kwh == pytest.approx(3.5)


def test_a_run_of_one_piece_is_its_own_record(tmp_path):
    parts = parts_at(tmp_path / "energy.json")
    parts.resume(0)
    whole = part(1.0)
    parts.remember(1, whole)
    assert parts.total(whole) is whole


@pytest.mark.parametrize("case", ["another run", "damaged", "missing", "another step"])
def test_energy_that_is_not_known_is_never_left_out_silently(tmp_path, case):
    path = tmp_path / "energy.json"
    if case != "missing":
        parts_at(path, "other" if case == "another run" else "run").remember(
            7 if case == "another step" else 2, part(1.0)
        )
    if case == "damaged":
        path.write_text(path.read_text()[:40])
    second = parts_at(path)
    second.resume(2)
    total = second.total(part(1.0))
    assert not total.measured and total.energy_kwh is None
    assert "after step 2" in total.reason and "\n" not in total.reason
    write_record(tmp_path / "emissions.json", total)


def test_a_part_without_measurement_makes_the_sum_unknown(tmp_path):
    broken = record_of(FakeTracker(stop=OSError("gone")))
    for pair in ((broken, part(1.0)), (part(1.0), broken)):
        total = joined(*pair)
        assert not total.measured and "gone" in total.reason


def test_a_sum_that_is_partly_estimated_is_called_an_estimate():
    counted = record_of(FakeTracker(hardware=[CPU("intel_rapl")]))
    for pair in ((counted, part(1.0)), (part(1.0), counted)):
        assert joined(*pair).method["cpu"].startswith("estimate: ")
    assert joined(counted, counted).method["cpu"] == "counter: RAPL"


def test_carbon_is_at_the_intensity_of_the_last_part():
    settings = EnergySettings(carbon_intensity_g_per_kwh=500.0)
    total = joined(part(1.0), record_of(FakeTracker(kwh=1.0), settings))
    assert total.emissions_kg_co2e == pytest.approx(2.0 * 0.5)


# a measurement that goes on


def test_a_measurement_can_be_read_before_it_ends():
    tracker = FakeTracker(kwh=1e-3)
    with measured(SETTINGS, create_tracker=lambda _: tracker) as measurement:
        so_far = measurement.so_far()
    assert so_far.measured and so_far.energy_kwh == 1e-3
    assert tracker.calls == ["start", "flush", "stop"]
    assert measurement.so_far() is measurement.record


@pytest.mark.parametrize("fails", ["start", "flush"])
def test_reading_a_tracker_that_fails_fails_nothing(fails):
    tracker = FakeTracker(**{fails: OSError("no counter")})
    with measured(SETTINGS, create_tracker=lambda _: tracker) as measurement:
        so_far = measurement.so_far()
    assert not so_far.measured and so_far.reason


def test_codecarbon_can_be_read_while_it_runs():
    with measured(SETTINGS) as measurement:
        readings = []
        for _ in range(2):
            sum(i * i for i in range(1_500_000))
            readings.append(measurement.so_far())
    first, second = readings
    assert first.measured and second.measured, first.reason
    assert 0 < first.energy_kwh < second.energy_kwh <= measurement.record.energy_kwh
    assert first.cpu_seconds < second.cpu_seconds

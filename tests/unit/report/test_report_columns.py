import math
import random

import pytest

from layer_pruning.report.columns import (
    SUMMARY,
    column_of,
    heading,
    in_order,
    reference,
    source_of,
    with_reference,
    written,
)


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("macs", "macs"),
        ("accuracy_test_interval_low", "accuracy_test"),
        ("robust_accuracy_fgsm_linf_0.1", "robust_accuracy_{attack}_{norm}_{epsilon}"),
        ("robust_accuracy_mine_0.1", "robust_accuracy_{attack}_{norm}_{epsilon}"),
        ("robust_area_pgd_l2_interval_high", "robust_area_{attack}_{norm}"),
        ("shifted_accuracy_new", "shifted_accuracy_{name}"),
        ("latency_batch_64_seconds", "latency_batch_{size}_seconds"),
        ("latency_cuda_graphs_batch_1_seconds", "latency_batch_{size}_seconds"),
        ("baseline_latency_batch_8_seconds", "baseline_latency_batch_{size}_seconds"),
        ("speed_up_over_macs_compiled_batch_8_ratio", "speed_up_over_macs_batch_{size}_ratio"),
        ("speed_up_over_macs_ratio", "speed_up_over_macs_ratio"),
    ],
)
def test_a_name_is_the_column_that_was_declared(name, declared):
    found = column_of(name)
    assert found is not None and found.name == declared


def test_a_name_of_nobody_is_no_column():
    assert column_of("invented") is None and source_of("invented") == ""
    assert heading("invented_kwh") == "invented (kWh)"


def test_columns_stand_in_the_order_declared_whatever_the_order_of_the_files():
    names = [name for column in SUMMARY if "{" not in column.name for name in column.names]
    random.Random(0).shuffle(names)
    expected = [name for column in SUMMARY if "{" not in column.name for name in column.names]
    assert in_order(names) == expected


def test_what_no_network_has_is_left_out_only_where_it_is_optional():
    found = in_order(["macs"])
    assert "peak_memory_bytes" in found and "break_even_images_interval_low" in found
    assert not {"temperature", "cue_effect", "corrupted_accuracy_interval_low"} & set(found)
    assert not any("batch" in name or name.startswith("robust") for name in found)


def test_columns_of_one_size_or_attack_stand_together():
    sizes = [
        f"{name.format(size)}"
        for size in (64, 8)
        for name in (
            "latency_batch_{}_seconds",
            "baseline_latency_batch_{}_seconds",
            "speed_up_over_macs_batch_{}_ratio",
        )
    ]
    attacked = ["robust_accuracy_fgsm_linf_0.1", "robust_accuracy_pgd_linf_0.1"]
    ends = ("", "_interval_low", "_interval_high")
    areas = [f"robust_area_{attack}_linf{end}" for attack in ("fgsm", "pgd") for end in ends]
    found = in_order([*areas, *sizes, *attacked, "macs"])
    assert found[-7:-1] == sizes and found[-1] == "notes"
    start = found.index(attacked[0])
    assert found[start : start + 8] == [*attacked, *areas]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("macs", 1234567.0, "1\u202f234\u202f567"),
        ("macs_reduction_percent", 78.804, "78.80"),
        ("accuracy_test", 0.91234, "91.23 %"),
        ("accuracy_test_interval_low", 0.9, "90.00 %"),
        ("expected_calibration_error", 0.01234, "0.01234"),
        ("clean_difference", -0.0123, "−1.23"),
        ("p_value", 1e-9, "< 0.0001"),
        ("break_even_images", 123456.0, "123\u202f000"),
        ("speed_up_ratio", math.nan, "not measured"),
        ("energy_reduction_percent", None, "not measured"),
        ("accuracy_test", math.nan, ""),
        ("selected", True, "yes"),
        ("verdict", "kept", "kept"),
        ("invented", 0.123456, "0.1235"),
    ],
)
def test_a_unit_says_how_a_number_is_written(name, value, read):
    assert written(name, value) == read


def test_the_table_of_a_page_is_put_in_the_place_of_the_old_one_alone():
    page = "before\n\n| column | unit | meaning |\n|---|---|---|\n| `old` | | |\n\nafter\n"
    assert with_reference(page) == f"before\n\n{reference()}\nafter\n"
    assert with_reference("no table\n") == "no table\n"

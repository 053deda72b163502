import dataclasses
import json
import subprocess
import sys

import pytest
from PIL import Image

from layer_pruning.cli import main
from layer_pruning.models.candidates import Limits
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.network_file import read_network, write_network
from layer_pruning.models.residual import learnt_arrays, new_network, save_network
from layer_pruning.scoring.weights import weight_counts
from layer_pruning.surgery import without_block, without_blocks
from small_networks import random_network

QUICK = ["--repeats", "1"]


def printed(capsys, *arguments):
    assert main(arguments) == 0
    return capsys.readouterr().out


def test_blocks_of_resnet_56_with_what_each_costs(capsys):
    record = json.loads(printed(capsys, "blocks", "resnet56", "--format", "json", *QUICK))
    assert (record["macs"], record["parameters"]) == (125_485_696, 853_018)
    assert len(record["blocks"]) == 27
    for block in record["blocks"]:
        if block["removable"]:
            assert block["macs"] == 4_718_592 and block["reason"] is None
        else:
            assert block["name"] in ("stage2.block1", "stage3.block1") and block["reason"]
        assert block["latency_seconds"] > 0
    assert {b["parameters"] for b in record["blocks"] if b["stage"] == "stage1"} == {4_672}


def test_the_table_of_blocks_says_why_one_stays(capsys):
    lines = printed(capsys, "blocks", "resnet8", *QUICK).splitlines()
    assert len([line for line in lines if line.startswith("stage")]) == 3
    assert "no: " in lines[3] and lines[1].endswith("yes")


def test_the_plan_shows_the_lattice_around_the_target(capsys):
    text = printed(capsys, "plan", "resnet56", "--macs-reduction", "60", *QUICK)
    table, _, recommended = text.partition("A way is")
    assert "\n* saves less than 60 % of MACs.\n" in recommended
    removals = [line.split()[0] for line in table.splitlines() if line[:8].strip().isdigit()]
    assert removals == ["13", "14", "15", "16", "17", "18"]
    assert "56.40" in text and "60.16" in text
    assert "      15  stage1 8, stage2 7, stage3 0: 56.40 % of MACs, 19.61 % of par" in recommended
    record = json.loads(
        printed(
            capsys,
            *("plan", "resnet56", "--removals", "21", "--min-blocks-per-stage", "2"),
            *("--shortcut", "projection", "--format", "json", *QUICK),
        )
    )
    assert [round(point["macs_saved_percent"], 2) for point in record["points"]] == [78.80]


@pytest.mark.parametrize(
    "target",
    [("--removals", "3"), ("--macs-reduction", "50"), ("--parameters-reduction", "20")],
)
def test_what_the_plan_recommends_is_where_the_criterion_leads(capsys, tmp_path, target):
    # stages that differ in the work of a block too, so that most levels have one way
    options = {"depth": 20, "widths": [5, 6, 9]}
    config = tmp_path / "mine.yaml"
    config.write_text(json.dumps({"architectures": {"uneven": options}}))
    given = ["--config", str(config), "--format", "json", *QUICK]
    points = json.loads(printed(capsys, "plan", "uneven", *target, *given))["points"]
    shape = {"input_shape": (1, 8, 8), "mean": (0.5,), "std": (0.2,), "class_names": ("a", "b")}
    header = NetworkHeader.of("uneven", options, **shape)
    counts = weight_counts(learnt_arrays(new_network(header, 0)), header.candidates(Limits(1)))
    order = sorted(counts, key=counts.__getitem__)
    for point in points:
        left, _ = without_blocks(header, {}, order, count=point["removals"], limits=Limits(1))
        gone = [block.stage for block in header.blocks if block.name in left.removed_blocks]
        assert point["recommended"] == all(
            gone.count(stage) == count for stage, count in point["by_stage"].items()
        )
    assert {True, False} == {point["recommended"] for point in points}


def test_what_the_plan_recommends_reaches_the_target_or_says_that_it_does_not(capsys):
    target = ("plan", "resnet20", "--parameters-reduction", "60", *QUICK)
    text = printed(capsys, *target)
    _, _, recommended = text.partition("A way is")
    # the widest stage goes last, so less is saved than by others with as many removals
    assert (
        "       6  stage1 2, stage2 2, stage3 2: 69.82 % of MACs, 72.09 % of parameters\n" in text
    )
    assert recommended.count(" *\n") >= 3 and "* saves less than 60 % of parameters." in text
    record = json.loads(printed(capsys, *target, "--format", "json"))
    reached = [p["removals"] for p in record["recommended"] if p["parameters_saved_percent"] >= 60]
    assert reached == [6]
    # one round is easily disturbed, and far from what can be reached
    timed = printed(capsys, "plan", "resnet20", "--latency-reduction", "5", *QUICK)
    assert " % of time" in timed.partition("A way is")[2]


def test_where_blocks_weigh_the_same_the_plan_leaves_the_choice_to_kl(capsys, tmp_path):
    config = tmp_path / "mine.yaml"
    options = {"depth": 20, "widths": [8, 8, 8]}
    config.write_text(json.dumps({"architectures": {"flat": options}}))
    given = ("plan", "flat", "--config", str(config), "--removals", "3", *QUICK)
    assert "7 ways keep as many, and kl decides between them: 9.37 … 56.23 % of\n" in printed(
        capsys, *given
    )
    record = json.loads(printed(capsys, *given, "--format", "json"))
    assert len(record["points"]) == len(record["recommended"]) == 7
    assert all(point["recommended"] for point in record["points"])


def test_the_plan_keeps_what_the_configuration_keeps(capsys, tmp_path):
    config = tmp_path / "mine.yaml"
    limits = {"min_blocks_per_stage": 2, "protect": ["stage1.block2"]}
    config.write_text(json.dumps({"architectures": ["resnet20"]} | limits))
    given = ("plan", "resnet20", "--config", str(config), "--removals", "2", *QUICK)

    def ways(*more):
        record = json.loads(printed(capsys, *given, "--format", "json", *more))
        return [tuple(point["by_stage"].values()) for point in record["points"]]

    assert set(ways()) == {(1, 1, 0), (1, 0, 1), (0, 1, 1)}
    assert (2, 0, 0) in ways("--min-blocks-per-stage", "1", "--protect")
    config.write_text("min_blocks_per_stage: -1\n")
    assert main(given) == 2
    assert "min_blocks_per_stage: -1 should be at least 1" in capsys.readouterr().err


def test_a_network_of_the_configuration_is_known_by_its_name(capsys, tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text("architectures: {narrow: {depth: 14, widths: [4, 4, 8]}}\n")
    options = ["--config", str(config), "--format", "json", *QUICK]
    record = json.loads(printed(capsys, "blocks", "narrow", *options))
    assert len(record["blocks"]) == 6 and record["blocks"][0]["parameters"] == 2 * (9 * 16 + 8)


HALVES = """
from torch import nn

class Half(nn.Module):
    def __init__(self, *branch):
        super().__init__()
        self.branch = nn.Sequential(*branch)

    def forward(self, x):
        return x + self.branch(x)

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = Half(nn.LayerNorm(8), nn.Linear(8, 8)), Half(nn.Linear(8, 8))

    def forward(self, x):
        return self.second(self.first(x))

def build(num_classes, input_shape):
    blocks = [Block(), Block()]
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 8), *blocks, nn.Linear(8, num_classes))
"""


def test_halves_of_blocks_are_listed_when_asked_for(capsys, tmp_path, monkeypatch):
    (tmp_path / "networks_of_halves.py").write_text(HALVES)
    config = tmp_path / "mine.yaml"
    config.write_text("architectures: {mine: {build: 'networks_of_halves:build'}}\n")
    monkeypatch.syspath_prepend(tmp_path)
    options = ["--config", str(config), "--input-shape", "3", "4", "4", "--format", "json", *QUICK]
    found = {
        size: json.loads(printed(capsys, "blocks", "mine", "--granularity", size, *options))
        for size in ("block", "sublayer")
    }
    names = {size: [block["name"] for block in one["blocks"]] for size, one in found.items()}
    assert names["block"] == ["2", "3"]
    assert names["sublayer"] == ["2.first", "2.second", "3.first", "3.second"]
    assert main(["blocks", "mine", "--granularity", "half", *options]) == 2
    assert "granularity: should be one of block, sublayer" in capsys.readouterr().err


@pytest.fixture
def slow_head(monkeypatch):
    """Times as a clock would give them: 1 s a block, 4 s all around the blocks."""
    from layer_pruning.evaluation import savings

    def seconds(runs, *, repeats, seed):
        assert "(around the blocks)" in runs
        return {name: [4.0 if name[0] == "(" else 1.0] * repeats for name in runs}

    monkeypatch.setattr(savings, "interleaved_seconds", seconds)


def test_a_share_of_the_time_is_one_of_the_sum_of_the_parts(capsys, slow_head):
    record = json.loads(printed(capsys, "blocks", "resnet20", "--format", "json", *QUICK))
    assert record["latency_seconds"] == 9 + 4
    assert record["repeats"] == 1 and set(record["load"]) >= {"cores", "other_cores_during"}
    plan = ("plan", "resnet20", "--removals", "6", *QUICK)
    (point,) = json.loads(printed(capsys, *plan, "--format", "json"))["points"]
    assert point["latency_saved_percent"] == pytest.approx(100 * 6 / 13)
    text = printed(capsys, *plan)
    assert "46.15" in text and "one round" in text and "other processes used" in text


def test_no_block_takes_more_than_the_whole_in_one_round(capsys):
    record = json.loads(printed(capsys, "blocks", "resnet8", "--format", "json", *QUICK))
    assert sum(b["latency_seconds"] for b in record["blocks"]) < record["latency_seconds"]


def test_a_configuration_brings_the_shape_of_its_images(capsys, tmp_path):
    config = tmp_path / "mine.yaml"
    options = ["--config", str(config), "--format", "json", *QUICK]
    given = {"architectures": {"narrow": {"depth": 14, "widths": [4, 4, 8]}}}

    def shape(*more, **datasets):
        config.write_text(json.dumps(given | datasets))
        return json.loads(printed(capsys, "blocks", "narrow", *options, *more))["input_shape"]

    assert shape(datasets=["fashion_mnist"]) == [1, 28, 28]
    assert shape(datasets={"mine": {"kind": "cifar10"}, "digits": {}}) == [3, 32, 32]
    # the default of the workflow
    assert shape() == [1, 8, 8]
    assert shape("--input-shape", "3", "16", "16", datasets=["digits"]) == [3, 16, 16]
    for colour in ("red", "blue"):
        (tmp_path / "photos" / colour).mkdir(parents=True)
        Image.new("RGB", (12, 10), colour).save(tmp_path / "photos" / colour / "a.png")
    folder = {"kind": "image_folder", "path": str(tmp_path / "photos")}
    assert shape(datasets={"photos": folder}) == [3, 10, 12]


def test_show_tells_the_history_in_order(capsys, tmp_path):
    path = tmp_path / "network.safetensors"
    save_network(random_network("resnet20"), path)
    for block in ("stage3.block2", "stage1.block1"):
        write_network(path, *without_block(*read_network(path), block))
    assert "stage3.block2 → stage1.block1" in printed(capsys, "show", str(path))
    record = json.loads(printed(capsys, "show", str(path), "--format", "json"))
    assert record["removed_blocks"] == ["stage3.block2", "stage1.block1"]
    assert len(record["blocks"]) == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["blocks", "resnet21"], "depth: 21"),
        (["plan", "resnet20", "--macs-reduction", "90"], "cannot be reached: 69.82 % is the most"),
        (["plan", "resnet20", "--removals", "7"], "--removals: 7 is not in 0 … 6"),
        (["plan", "resnet20", "--removals", "1", "--protect", "x"], "'x' is no block"),
        (["plan", "resnet8", "--removals", "1"], "resnet8 has no block that could go"),
        (["show", "missing.safetensors"], "missing.safetensors: there is no such network file"),
        (["blocks", "resnet20", "--config", "missing.yaml"], "missing.yaml"),
        (
            ["blocks", "resnet20", "--config", "list.yaml"],
            "list.yaml: should be 'key: value' pairs",
        ),
        (["blocks", "resnet20", "--config", "wrong.yaml"], "wrong.yaml: datasets: 5 should be"),
        (["plan", "resnet20", "--removals", "1", "--config", "wrong.yaml"], "wrong.yaml: datasets"),
        (["blocks", "resnet20", "--device", "foo"], "device: 'foo' should match"),
        (["blocks", "resnet20", "--threads", "0"], "--threads: 0: a whole number of 1 or more"),
        (["blocks", "resnet20", "--classes", "-3"], "--classes: -3: a whole number of 1 or more"),
        (["blocks", "resnet20", "--input-shape", "0", "8", "8"], "--input-shape: 0: a whole"),
        (["plan", "resnet20", "--macs-reduction", "nan"], "nan: a number between 0 and 100"),
        (["plan", "resnet20", "--macs-reduction", "-5"], "-5: a number between 0 and 100"),
    ],
)
def test_what_is_wrong_is_one_line(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.yaml").write_text("[resnet20]\n")
    (tmp_path / "wrong.yaml").write_text("datasets: 5\n")
    quick = QUICK if arguments[0] != "show" else []
    assert main([*arguments, *quick]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_what_is_printed_fits_eighty_columns_and_holds_no_python(capsys, tmp_path):
    path = tmp_path / "network.safetensors"
    save_network(random_network("resnet56"), path)
    plan = printed(capsys, "plan", "resnet56", "--macs-reduction", "60", *QUICK)
    show = printed(capsys, "show", str(path))
    for text in (plan, show, printed(capsys, "blocks", "resnet20", *QUICK)):
        assert max(map(len, text.splitlines())) <= 80, text
    assert "{" not in show and "depth 56" in show
    # everything is still there
    assert all(f"stage3.block{n}" in show for n in range(1, 10))


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_can_complete_every_command(capsys, shell):
    script = printed(capsys, "completion", shell)
    for name in ("blocks", "plan", "check", "show", "export", "--no-estimate"):
        assert name in script


def test_an_estimate_has_every_stage_and_what_would_make_it_cheaper(capsys, tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text(
        "architectures: {tiny: {depth: 14, widths: [4, 4, 6]}}\nremovals: 2\nseeds: [0]\n"
        "criteria: {votes: [cka, disagreement], random: [random]}\nattacks: {fgsm: {}}\n"
        "energy: {carbon_intensity_g_per_kwh: 475}\nexport: {networks: none}\ndevice: cpu\n"
    )
    asked = ["check", str(config), "--cores", "2", "--cluster", "4", "--format", "json"]
    estimate = json.loads(printed(capsys, *asked))["estimate"]
    jobs = {stage["stage"]: stage["jobs"] for stage in estimate["stages"]}
    assert (jobs["training"], jobs["fine-tuning"], jobs["activations"]) == (1, 4, 3)
    assert (jobs["accuracy"], jobs["attack fgsm"], jobs["energy and latency"]) == (5, 3, 2 * 2)
    assert "export" not in jobs and estimate["jobs_at_a_time"] == 2
    total = sum(stage["seconds"] for stage in estimate["stages"])
    assert estimate["seconds"] == pytest.approx(total) and estimate["disk_bytes"] > 1e5
    assert len(estimate["cheaper"]) == 3 and all(one["keys"] for one in estimate["cheaper"])
    # the graph of a cluster's jobs has as many of each kind
    of_tables = ("scores and ranks", "bootstrap of the votes", "report")
    on_cards = sum(count for stage, count in jobs.items() if stage not in of_tables)
    assert estimate["cluster"]["gpu_jobs"] == on_cards
    assert [one["gpus"] for one in estimate["cluster"]["makespans"]] == [1, 4, 8, 64, 512]
    # ten rounds of twenty seconds in all: two networks, five windows of each and of its baseline
    measuring = next(s for s in estimate["stages"] if s["stage"] == "energy and latency")
    assert measuring["seconds"] >= 2 * 10 * 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cluster", "0"], "--cluster: 0 is none; a number of GPUs alone would be right"),
        (["--cluster", "4", "--no-estimate"], "--cluster: --no-estimate tries nothing"),
    ],
)
def test_a_cluster_without_gpus_or_times_is_refused_at_once(capsys, arguments, message):
    assert main(["check", "any.yaml", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_reader_that_ends_early_prints_no_error():
    program = [
        sys.executable,
        "-c",
        "import sys; from layer_pruning.cli import main; sys.exit(main())",
    ]
    arguments = ["blocks", "resnet110", "--format", "json", *QUICK]
    with subprocess.Popen(
        [*program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        run.stdout.close()
        assert run.stderr.read() == ""
        assert run.wait() == 0


def test_terminal_escapes_of_a_file_are_written_out(capsys, tmp_path):
    network = random_network("resnet8")
    names = ("\x1b[31mred", "\x9b2J", "plain", *"abcdefg")
    network.header = dataclasses.replace(network.header, class_names=names)
    save_network(network, tmp_path / "n.safetensors")
    text = printed(capsys, "show", str(tmp_path / "n.safetensors"))
    assert r"\x1b[31mred, \x9b2J, plain" in text
    assert all(character.isprintable() or character == "\n" for character in text)
    assert main(["show", "\x1b]0;title\x07.safetensors"]) == 2
    assert r"\x1b]0;title\x07" in capsys.readouterr().err


def test_check_counts_every_training(capsys, tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text(
        "criteria: [consensus, scratch, continued]\nblocks_per_step: 3\nreport_at: [2, 5]\n"
        "finetuning: {final: {epochs: 3}}\nenergy: {carbon_intensity_g_per_kwh: 475}\n"
    )
    text = printed(capsys, "check", str(config), "--no-estimate")
    # three seeds; two steps to five removals, and one to two
    assert (
        "  trainings     3 of 15 epochs\n"
        "                3 of 22 epochs from new weights\n"
        "                3 of 7 epochs more, of the baseline as it is\n"
        "  fine-tunings  9 of 2 epochs\n"
        "                5 removals for each criterion, with each seed\n"
        "  last phases   6 of 3 epochs\n"
    ) in text
    assert "  criterion     scratch: what consensus leaves, from new weights\n" in text
    assert "  criterion     continued: the baseline, trained on for as long as consensus\n" in text


def test_check_says_how_far_each_criterion_goes(capsys, tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text(
        "architectures: [resnet20]\nseeds: [0]\nreport_at: [2]\n"
        "criteria: {late: {blocks: [stage3.block2]}, votes: [cka, kl],"
        " pair: {blocks: [stage1.block2, stage3.block2]},"
        " grown: {metrics: [kl], search: beam}}\n"
        "energy: {carbon_intensity_g_per_kwh: 475}\n"
    )
    text = printed(capsys, "check", str(config), "--no-estimate")
    # one of late, five of votes and two of pair; the search says for itself that it ends at two
    assert (
        "  fine-tunings  8 of 2 epochs\n"
        "                1 removal of late, with each seed\n"
        "                5 removals of votes, with each seed\n"
        "                2 removals of pair, with each seed\n"
        "                and 1 of what searches found\n"
    ) in text
    assert "removal 2 is trained" in text
    assert "resnet20: 9 blocks, of which 7 can go, 6 of them at most\n" in text
    record = json.loads(printed(capsys, "check", str(config), "--no-estimate", "--format", "json"))
    assert record["removals"] == {"late": [1], "pair": [2], "votes": [5], "grown": [2]}


def test_check_says_what_limits_leave_to_remove(capsys, tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text(
        "architectures: [resnet20]\nremovals: 4\nmin_blocks_per_stage: 2\ncriteria: [cka]\n"
        "protect: [stage1.block1]\nenergy: {carbon_intensity_g_per_kwh: 475}\n"
    )
    assert main(["check", str(config), "--no-estimate"]) == 2
    assert "removals: 4 is more than the 3 that resnet20 has" in capsys.readouterr().err
    config.write_text(config.read_text().replace("removals: 4", "removals: 3"))
    text = printed(capsys, "check", str(config), "--no-estimate")
    assert "resnet20: 9 blocks, of which 6 can go, 3 of them at most\n" in text


def test_check_says_everything_that_is_wrong_at_once(capsys, tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text("removals: zero\nseeds: []\nattaks: {}\n")
    assert main(["check", str(config)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3 and all(line.startswith("layer-pruning: ") for line in lines)
    for key in ("removals", "seeds", "attaks"):
        assert sum(key in line for line in lines) >= 1
    # what the schema cannot say, too
    config.write_text(
        "criteria: {mine: [ckaa]}\nattacks: {mine: {attack: fgsm, norm: L2}}\nremovals: 2\n"
        "energy: {country_iso_code: XXX}\n"
    )
    assert main(["check", str(config)]) == 2
    assert len(capsys.readouterr().err.splitlines()) >= 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("split: {validation_fraction: 0.5, test_fraction: 0.5}", "split: validation_fraction and"),
        ("attacked_images: {count: 10000}", "attacked_images.count: 10000 is more than the"),
        ("attacked_images: {count: 10000}\nattacks: {}", "attacked_images.count: 10000 is more"),
        ("corruptions: {count: 10000}", "corruptions.count: 10000 is more than the"),
        ("split: {validation_fraction: 0.001}", "split: a class of digits would have no valid"),
    ],
)
def test_check_says_nothing_that_follows_from_what_it_has_said(capsys, tmp_path, given, says):
    config = tmp_path / "mine.yaml"
    config.write_text(f"{given}\nenergy: {{carbon_intensity_g_per_kwh: 475}}\n")
    assert main(["check", str(config)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"layer-pruning: {says}")


def raising(error, monkeypatch):
    def printed(given):
        raise error

    monkeypatch.setattr("layer_pruning.cli.show.printed", printed)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "not enough memory (): a smaller batch"),
        (RuntimeError("Storage size calculation overflowed with sizes=[9]"), "not enough memory"),
        (ModuleNotFoundError("No module named 'shtab'"), "'shtab': pip install layer-pruning"),
        (OSError(17, "File exists", "c.yaml"), "c.yaml: File exists: it stays as it is; another"),
        (OSError(28, "No space left on device", "c.yaml"), "c.yaml: No space left on device: /"),
    ],
)
def test_what_no_defect_is_behind_is_one_line(capsys, monkeypatch, error, says):
    raising(error, monkeypatch)
    assert main(["show", "c.safetensors"]) == 2
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1 and "Errno" not in said


def test_a_batch_that_no_memory_holds_is_one_line(capsys):
    assert main(["blocks", "resnet8", "--batch-size", "2147483647", *QUICK]) == 2
    said = capsys.readouterr().err
    assert "not enough memory" in said and "--batch-size" in said and said.count("\n") == 1


def test_a_shell_without_the_package_of_completion_is_told_so(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_ctrl_c_is_one_line_and_the_status_of_a_signal(capsys, monkeypatch):
    raising(KeyboardInterrupt(), monkeypatch)
    assert main(["show", "c.safetensors"]) == 130
    assert capsys.readouterr().err == "\nlayer-pruning: interrupted\n"


def test_a_defect_keeps_its_traceback(monkeypatch):
    raising(RuntimeError("shapes differ"), monkeypatch)
    with pytest.raises(RuntimeError, match="shapes differ"):
        main(["show", "c.safetensors"])


def test_nobody_is_told_to_delete_a_file_of_their_own(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("c.yaml", "results/digits/network.safetensors"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("removals: 2\n")
        assert main(["show", name]) == 2
        said = capsys.readouterr().err
        assert ("delete it and run the workflow again" in said) == name.startswith("results/")
        assert ("a .safetensors file as the workflow wrote it" in said) == (name == "c.yaml")
        assert path.read_text() == "removals: 2\n"


@pytest.mark.parametrize("command", [("blocks", "resnet8"), ("export", "x.safetensors", "x")])
@pytest.mark.parametrize("number", ["1025", "99999999999"])
def test_threads_that_cannot_be_started_are_refused(capsys, command, number):
    assert main([*command, "--threads", number]) == 2
    said = capsys.readouterr().err
    assert f"{number}: a whole number up to 1024 would be right" in said and said.count("\n") == 1


def test_a_number_that_no_library_takes_is_refused(capsys):
    assert main(["blocks", "resnet8", "--input-shape", "3", "8", "9" * 30]) == 2
    assert "up to 2147483647 would be right" in capsys.readouterr().err


@pytest.mark.parametrize("beside", ["the configuration", "where it was started"])
@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("datasets: {mine: {kind: image_folder, path: birds}}", "birds"),
        ("datasets: {digits: {corrupted: birds}}", "birds"),
        ("datasets: {digits: {shifted: [new.npz]}}", "new.npz"),
        ("architectures: {resnet20: {weights: w.safetensors}}", "w.safetensors"),
    ],
)
def test_a_path_that_lies_elsewhere_is_told_from_where_it_counts(
    capsys, tmp_path, monkeypatch, key, name, beside
):
    """As with ``--directory``, where Snakemake works in another folder than it was started in."""
    first, work, third = (tmp_path / folder for folder in ("first", "work", "third"))
    for folder in (first, work, third):
        folder.mkdir()
    (first / name).mkdir()
    configuration = (first if beside == "the configuration" else third) / "mine.yaml"
    configuration.write_text(key)
    monkeypatch.chdir(work)
    monkeypatch.setenv("PWD", str(third if beside == "the configuration" else first))
    assert main(["check", str(configuration), "--no-estimate"]) == 2
    said = capsys.readouterr().err
    assert f"relative paths count from {work}, and {first / name} would be right" in said
    (first / name).rmdir()
    assert main(["check", str(configuration), "--no-estimate"]) == 2
    assert "relative paths count" not in capsys.readouterr().err

import json

from html_reader import Page
from planted_results import BLOCKS, Planted

from layer_pruning.report.pages.provenance import networks_made, provenance_page

HERE = {"processor": "of the report", "versions": {"python": "3.12.0", "torch": "9.9"}}
CARD = {
    "processor": "EPYC 9000",
    "cores": 64,
    "usable_cores": 8,
    "memory_bytes": 3 * 2**30,
    "gpu": "H100",
    "system": "Linux 6",
    "versions": {"python": "3.11.1", "torch": "2.5"},
}


def with_machine(path, machine):
    path.write_text(json.dumps(json.loads(path.read_text()) | {"machine": machine}))
    return path


def page_of(planted: Planted) -> Page:
    emissions = []
    for seed in range(2):
        base = planted.network(seed) / "emissions.json"
        pruned = planted.network(seed, "cka", BLOCKS[:1]) / "emissions.json"
        emissions += [with_machine(base, CARD), with_machine(pruned, CARD)]
    older = planted.network(0, "cka", BLOCKS[:2]) / "emissions.json"
    older.write_text(json.dumps(json.loads(older.read_text()) | {"cpu_model": "an old one"}))
    latency = planted.latency(planted.folder(0, "cka", 1), 1.2, 1.1)
    other = CARD | {"gpu": None, "usable_cores": 64, "versions": {"torch": "2.6"}}
    return Page(
        provenance_page(
            [*emissions, older], [with_machine(latency, other)], "seeds: [0, 1] # <b>\n", HERE
        )
    )


def rows_of(page: Page, heading: str) -> list[dict[str, str]]:
    """The rows of the table whose first heading is this."""
    start = next(place for place, row in enumerate(page.rows) if row[0] == heading)
    heads = page.rows[start]
    rows = []
    for row in page.rows[start + 1 :]:
        if row[0] in ("jobs", "package"):
            break
        rows.append(dict(zip(heads, row, strict=True)))
    return rows


def test_machines_are_those_of_the_jobs_and_not_of_the_report(planted):
    page = page_of(planted)
    first, old, timed = rows_of(page, "jobs")
    assert first["jobs"] == "training of baselines: 2, training of networks beside them: 2"
    assert (first["processor"], first["GPU"], first["memory"]) == ("EPYC 9000", "H100", "3.0 GiB")
    assert first["cores"] == "64, of which 8 usable"
    assert (old["processor"], old["cores"], old["GPU"]) == (
        *("an old one", "not recorded", "not recorded"),
    )
    assert (timed["jobs"], timed["GPU"], timed["cores"]) == (
        *("time and energy: 1", "none used", "64"),
    )
    assert "of the report" not in page.text


def test_versions_stand_side_by_side(planted):
    torch = next(row for row in rows_of(page_of(planted), "package") if row["package"] == "torch")
    assert torch == {
        "package": "torch",
        "training of baselines": "2.5",
        "training of networks beside them": "2.5",
        "time and energy": "2.6",
        "this report": "9.9",
    }


def test_seeds_folders_and_the_configuration_are_there_as_given(planted):
    page = page_of(planted)
    base, cka = rows_of(page, "dataset")
    assert (base["seeds"], base["networks"]) == ("0, 1", "2")
    assert cka["folders"] == "results/toy/resnet8/seed-{0,1}/cka/removed-{01,02}"
    assert "seeds: [0, 1] # <b>" in page.text
    assert page.loaded == []


def test_folders_are_written_as_a_shell_expands_them(planted):
    def folders(removed):
        written = [planted.network(0, "cka", BLOCKS[:n]) / "emissions.json" for n in removed]
        return networks_made(written).iloc[0]["folders"].split("cka/")[1]

    assert folders([2]) == "removed-02"
    assert folders([1, 2]) == "removed-{01,02}"
    assert folders([1, 2, 3, 4, 5]) == "removed-{01..05}"
    assert folders([1, 2, 3, 5]) == "removed-{01,02,03,05}"
    beside = planted.root / "results/toy/resnet8/seed-0/continued/beside-05/emissions.json"
    assert networks_made([beside]).iloc[0]["folders"].endswith("/continued/beside-05")

from html_reader import Page
from planted_results import BLOCKS, after_one_removal

from layer_pruning.report.columns import source_of
from layer_pruning.report.pages.sources import columns_by_file, folder_of, titles_of_one
from layer_pruning.report.pages.table_pages import summary_page

TESTS = {"baseline": [0.8, 0.8], "cka": [0.79, 0.80]}


def test_the_folder_of_every_row_is_where_its_numbers_are(planted):
    summary = after_one_removal(planted, TESTS)
    for _, row in summary.iterrows():
        assert (planted.root / folder_of(dict(row)) / "accuracy.json").is_file()


def test_the_table_of_all_networks_says_where_each_number_is_from(planted):
    attacks = [planted.attack(planted.folder(0), {0.1: [1, 0]})]
    planted.network(0, "cka", BLOCKS[:1])
    page = Page(summary_page(after_one_removal(planted, TESTS, attacks=attacks)))
    assert page.rows[0][-1] == "folder"
    assert page.rows[2][-1] == "results/toy/resnet8/seed-0/cka/removed-01"
    assert page.titles["accuracy test"] == "from accuracy.json"
    assert page.titles["robust accuracy fgsm linf 0.1"] == "from attacks/{attack}.json"
    assert (
        page.titles["fine-tuning energy (kWh)"] == "from emissions.json of the networks on the way"
    )
    assert set(page.titles) == set(page.rows[0]), "every heading names its source"
    # the same for whoever has no pointer to rest on a heading
    assert "speed-up over MACs ratio" in page.answers["latency.json"]


def test_a_table_of_one_file_has_that_file_in_every_heading_but_the_folder_s():
    named = titles_of_one(["seed", "accuracy", "p_value"], "corruptions.json")
    assert named == {
        "seed": "from the folder's name",
        "accuracy": "from corruptions.json",
        "p_value": "from corruptions.json",
    }


def test_a_column_of_nobody_has_no_source():
    assert source_of("invented") == ""
    assert columns_by_file(["invented", "macs"]) == {"complexity.json": ["MACs"]}

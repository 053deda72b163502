"""What a browser makes of the report: Chromium, driven by Playwright, without a network."""

import csv
import io
import shutil

import pytest
from planted_report import FIRST_SCREEN, report_of
from vl_convert import javascript_bundle

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]
DESK, PHONE = (1440, 900), (390, 844)
"""Pixels of the screens: width and height."""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Addresses of two reports: of two criteria, and of three and many removals."""
    library = javascript_bundle("window.vegaEmbed = vegaEmbed")
    addresses = {}
    for steps, criteria in {
        2: ("cka", "random"),
        20: ("cka", "consensus_by_family", "random"),
    }.items():
        folder = tmp_path_factory.mktemp("report")
        text, *_ = report_of(folder, steps, criteria, library=library)
        (folder / "report.html").write_text(text)
        addresses[steps] = (folder / "report.html").as_uri()
    return addresses


@pytest.fixture
def opened(browser, reports):
    """A function that opens a report on a screen; nothing may be fetched, and no script fail."""
    contexts, wrong = [], []

    def open_on(screen, scheme="light", scripts=True, steps=2):
        width, height = screen
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            java_script_enabled=scripts,
            offline=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda asked: wrong.append(asked.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.goto(reports[steps])
        if scripts:
            page.wait_for_selector(".chart svg")
        return page

    yield open_on
    for context in contexts:
        context.close()
    own = (*reports.values(), "data:")
    assert [what for what in wrong if not what.startswith(own)] == []


@pytest.mark.parametrize("steps", [2, 20])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_the_answers_are_on_the_first_screen(opened, screen, scheme, steps):
    page, (width, height) = opened(screen, scheme, steps=steps), screen
    for name in FIRST_SCREEN:
        box = page.locator(f'[data-answer="{name}"]').bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, name
        assert box["y"] >= 0 and box["y"] + box["height"] <= height, name
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if screen == DESK:
        assert page.locator(".chart").first.bounding_box()["y"] < 200
    ground, ink = (
        page.evaluate(f"getComputedStyle(document.body).{name}")
        for name in ("backgroundColor", "color")
    )
    assert (lightness(ground) > lightness(ink)) == (scheme == "light")


def lightness(colour):
    """The mean of the channels of a colour such as ``rgb(1, 2, 3)``."""
    channels = colour.partition("(")[2].rstrip(")").split(",")[:3]
    return sum(map(float, channels)) / 3


def test_a_chart_stays_inside_its_frame(opened):
    for screen in (DESK, PHONE):
        page = opened(screen)
        for chart in page.locator(".chart").all():
            frame, drawn = chart.bounding_box(), chart.locator("svg").bounding_box()
            assert drawn["x"] >= frame["x"]
            # a chart has whole pixels, a frame parts of them
            assert drawn["x"] + drawn["width"] <= frame["x"] + frame["width"] + 1


def marks(page):
    """The points of the first chart."""
    return page.locator(".chart").first.locator(".mark-symbol.role-mark path")


def seen(page):
    """How many points of the first chart are not faded, by what the legend's colour says."""
    faded = page.evaluate(
        "paths => paths.filter(path => path.getAttribute('opacity') > 0.5).length",
        [path.element_handle() for path in marks(page).all()],
    )
    return int(faded)


def click_in_legend(page, text):
    """Click where a legend has a text; a sheet over all of the chart takes the click."""
    legend = page.locator(".chart").first.locator(".role-legend-label text")
    box = legend.get_by_text(text, exact=True).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_a_chart_says_what_a_mark_is_and_switches_criteria_and_seeds(opened):
    page = opened(DESK)
    assert page.locator("figure img").first.is_hidden(), "the chart takes the picture's place"
    assert marks(page).count() > 10
    marks(page).last.hover()
    told = page.locator("#vg-tooltip-element")
    told.wait_for(state="visible")
    for word in ("network", "seed", "blocks removed", "Test accuracy (%)", "95 % from", "to"):
        assert word in told.inner_text()
    every = seen(page)
    assert every == marks(page).count()
    click_in_legend(page, "random")
    page.wait_for_function("document.querySelectorAll('.chart path[opacity=\"0.04\"]').length > 0")
    alone = seen(page)
    assert 0 < alone < every
    click_in_legend(page, "2")
    page.wait_for_timeout(500)
    assert 0 < seen(page) < alone


def test_a_wide_table_has_a_filter_a_chooser_of_columns_and_csv(opened):
    page = opened(DESK, steps=20)
    page.get_by_text("All networks", exact=True).last.click()
    tools = page.locator(".tools").last
    table = page.locator("table").last
    rows = table.locator("tbody tr:visible")
    heads = [head.strip() for head in table.locator("thead th:visible").all_inner_texts()]
    total, columns = rows.count(), len(heads)
    assert any("accuracy" in head for head in heads) and "removed blocks" not in heads

    tools.locator("input[type=search]").fill("random")
    assert 0 < rows.count() < total
    assert all("random" in row for row in rows.all_inner_texts())

    tools.get_by_text("columns").click()
    chosen = tools.locator("label").filter(has_text="seed").first
    chosen.click()
    assert table.locator("thead th:visible").count() == columns - 1

    with page.expect_download() as download:
        tools.get_by_role("button", name="CSV").click()
    text = download.value.path().read_text()
    head, *body = list(csv.reader(io.StringIO(text)))
    assert len(head) == columns - 1 and "seed" not in head
    assert len(body) == rows.count(), "as many rows as are shown"
    assert all(len(row) == len(head) for row in body)


def test_without_scripts_the_pictures_and_the_answers_are_there(opened):
    page = opened(DESK, scripts=False)
    assert page.locator("figure img").first.is_visible()
    for name in FIRST_SCREEN:
        assert page.locator(f'[data-answer="{name}"] b').is_visible()

"""Pages of HTML that need nothing but a browser, from the templates beside this module.

Snakemake's report shows HTML but offers a CSV only as a download. A page holds its own few lines
of style and script and loads nothing from elsewhere. Templates have the words, and the filters of
:mod:`.wording` to write numbers with; what is no :class:`~markupsafe.Markup` is text, and escaped.
"""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from layer_pruning.report import wording
from layer_pruning.report.columns import written
from layer_pruning.runtime.atomic import written_whole

FILTERS = (
    *(wording.basis_text, wording.capital, wording.count_text, wording.energy_text),
    *(wording.epsilon_labels, wording.interval_text, wording.joules_text, wording.mass_text),
    *(wording.percent, wording.plural, wording.points, wording.range_text, wording.signed),
    wording.tenths,
)
"""How templates write numbers, each by its name."""


@cache
def template(name: str) -> Template:
    """One of ``templates/``; it escapes what it is given, and raises for what it is not given."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("layer_pruning.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {write.__name__: write for write in FILTERS}
    environment.filters["written"] = lambda value, column: written(column, value)
    return environment


def rendered(name: str, **facts: Any) -> Markup:
    """The HTML that a template makes of facts."""
    return Markup(template(name).render(facts))


def write_html(html: str, path: str | Path) -> None:
    """Write a page whole."""
    with written_whole(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def body_of(html: str) -> Markup:
    """What a page has in its body, without its heading and script; it was made of ``page.html``."""
    return Markup(html.partition("</h1>")[2].rpartition("<script>")[0])

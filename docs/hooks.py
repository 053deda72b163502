"""What the site takes from elsewhere rather than repeating it. Run by MkDocs, see ``mkdocs.yml``.

- Pages that are files of the repository: the manual of the configuration, with the table of keys
  that ``layer_pruning.configuration.manual`` writes from the schema, and more (``PAGES``).
- Parts that are written from the package: ``<!-- generated: NAME -->`` in a page (``PARTS``).
- Links between files of the repository, which hold there, become links between pages.
"""

import argparse
import math
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from layer_pruning import cli
from layer_pruning.attacks.catalog import ATTACKS, get_attack
from layer_pruning.consensus.catalog import DESCRIPTIONS
from layer_pruning.scoring.catalog import CONTROLS, FUNCTIONAL_METRICS, SAVINGS, WEIGHT_METRICS
from layer_pruning.similarity.catalog import CATALOG

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "reference/configuration.md": "config/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
"""Pages of the site that are files elsewhere in the repository."""

MEASUREMENTS = "Measurements"
FENCE = re.compile(r"^( *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(?=[)#])")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the pages directly in docs/ that no other entry names under Measurements."""
    assert config.nav is not None
    named = str(config.nav)
    pages = sorted(path.name for path in Path(config.docs_dir).glob("*.md"))
    for entry in config.nav:
        if isinstance(entry, dict) and MEASUREMENTS in entry:
            entry[MEASUREMENTS] = [page for page in pages if f"'{page}'" not in named]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are files elsewhere."""
    for page, source in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in the generated parts, and turn links between files into links between pages."""
    for name, part in PARTS.items():
        marker = f"<!-- generated: {name} -->"
        if marker in markdown:
            markdown = markdown.replace(marker, part())
    uri = page.file.src_uri
    pieces = FENCE.split(markdown)
    # every second piece is a block of code
    pieces[::2] = [LINK.sub(lambda link: page_link(uri, link[1]), text) for text in pieces[::2]]
    return "".join(pieces)


def page_link(uri: str, target: str) -> str:
    """The link from page ``uri`` to the page that is made from a file; as it is if there is none.

    ``target`` is relative to the file that page ``uri`` is made from.
    """
    folder = posixpath.dirname(PAGES.get(uri, f"docs/{uri}"))
    path = posixpath.normpath(posixpath.join(folder, target))
    pages = {source: page for page, source in PAGES.items()} | {"README.md": "index.md"}
    made = pages.get(path, path.removeprefix("docs/") if path.startswith("docs/") else None)
    return target if made is None else posixpath.relpath(made, posixpath.dirname(uri) or ".")


def metrics_table() -> str:
    """Every similarity metric: what it is, its range, what it needs, and its source."""
    lines = ["| metric | what it is | range | images | source |", "|---|---|---|---|---|"]
    for name, metric in CATALOG.items():
        largest = {math.inf: "∞", math.pi / 2: "π/2", math.pi: "π"}.get(
            metric.upper_bound, f"{metric.upper_bound:g}"
        )
        beyond = metric.images_beyond_features
        needs = f"{metric.images}" if beyond is None else f"features + {beyond}"
        if metric.minimum_images_per_class > 1:
            needs += f", {metric.minimum_images_per_class} of each class"
        description = metric.description
        lines.append(f"| `{name}` | {description} | 0 … {largest} | {needs} | {metric.source} |")
    return "\n".join(lines)


def described(entries: dict[str, str]) -> str:
    """A table of names and what they are."""
    lines = ["| name | what it is |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {text} |" for name, text in entries.items())])


def command_line() -> str:
    """Every command with the help that it prints."""

    def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
        top = cli.parser()
        yield top.prog, top
        for action in top._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield from ((f"{top.prog} {name}", each) for name, each in action.choices.items())

    parts = []
    for name, parser in parsers():
        # as wide on every machine
        parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=88)
        parts.append(f"## {name}\n\n```text\n{parser.format_help().strip()}\n```")
    return "\n\n".join(parts)


PARTS = {
    "similarity metrics": metrics_table,
    "functional metrics": lambda: described(FUNCTIONAL_METRICS),
    "weight metrics": lambda: described(WEIGHT_METRICS),
    "savings": lambda: described(SAVINGS),
    "controls": lambda: described(CONTROLS),
    "aggregations": lambda: described(DESCRIPTIONS),
    "attacks": lambda: described({name: get_attack(name).description for name in ATTACKS}),
    "command line": command_line,
}

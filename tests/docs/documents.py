"""The Markdown files of the project, their blocks of code and their links."""

import re
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]

FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language and its text."""

    file: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@cache
def blocks() -> list[Block]:
    """Every fenced block of every file."""
    found = []
    for path in FILES:
        content = path.read_text(encoding="utf-8")
        for match in FENCE.finditer(content):
            found.append(
                Block(
                    str(path.relative_to(ROOT)),
                    content[: match.start()].count("\n") + 1,
                    match[2],
                    textwrap.dedent(match[3]),
                )
            )
    return found


def of_language(*languages: str) -> list[Block]:
    """The blocks in these languages."""
    return [block for block in blocks() if block.language in languages]


def write_files(file: str, folder: Path) -> None:
    """Write the files that a page shows: blocks whose first line is the name of one."""
    for block in of_language("python", "yaml"):
        name = re.match(r"# ([\w.]+\.(?:py|yaml))\n", block.text)
        if block.file == file and name:
            (folder / name[1]).write_text(block.text)


def prose(path: Path) -> str:
    """A file without its blocks of code."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The anchors of a file's headings, as GitHub and MkDocs both make them."""
    names = HEADING.findall(prose(path))
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", n.lower())).strip("-") for n in names}

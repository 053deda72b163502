"""What a reader sees of a page of HTML."""

import re
from html.parser import HTMLParser


class Page(HTMLParser):
    """The text of a page, the rows of its tables, its answers, and what it would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.keys: list[list[str | None]] = []
        self.titles: dict[str, str] = {}
        self.loaded: list[str] = []
        self.words: list[str] = []
        self._list: list[list[str]] = []
        self._title = self._cell = self._term = None
        self.feed(html)
        self.text = re.sub(r"\s+", " ", "".join(self.words))
        told = [re.sub(r"\s+", " ", "".join(words)).strip() for words in self._list]
        self.answers = dict(zip(told[::2], told[1::2], strict=False))

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.loaded += [named[key] for key in ("src", "href") if named.get(key)]
        if tag in ("link", "iframe", "img"):
            self.loaded.append(tag)
        if tag == "tr":
            self.rows.append([])
            self.keys.append([])
        if tag in ("td", "th"):
            self._cell, self._title = True, named.get("title") if tag == "th" else None
            self.rows[-1].append("")
            self.keys[-1].append(named.get("data-v"))
        if tag in ("dt", "dd"):
            self._term = True
            self._list.append([])

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            if self._title:
                self.titles[self.rows[-1][-1]] = self._title
            self._cell = None
        if tag in ("dt", "dd"):
            self._term = None

    def handle_data(self, data):
        self.words.append(data)
        if self._cell:
            self.rows[-1][-1] += data
        if self._term:
            self._list[-1].append(data)

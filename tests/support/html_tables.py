"""The tables of a page as texts, for tests that compare a page with the files beside it."""

from html.parser import HTMLParser


class _Tables(HTMLParser):
    def __init__(self, of: str) -> None:
        super().__init__()
        self._of, self._is_inside, self._in_small = of, False, 0
        self.rows: list[list[list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._is_inside = self._of in (dict(attrs).get("class") or "").split()
        elif self._is_inside and tag == "tr":
            self.rows.append([])
        elif self._is_inside and tag in ("td", "th"):
            self.rows[-1].append(["", ""])
        elif tag == "small":
            self._in_small = 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._is_inside = False
        elif tag == "small":
            self._in_small = 0

    def handle_data(self, data: str) -> None:
        if self._is_inside and self.rows and self.rows[-1]:
            self.rows[-1][-1][self._in_small] += data


def table_rows(page: str, name: str) -> list[list[tuple[str, str]]]:
    """Return the rows of the tables of a class: for each cell its text, and what stands small below it."""
    parser = _Tables(name)
    parser.feed(page)
    parser.close()
    return [[(large.strip(), small.strip()) for large, small in row] for row in parser.rows]

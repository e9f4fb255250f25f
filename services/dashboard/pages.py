"""Render the pages: whole ones, and the parts of a page that its live connection updates."""

from typing import Final

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined

from services.dashboard.core.comparison import Comparison, compare
from services.dashboard.core.freshness import LATE_AFTER_SECONDS
from services.dashboard.core.reader_status import kafka_problem, why_no_snapshot
from services.dashboard.streams import event_bytes
from services.dashboard.view import PairsView
from shared.clock import Clock
from shared.domain.pairs import Pair
from shared.kafka.topics import SIGNALS
from shared.text.durations import format_duration
from shared.text.numbers import format_level, format_number, format_price

# Each is templates/parts/NAME.html, and the inside of the element with the id part-NAME.
PARTS: Final = (
    *("trouble", "faults", "badges", "freshness", "ratio_position", "prices", "summary"),
    *("correlations", "hedge", "dynamics", "chart", "live", "news", "divergences", "triggers", "outcomes"),
)


class Pages:
    """Render pages from the view.

    The parts of a pair's page are rendered once for each change, however many clients look at them. While its
    snapshot is late the page shows how late, so then it is rendered for each request.
    """

    def __init__(self, view: PairsView, *, clock: Clock) -> None:
        self._view = view
        self._clock = clock
        self._environment = Environment(
            loader=PackageLoader("services.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["pairs"] = view.pairs
        self._environment.globals["late_after_seconds"] = LATE_AFTER_SECONDS
        self._environment.filters.update(
            price=format_price, number=format_number, level=format_level, duration=format_duration
        )
        self._rendered: dict[str, tuple[int, dict[str, str]]] = {}

    def comparison_page(self, pair: Pair) -> str:
        """Return a pair's page, or before its first snapshot a page that says why there is none."""
        parts = self.parts(pair)
        return self._render(
            "comparison.html" if "ratio_position" in parts else "waiting.html",
            pair=pair,
            page=self._comparison(pair),
            parts=parts,
            now_ms=self.now_ms,
        )

    def index_page(self) -> str:
        """Return the list of pairs with the state of each."""
        rows = tuple((pair, self._comparison(pair), self.why_waiting(pair)) for pair in self._view.pairs)
        return self._render("index.html", rows=rows)

    def not_found_page(self) -> str:
        """Return the page of a wrong address, which lists the pairs."""
        return self._render("not_found.html")

    def docs_page(self, openapi: dict[str, object]) -> str:
        """Return the description of the API for people."""
        return self._render("api.html", api=openapi)

    def parts(self, pair: Pair) -> dict[str, str]:
        """Return the parts of a pair's page by name, as they are at this moment."""
        version = self._view.version(pair.name)
        known = self._rendered.get(pair.name)
        if known is None or known[0] != version or self._is_late(pair):
            known = version, self._render_parts(pair)
            self._rendered[pair.name] = known
        return known[1]

    @property
    def now_ms(self) -> int:
        """Return the wall time in milliseconds."""
        return self._clock.now_ns() // 1_000_000

    def why_waiting(self, pair: Pair) -> str:
        """Return why there is no snapshot of a pair; empty when there is one."""
        if self._view.latest(pair.name) is not None:
            return ""
        return why_no_snapshot(
            self._view.reader_status,
            pair=pair.name,
            topic=SIGNALS.name,
            of_others=self._view.snapshots_of_others,
        )

    def _is_late(self, pair: Pair) -> bool:
        latest = self._view.latest(pair.name)
        return latest is not None and self.now_ms - latest.published_ms > 1_000 * LATE_AFTER_SECONDS

    def _render_parts(self, pair: Pair) -> dict[str, str]:
        page = self._comparison(pair)
        if page is None:
            return {"waiting": self._render("parts/waiting.html", why=self.why_waiting(pair))}
        return {
            name: self._render(
                f"parts/{name}.html",
                page=page,
                pair=pair,
                kafka_problem=kafka_problem(self._view.reader_status),
            )
            for name in PARTS
        }

    def _comparison(self, pair: Pair) -> Comparison | None:
        latest = self._view.latest(pair.name)
        if latest is None:
            return None
        return compare(
            pair,
            latest.snapshot,
            tuple(one.event for one in self._view.events(pair.name)),
            published_ms=latest.published_ms,
            now_ms=self.now_ms,
        )

    def _render(self, template: str, **values: object) -> str:
        return self._environment.get_template(template).render(**values)


class PageSource:
    """What a page's live connection is sent: the parts that differ from those this client has."""

    def __init__(self, pages: Pages, pair: Pair) -> None:
        self._pages = pages
        self._pair = pair
        self._sent: dict[str, str] = {}

    def pending(self) -> bytes:
        """Return the changed parts; empty when none changed."""
        parts = self._pages.parts(self._pair)
        changed = {name: html for name, html in parts.items() if self._sent.get(name) != html}
        self._sent = parts
        return self._event("page", {"parts": changed}) if changed else b""

    def heartbeat(self) -> bytes:
        """Return an event, because a script in a browser cannot see a comment."""
        return self._event("beat", {})

    def _event(self, name: str, values: dict[str, object]) -> bytes:
        return event_bytes(name, orjson.dumps({"now_ms": self._pages.now_ms, **values}))

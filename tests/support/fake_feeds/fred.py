"""FRED as it answers: values by real-time period, cut to the window asked for; errors with status 400."""

import itertools
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import orjson

from tests.support.fake_feeds.http_server import Answer, HttpServer, Request

_LAST_DAY = "9999-12-31"


@dataclass
class FakeFred:
    """Serve series to those who have the key.

    Parameters
    ----------
    series
        For each series the values of each date by vintage, as FRED writes them: ``{date: {vintage: value}}``.
    today
        The newest vintage that may be asked for.
    most_vintages
        In one answer; more are refused.
    page
        The most rows in one answer.
    content_type
        Of errors: FRED sometimes says ``text/xml`` of its JSON.
    answers
        Given first, one for each request.
    """

    series: dict[str, dict[str, dict[str, str]]]
    key: str = "fred-secret-key"
    today: str = "2024-06-10"
    most_vintages: int = 2_000
    page: int = 100_000
    content_type: str = "application/json"
    answers: list[Answer | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = HttpServer(self._answer)

    def windows(self) -> list[tuple[str, str]]:
        """Return the windows of vintages that were asked for."""
        return [(each.query["realtime_start"], each.query["realtime_end"]) for each in self.server.requests]

    def _answer(self, request: Request) -> Answer | None:
        if self.answers:
            return self.answers.pop(0)
        assert request.path == "/fred/series/observations"
        query = request.query
        assert query["file_type"] == "json"
        if query["api_key"] != self.key:
            return self._error("Bad Request.  The value for variable api_key is not registered.")
        if query["series_id"] not in self.series:
            return self._error("Bad Request.  The series does not exist.")
        begin, end = query["realtime_start"], query["realtime_end"]
        if begin > self.today:
            return self._error("Bad Request.  Variable realtime_start can not be after today's date.")
        rows = list(self._rows(self.series[query["series_id"]], begin, end, query["observation_start"]))
        vintages = {row["realtime_start"] for row in rows}
        if len(vintages) > self.most_vintages:
            return self._error(
                f"Bad Request.  There are {len(vintages)} vintage dates between {begin} and {end}.  "
                "This exceeds the maximum number of vintage dates allowed."
            )
        offset, limit = int(query["offset"]), min(int(query["limit"]), self.page)
        return Answer(
            body=orjson.dumps(
                {
                    "realtime_start": begin,
                    "realtime_end": end,
                    "count": len(rows),
                    "offset": offset,
                    "limit": limit,
                    "observations": rows[offset : offset + limit],
                }
            )
        )

    def _rows(
        self, values: dict[str, dict[str, str]], begin: str, end: str, first_date: str
    ) -> list[dict[str, Any]]:
        rows = []
        for day, vintages in sorted(values.items()):
            starts = [*sorted(vintages), ""]
            for start, following in itertools.pairwise(starts):
                last = _day_before(following) if following else _LAST_DAY
                if day >= first_date and start <= end and last >= begin:
                    period = {"realtime_start": max(start, begin), "realtime_end": min(last, end)}
                    rows.append({**period, "date": day, "value": vintages[start]})
        return rows

    def _error(self, words: str, code: int = 400) -> Answer:
        body = orjson.dumps({"error_code": code, "error_message": words})
        return Answer(status=code, body=body, content_type=self.content_type)


def _day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()

"""The answer for a terminal, 80 columns wide or more; plain text where it is no terminal."""

from collections.abc import Iterable
from typing import Final

import typer
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from convex.why_not.decisions import Hold
from convex.why_not.gate import Answer, Gate
from convex.why_not.gate_words import GATE_WORDS, instant, needed, why
from convex.why_not.inquiry import Findings
from convex.why_not.nearby import Nearby, nearby
from convex.why_not.published import Published
from convex.why_not.statistic_words import saw
from convex.why_not.wording import decided_by, headline, title_of, unused_words
from shared.domain.divergences import Kind
from shared.domain.instants import NS_PER_SECOND, format_rfc3339
from shared.text.divergences import describe_direction, describe_kind
from shared.text.durations import format_duration
from shared.text.instants import format_instant_in_words
from shared.text.numbers import format_count, format_price
from shared.text.trigger_prices import describe_trigger

# A price around a level starts and ends many holds; the last of them are what people ask about.
_HOLDS_SHOWN: Final = 5
_STYLES: Final = {
    Gate.OPENED: "bold green",
    Gate.ALREADY_OPEN: "bold yellow",
    Gate.INHIBITED: "bold red",
    Gate.COOLDOWN: "bold yellow",
    Gate.NOT_HELD_LONG_ENOUGH: "bold yellow",
    Gate.STALE_PRICE: "bold yellow",
}
_ENDED: Final = {
    "opened": "it opened",
    "price": "the price left the level",
    "stale": "the price was too old",
    "inhibited": "a data fault began",
    "cooldown": "held long enough, but in its cooldown",
}


def show(console: Console, found: Findings, published: Published | None, *, source: str) -> None:
    """Print the page without trailing blanks, because people forward it as text.

    Parameters
    ----------
    source
        What was replayed.
    """
    with console.capture() as capture:
        for part in _parts(found, published, source):
            console.print(part)
    for line in capture.get().splitlines():
        typer.echo(line.rstrip(" "))


def _parts(found: Findings, published: Published | None, source: str) -> Iterable[RenderableType]:
    pair = found.pair
    yield Text(f"{pair.lead_title} against {pair.other_title}: {headline(found)}", style="bold")
    yield _seen_then(found, source)
    for answer in _shown(found.answers):
        yield _answer(answer, found)
    if found.holds:
        yield _section("The live price at the level", *_holds(found.holds, found))
    if found.unused:
        words = (unused_words(reason, count) for reason, count in sorted(found.unused.items()))
        yield _section("Input not used since the close before the last one", *map(Text, words))
    if found.has_live_price and found.asked.session is None and found.next_close:
        present = found.legs[0].price if found.legs else None
        yield _section(
            "What the next close would need",
            *(
                Text(describe_trigger(each, lead=pair.lead_title, other=pair.other_title, present=present))
                for each in found.next_close
            ),
        )
    yield _near(found, published)


def _shown(answers: tuple[Answer, ...]) -> Iterable[Answer]:
    """Leave out what the headline says: legs whose data are not at fault, unless nothing else was asked."""
    is_all = {answer.kind for answer in answers} == {Kind.DATA_FAULT}
    return (answer for answer in answers if is_all or answer.gate is not Gate.NO_FAULT)


def _seen_then(found: Findings, source: str) -> RenderableType:
    pair = found.pair
    titles = {pair.lead: pair.lead_title, pair.other: pair.other_title}
    closes = dict(zip((pair.lead, pair.other), found.newest_closes, strict=True))
    when = format_instant_in_words(format_rfc3339(found.at_ns))
    facts = Table.grid(padding=(0, 2))
    if found.asked.session is not None:
        what = f"the close of {found.asked.session}, "
        what += "which had not come for both legs by" if found.is_missing else "used at"
        facts.add_row(Text("asked", style="dim"), Text(f"{what} {when}"))
    else:
        facts.add_row(Text("asked", style="dim"), Text(when))
    for index, leg in enumerate(found.legs):
        is_live = found.has_live_price and index == 0 and leg.source != "sampled"
        what = "live" if is_live else f"close of {closes.get(leg.instrument)}"
        facts.add_row(
            Text(titles.get(leg.instrument, leg.instrument), style="dim"),
            Text(
                f"{format_price(leg.price)}, {what}, {format_duration(leg.age_seconds)} old, by {leg.source}"
            ),
        )
    newest = f"; the newest is {found.used_session}" if found.used_session else ""
    facts.add_row(
        Text("windows", style="dim"),
        Text(f"{format_count(found.sessions, 'session')} that both legs have{newest}"),
    )
    if not found.has_live_price:
        facts.add_row(
            Text("live", style="dim"),
            Text(f"no live price of {pair.lead_title}: closes decide, early warnings cannot open"),
        )
    facts.add_row(Text("from", style="dim"), Text(source))
    return facts


def _answer(answer: Answer, found: Findings) -> RenderableType:
    present = found.legs[0].price if found.legs else None
    head = Text.assemble(
        (title_of(answer, found.pair), "bold cyan"),
        (f", by {decided_by(answer)}: ", "dim"),
        (GATE_WORDS[answer.gate], _STYLES.get(answer.gate, "bold")),
    )
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True, style="dim")
    rows.add_column(overflow="fold")
    for name, text in (
        ("saw", saw(answer, found.pair)),
        ("why", why(answer, found.pair)),
        ("needed", needed(answer, found.pair, present=present)),
    ):
        if text:
            rows.add_row(Text(name), Text(text))
    return Group(Text(""), head, Padding(rows, (0, 0, 0, 2)))


def _holds(holds: tuple[Hold, ...], found: Findings) -> Iterable[RenderableType]:
    hidden = len(holds) - _HOLDS_SHOWN
    if hidden > 0:
        yield Text(f"{format_count(hidden, 'earlier time')} not shown.", style="dim")
    for hold in holds[-_HOLDS_SHOWN:]:
        direction = describe_direction(
            hold.direction, lead=found.pair.lead_title, other=found.pair.other_title
        )
        lasted = format_duration((hold.until_ns - hold.since_ns) / NS_PER_SECOND)
        ended = _ENDED.get(hold.ended_by, hold.ended_by)
        yield Text(f"{direction}: from {instant(hold.since_ns)} for {lasted}; {ended}")


def _near(found: Findings, published: Published | None) -> RenderableType:
    events = nearby(found, published)
    if not events:
        return _section(
            "Events near it", Text("None, from one session before to one session after.", style="dim")
        )
    return _section("Events near it", *(_event(each) for each in events))


def _event(near: Nearby) -> RenderableType:
    event = near.event
    lines: list[RenderableType] = [
        Text(
            f"{instant(near.at_ns)}  {describe_kind(event.kind, event.direction)}, {event.type.value}, "
            f"{event.severity.value}, {event.confirmation.value}: {event.event_id}"
        )
    ]
    lines += [Padding(Text(line), (0, 0, 0, 2)) for line in near.lines]
    return Group(*lines)


def _section(title: str, *parts: RenderableType) -> RenderableType:
    return Group(Text(""), Text(title, style="bold cyan"), Padding(Group(*parts), (0, 0, 0, 2)))

"""The demo in a terminal: the current numbers of the pairs, and what happened lately."""

from typing import Final

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from convex.demo.observed import Observed
from convex.demo.wording import at_fault, expected_close, nearest_triggers, still_open
from shared.domain.snapshots import LegSnapshot, PairSnapshot
from shared.text.divergences import describe_regime
from shared.text.numbers import format_price, format_signed, format_signed_percent

# From here a z of the live ratio is red, unless what is expected of the close is known.
_FAR: Final = 2.0


def render(observed: Observed, *, page: str, note: str, elapsed_seconds: float) -> RenderableType:
    """Return the live view.

    Parameters
    ----------
    note
        What kind of market this is: simulated, recorded or live.
    """
    counts = Text.assemble(
        (f"{observed.ticks:,}", "bold"), " ticks   ",
        (f"{observed.bars:,}", "bold"), " bars   ",
        (f"{observed.divergences:,}", "bold"), " divergence events   ",
        (f"{observed.emails:,}", "bold"), " e-mails   ",
        (f"{observed.webhooks:,}", "bold"), " webhooks",
    )  # fmt: skip
    latencies = observed.summary()["latency_ms"]
    head = Table.grid(padding=(0, 2))
    head.add_row("[dim]page[/]", f"[bold underline]{page}[/]")
    head.add_row("[dim]market[/]", f"[bold magenta]{note}[/]")
    head.add_row("[dim]so far[/]", counts)
    head.add_row("[dim]tick → webhook[/]", _latency(latencies))
    news = Text.from_markup("\n".join(observed.news) or "[dim]nothing yet: windows fill, then prices move[/]")
    # The page's pair in full, and a line for each other one: the whole view has to fit on a screen.
    first, *further = sorted(observed.snapshots.values(), key=lambda each: not page.endswith(each.page)) or (
        None,
    )
    return Group(
        Panel(head, title=f"Convex demo · {elapsed_seconds:.0f} s · Ctrl-C stops it"),
        _pair(first),
        *([_further(further)] if further else []),
        Panel(news, title="what happened", title_align="left"),
    )


def print_news(console: Console, observed: Observed) -> None:
    """Print what has happened since the last call, a line each."""
    while observed.unprinted:
        console.print(observed.unprinted.popleft(), highlight=False, soft_wrap=True)


def _latency(latencies: object) -> str:
    if not isinstance(latencies, dict) or latencies["p50"] is None:
        return "[dim]no webhook of a live tick yet[/]"
    return f"p50 {latencies['p50']} ms, p99 {latencies['p99']} ms"


def _pair(snapshot: PairSnapshot | None) -> RenderableType:
    if snapshot is None:
        return Panel("[dim]waiting for the first snapshot of signals[/]", title="pair", title_align="left")
    table = Table(expand=True, show_edge=False)
    for column in ("leg", "price", "as of", "1 session", "20 sessions"):
        table.add_column(column, justify="left" if column in ("leg", "as of") else "right")
    for leg in snapshot.legs:
        table.add_row(leg.title, format_price(leg.price), _as_of(leg), _change(leg, 1), _change(leg, 20))
    confirmed, live = snapshot.confirmed, snapshot.provisional
    lines = Text()
    lines.append("confirmed    ", "dim")
    if confirmed is None:
        lines.append("no session with both closes yet")
    else:
        lines.append(f"z {_signed(confirmed.values.get('z_90'))}  ")
        lines.append(f"corr_60 {_signed(confirmed.values.get('corr_60'))}  ")
        lines.append(
            f"regime {describe_regime(confirmed.regime, missing='not known yet')}  ({confirmed.session})"
        )
    lines.append("\nprovisional  ", "dim")
    if live is None:
        lines.append("no live price yet")
    else:
        expected, z = expected_close(snapshot), live.values.get("z_90")
        if expected:
            lines.append(expected, "bold")
            lines.append("; the ratio itself ")
        lines.append(f"z {_signed(z)}", "" if expected else "bold red" if abs(z or 0) >= _FAR else "bold")
        lines.append(f"  against the close of {live.other_session}")
    lines.append("\nopen         ", "dim")
    lines.append(still_open(snapshot))
    if triggers := nearest_triggers(snapshot):
        lines.append("\nnext         ", "dim")
        lines.append(triggers)
    if snapshot.faults:
        lines.append("\nfault        ", "dim")
        lines.append(at_fault(snapshot), "bold yellow")
    title = f"{snapshot.title} · feed {snapshot.feed_state or 'unknown'} · {snapshot.watermark[:19]}Z"
    return Panel(Group(table, lines), title=title, title_align="left")


def _further(snapshots: list[PairSnapshot]) -> RenderableType:
    table = Table(expand=True, show_edge=False)
    for column in ("pair", "lead", "other", "z confirmed", "z live", "open"):
        table.add_column(column, justify="left" if column in ("pair", "open") else "right")
    for each in sorted(snapshots, key=lambda each: each.pair):
        lead, other = each.legs
        confirmed = each.confirmed.values.get("z_90") if each.confirmed is not None else None
        live = each.provisional.values.get("z_90") if each.provisional is not None else None
        table.add_row(
            each.title,
            format_price(lead.price),
            format_price(other.price),
            _signed(confirmed),
            _signed(live),
            still_open(each),
        )
    return Panel(table, title="further pairs", title_align="left")


def _as_of(leg: LegSnapshot) -> str:
    if leg.price_at is None:
        return "no price yet"
    return f"close of {leg.session}" if leg.session else f"{leg.price_at[11:19]} live"


def _change(leg: LegSnapshot, sessions: int) -> str:
    return format_signed_percent(leg.summary.get(f"change_{sessions}_pct"), 2)


def _signed(value: float | None) -> str:
    return format_signed(value, missing="not known yet")

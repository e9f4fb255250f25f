"""What a run found: a table for people, ``build/bench.json`` for machines."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.rounds import Spread, ratios, spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number, and what it is held against.

    Parameters
    ----------
    part
        ``a`` engine, ``b`` topic, ``c`` latency, ``d`` scale, ``e`` fan-out, ``f`` ingestion, ``g`` the past.
    value, spread
        Median over the rounds, and least and greatest.
    baseline, ratio, ratio_spread
        The baseline's name, and ours to it within each round; None where there is nothing to compare.
    goal, met
        As in the issue; None where none is set.
    note
        What is behind the number, where its name does not say it.
    """

    part: str
    name: str
    value: float
    unit: str
    spread: tuple[float, float]
    baseline: str | None = None
    ratio: float | None = None
    ratio_spread: tuple[float, float] | None = None
    goal: str | None = None
    met: bool | None = None
    note: str = ""


def measured(
    part: str,
    name: str,
    values: list[float],
    unit: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    note: str = "",
) -> Figure:
    """Return a figure of its own, with a goal where one is set."""
    seen = spread(values)
    goal, met = None, None
    if at_least is not None:
        goal, met = f">= {_number(at_least)} {unit}", seen.median >= at_least
    if at_most is not None:
        goal, met = f"<= {_number(at_most)} {unit}", seen.median <= at_most
    return Figure(
        part=part, name=name, value=seen.median, unit=unit, spread=_pair(seen), goal=goal, met=met, note=note
    )


def against(
    figure: Figure,
    ours: list[float],
    baseline: str,
    values: list[float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    note: str = "",
) -> Figure:
    """Return a baseline's figure: its own value, and the ratio of ours to it."""
    seen, ratio = spread(values), spread(ratios(ours, values))
    goal, met = None, None
    if at_least is not None:
        goal, met = f"ratio >= {at_least:g}", ratio.median >= at_least
    if at_most is not None:
        goal, met = f"ratio <= {at_most:g}", ratio.median <= at_most
    return Figure(
        part=figure.part,
        name=figure.name,
        value=seen.median,
        unit=figure.unit,
        spread=_pair(seen),
        baseline=baseline,
        ratio=ratio.median,
        ratio_spread=_pair(ratio),
        goal=goal,
        met=met,
        note=note,
    )


def _pair(seen: Spread) -> tuple[float, float]:
    return (seen.low, seen.high)


def print_figures(console: Console, title: str, figures: list[Figure]) -> None:
    """Print the benchmark's table: our own figures, and below each the baselines it is held against."""
    table = Table(title=title, title_justify="left", expand=False)
    for column, justify in (("what", "left"), ("median", "right"), ("low to high", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]  # literals
    for column in ("ours / this", "low to high", "goal", "met"):
        table.add_column(column, justify="right")
    for figure in figures:
        low, high = figure.spread
        is_ours = figure.baseline is None
        name = f"[bold]{figure.name}[/bold]" if is_ours else f"  {figure.baseline}"
        ratio, ratio_range = "", ""
        if figure.ratio is not None and figure.ratio_spread is not None:
            ratio = f"{figure.ratio:.3g}×"
            ratio_range = f"{figure.ratio_spread[0]:.3g} to {figure.ratio_spread[1]:.3g}"
        met = {None: "", True: "[green]yes[/green]", False: "[red]no[/red]"}[figure.met]
        table.add_row(
            name,
            f"{_number(figure.value)} {figure.unit}",
            f"{_number(low)} to {_number(high)}",
            ratio,
            ratio_range,
            figure.goal or "",
            met,
        )
    console.print(table)
    for figure in figures:
        if figure.note:
            console.print(f"  [dim]{figure.baseline or figure.name}: {figure.note}[/dim]")


def _number(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:,.2f} M"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write_json(path: Path, figures: list[Figure]) -> None:
    """Replace the figures of the parts that ran; those of other parts stay."""
    ran = {figure.part for figure in figures}
    kept = json.loads(path.read_text()) if path.exists() else []
    rows = [row for row in kept if row["part"] not in ran] + [asdict(figure) for figure in figures]
    rows.sort(key=lambda row: row["part"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n")

"""Draw the trade-off of a study as one SVG picture: openings, hit rates and delay over the same levels.

It has no script and no font of its own, and follows the reader's light or dark setting.
"""

import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Final

from convex.choose.hit_rates import HitRate
from convex.choose.study import Study
from convex.choose.what_followed import HORIZONS
from convex.choose.words import covers_of, sentence_of

_WIDTH: Final = 560.0
_LEFT, _RIGHT = 60.0, 14.0
_EDGE: Final = 14.0
_PANEL, _GAP = 160.0, 68.0
_LINE: Final = 18.0
# Characters of a line of text across the picture.
_CHARACTERS: Final = 74
# Labels of levels nearer to each other than this would overlap.
_LABEL: Final = 36.0
_STYLE: Final = """
svg { background: var(--paper); max-width: 900px;
  --paper: #fbfaf6; --ink: #1d1c1a; --soft: #5d5952; --hair: #e4dfd4;
  --one: #24587f; --two: #8a5d00; --mark: #f3ead2;
  font: 13px ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
@media (prefers-color-scheme: dark) { svg {
  --paper: #131416; --ink: #e9e6df; --soft: #a29d93; --hair: #2b2c31;
  --one: #7fb4dc; --two: #e0b04c; --mark: #2d2a20; } }
text { fill: var(--ink); } text.soft { fill: var(--soft); } text.title { font-weight: 600; }
line { stroke: var(--hair); } line.one { stroke: var(--one); } line.two { stroke: var(--two); }
line.usual { stroke: var(--ink); stroke-width: 2; } rect.chosen { fill: var(--mark); }
polyline { fill: none; stroke-width: 1.5; }
polyline.one { stroke: var(--one); } polyline.two { stroke: var(--two); }
.one.dot { fill: var(--one); } .two.dot { fill: var(--two); }
"""

Place = Callable[[float], float]


def draw_plot(study: Study) -> bytes:
    """Return the picture of a study."""
    head = textwrap.wrap(sentence_of(study), _CHARACTERS)
    covers = covers_of(study)
    if covers is not None:
        head += textwrap.wrap(covers, _CHARACTERS)
    top = 34.0 + _LINE * len(head) + 58.0
    tops = [top + at * (_PANEL + _GAP) for at in range(3)]
    bottom = tops[-1] + _PANEL
    height = bottom + 46.0
    step = (_WIDTH - _LEFT - _RIGHT) / len(study.levels)

    def x(at: float) -> float:
        return _LEFT + (at + 0.5) * step

    first, last = study.sessions[0], study.sessions[-1]
    title = f"{study.kind} on {study.pair}, {first} to {last}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {height:g}" role="img">',
        f"<title>{escape(title)}: false alarms, hit rates and delay by warning level</title>",
        f"<style>{_STYLE}</style>",
        _text(_EDGE, 24.0, title, "title"),
        *(_text(_EDGE, 46.0 + _LINE * at, line, "soft") for at, line in enumerate(head)),
        *(each for panel in tops for each in _chosen(study, x, step, panel)),
        *_openings(study, x, tops[0]),
        *_hit_rates(study, x, step, tops[1]),
        *_delays(study, x, tops[2]),
        *(
            _text(x(at), bottom + 18.0, f"{level.rule.warning:g}", "soft", anchor="middle")
            for at, level in enumerate(study.levels)
            if at % math.ceil(_LABEL / step) == 0
        ),
        _text(_WIDTH / 2.0, bottom + 38.0, "warning level", "soft", anchor="middle"),
        "</svg>",
    ]
    return "\n".join(parts).encode() + b"\n"


def _openings(study: Study, x: Place, top: float) -> Iterator[str]:
    counted = [level.per_year for level in study.levels]
    by_chance = [level.by_chance for level in study.levels]
    high = max(*counted, *by_chance, 0.01)
    y = _vertical(0.0, high * 1.08, top)
    yield _text(_EDGE, top - 38.0, "Openings in 252 sessions", "title")
    yield from _legend(top - 20.0, (("one", "in this history"), ("two", "by chance alone")))
    yield from _grid(_marks(high), y, lambda mark: f"{mark:g}")
    for kind, values in (("two", by_chance), ("one", counted)):
        points = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in enumerate(values))
        yield f'<polyline class="{kind}" points="{points}"/>'
        for at, value in enumerate(values):
            yield _dot(kind, x(at), y(value))


def _hit_rates(study: Study, x: Place, step: float, top: float) -> Iterator[str]:
    y = _vertical(0.0, 1.0, top)
    yield _text(_EDGE, top - 38.0, "Hit rate with its 95 % interval, and the usual rate (bar)", "title")
    names = tuple(
        (kind, f"after {each} sessions") for kind, each in zip(("two", "one"), HORIZONS, strict=True)
    )
    yield from _legend(top - 20.0, names)
    yield from _grid((0.0, 0.25, 0.5, 0.75, 1.0), y, lambda mark: f"{100 * mark:.0f} %")
    for at, level in enumerate(study.levels):
        for kind, rate, shift in zip(("two", "one"), level.hit_rates, (-0.17, 0.17), strict=True):
            yield from _hit_rate(kind, rate, x(at + shift), step * 0.14, y)


def _hit_rate(kind: str, rate: HitRate, at: float, half: float, y: Place) -> Iterator[str]:
    found = rate.rate
    if found.value is None or found.low is None or found.high is None or rate.base is None:
        return
    yield _line(at, at, y(found.low), y(found.high), kind)
    yield _line(at - half, at + half, y(rate.base), y(rate.base), "usual")
    yield _dot(kind, at, y(found.value))


def _delays(study: Study, x: Place, top: float) -> Iterator[str]:
    known = [level.delay.sessions for level in study.levels if level.delay.sessions is not None]
    high = max(known, default=1.0)
    y = _vertical(0.0, high * 1.08, top)
    yield _text(_EDGE, top - 38.0, "Sessions until a standard change reaches the warning", "title")
    yield _text(_EDGE, top - 16.0, "median; no dot: less than half reach it within half a year", "soft")
    yield from _grid(_marks(high), y, lambda mark: f"{mark:g}")
    for at, level in enumerate(study.levels):
        if level.delay.sessions is not None:
            yield _dot("one", x(at), y(level.delay.sessions))


def _chosen(study: Study, x: Place, step: float, top: float) -> Iterator[str]:
    for at, level in enumerate(study.levels):
        if level is study.chosen:
            yield (
                f'<rect class="chosen" x="{x(at) - step / 2.0:.1f}" y="{top:.1f}" width="{step:.1f}" '
                f'height="{_PANEL:.1f}"/>'
            )


def _vertical(low: float, high: float, top: float) -> Place:
    return lambda value: top + _PANEL * (high - value) / (high - low)


def _marks(high: float) -> list[float]:
    """Return round numbers from 0 to at most a value.

    Examples
    --------
    >>> _marks(6.8), _marks(0.35)
    ([0.0, 2.0, 4.0, 6.0], [0.0, 0.1, 0.2, 0.30000000000000004])
    """
    rough = high / 4.0
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * each for each in (1.0, 2.0, 5.0, 10.0) if unit * each >= rough)
    return [step * at for at in range(math.floor(high / step) + 1)]


def _grid(marks: Sequence[float], y: Place, name: Callable[[float], str]) -> Iterator[str]:
    for mark in marks:
        yield _line(_LEFT, _WIDTH - _RIGHT, y(mark), y(mark), "grid")
        yield _text(_LEFT - 8.0, y(mark) + 4.0, name(mark), "soft", anchor="end")


def _legend(y: float, names: Sequence[tuple[str, str]]) -> Iterator[str]:
    left = _EDGE
    for kind, name in names:
        yield _dot(kind, left + 5.0, y)
        yield _text(left + 15.0, y + 4.0, name, "soft")
        left += 30.0 + 7.0 * len(name)


def _dot(kind: str, x: float, y: float) -> str:
    """Return a circle, or a square for the second series: they differ without colour, too."""
    if kind == "one":
        return f'<circle class="one dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    return f'<rect class="two dot" x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7"/>'


def _line(x1: float, x2: float, y1: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, kind: str, *, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'

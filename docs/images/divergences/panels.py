"""What the pictures of docs/divergences.md show: each kind's statistic, its levels, what was reported."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, DayLocator, MonthLocator, date2num

from services.signals.core.confirmed import HISTORY_SESSIONS, confirmed_values, regimes
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.legs.aligned import AlignedSessions
from shared.domain.divergences import DivergenceEvent, Kind, Severity, Transition
from shared.domain.instants import parse_rfc3339
from shared.domain.pairs import Pair
from shared.domain.sessions import NEW_YORK

INK, GOLD, IWM, MUTED = "#20262e", "#b07d10", "#2b6cb0", "#9aa5b1"
FILLS = {Severity.WARNING: "#f7e3ba", Severity.CRITICAL: "#f3bdb3"}
LINES = {"leave": "#7d8792", "warning": "#b26a00", "critical": "#b3261e"}
WIDTH, DPI = 9.0, 100
# Words stay readable on a line.
HALO = {"facecolor": "white", "alpha": 0.75, "lw": 0, "pad": 0.8}

plt.rcParams.update(
    {
        "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": MUTED,
        "xtick.color": INK, "ytick.color": INK, "lines.linewidth": 1.3, "legend.frameon": False,
        "legend.fontsize": 8, "legend.borderaxespad": 0.0, "legend.borderpad": 0.2,
    }
)  # fmt: skip


class Course:
    """What was reported between two days, and the statistics of the sessions between them."""

    def __init__(
        self,
        sessions: AlignedSessions,
        events: Sequence[DivergenceEvent],
        pair: Pair,
        kind: Kind,
        start: str,
        end: str,
    ) -> None:
        self.kind = kind
        self.rule: Rule = next(rule for rule in PUBLISHED_RULES if rule.kind is kind)
        self.events = [each for each in events if each.kind is kind and start <= session_of(each) <= end]
        inside = [at for at, label in enumerate(sessions.sessions) if start <= label <= end]
        self.days = [date.fromisoformat(sessions.sessions[at]) for at in inside]
        self.limits = date.fromisoformat(start), date.fromisoformat(end)
        self.band = pair.agreement
        self.values = [
            confirmed_values(sessions.until(at + 1, limit=HISTORY_SESSIONS), self.band) for at in inside
        ]
        states = regimes(sessions.log_ratio)
        self.regimes = [states[at].name for at in inside]

    def column(self, name: str) -> np.ndarray:
        """Return a statistic, NaN where it is undefined."""
        return np.array([np.nan if row[name] is None else row[name] for row in self.values], dtype=np.float64)


def session_of(event: DivergenceEvent) -> str:
    """Return the session whose close decided; of a fault, the day in New York on which it was reported."""
    session = event.evidence.inputs[0].session
    if event.kind is Kind.DATA_FAULT or session is None:
        return instant_of(event).date().isoformat()
    return session


def instant_of(event: DivergenceEvent) -> datetime:
    """Return when an event was reported, in New York."""
    return datetime.fromtimestamp(parse_rfc3339(event.occurred_at) / 1e9, NEW_YORK).replace(tzinfo=None)


def shade(axes: Sequence[Axes], course: Course) -> None:
    """Shade each divergence from its opening to its end, in the colour of its severity."""
    following = [*course.events[1:], None]
    for event, after in zip(course.events, following, strict=True):
        if event.type is not Transition.CLOSED and after is not None:
            begin, end = date.fromisoformat(session_of(event)), date.fromisoformat(session_of(after))
            for axis in axes:
                axis.axvspan(date2num(begin), date2num(end), color=FILLS[event.severity], lw=0, zorder=0)


def name(axis: Axes, course: Course, statistic: str, places: Sequence[tuple[int, int]]) -> None:
    """Name each transition beside its point; ``places`` says where, in points."""
    for event, place in zip(course.events, places, strict=True):
        value = event.values[statistic]
        at = date2num(date.fromisoformat(session_of(event)))
        assert value is not None  # noqa: S101 - it decided
        day = date.fromisoformat(session_of(event))
        axis.plot(at, value, "o", color=INK, ms=4.5, zorder=5)
        axis.annotate(
            f"{event.type.value}, {event.severity.value}\n{day.day} {day:%b}  {value:+.2f}",
            (float(at), value), xytext=place, textcoords="offset points",
            fontsize=8, color=INK, linespacing=1.25, bbox=HALO, zorder=6,
            arrowprops={"arrowstyle": "-", "color": MUTED, "lw": 0.6},
        )  # fmt: skip


def levels(axis: Axes, rule: Rule, *, signs: Sequence[int] = (1,)) -> None:
    """Draw the rule's levels with their names at the right edge."""
    for level, colour in LINES.items():
        for sign in signs:
            y = sign * getattr(rule, level)
            axis.axhline(y, color=colour, lw=0.9, ls="--" if level == "leave" else "-", zorder=1)
            axis.annotate(
                f"{level} {y:g}".replace("-", "−"), (1.0, y), xycoords=("axes fraction", "data"),
                xytext=(4, 0), textcoords="offset points", va="center", fontsize=8, color=colour,
                annotation_clip=False,
            )  # fmt: skip


def by_month(axis: Axes) -> None:
    """Mark months."""
    axis.xaxis.set_major_locator(MonthLocator())
    axis.xaxis.set_major_formatter(DateFormatter("%b %Y"))


def heading(axis: Axes, text: str) -> None:
    """Say what is drawn, where no line is."""
    axis.set_title(text, loc="left", fontsize=9, color=INK)


def _ratio_stretch(axes: list[Axes], course: Course) -> None:
    (axis,) = axes
    shade(axes, course)
    levels(axis, course.rule)
    axis.plot(course.days, course.column("z_90"), color=INK)
    name(axis, course, "z_90", [(-82, 2), (-6, -36), (8, 8)])
    heading(axis, "z_90")
    axis.axhline(0, color=MUTED, lw=0.8)
    by_month(axis)


def _opposite_moves(axes: list[Axes], course: Course) -> None:
    (axis,) = axes
    shade(axes, course)
    levels(axis, course.rule, signs=(1, -1))
    distance = course.column("opposite_moves")
    is_opposite = course.column("return_5_lead") * course.column("return_5_other") < 0
    axis.plot(course.days, distance, color=MUTED, lw=1.0)
    for mask, colour, label in ((is_opposite, IWM, "opposite signs"), (~is_opposite, "#ffffff", "same sign")):
        days = [day for day, is_it in zip(course.days, mask, strict=True) if is_it]
        axis.plot(
            days, distance[mask], "o", ms=3.6, mfc=colour, mec=IWM, mew=0.9, label=f"legs moved: {label}"
        )
    axis.set_ylim(-3.4, 6.2)
    axis.legend(loc="upper left", ncols=2)
    name(
        axis,
        course,
        "opposite_moves",
        [(-84, 4), (-30, -34), (9, 2), (52, 34), (12, -22)],
    )
    heading(axis, "opposite_moves (D)")
    by_month(axis)


def _correlation_break(axes: list[Axes], course: Course) -> None:
    above, below = axes
    shade(axes, course)
    above.plot(course.days, course.column("corr_20"), color=IWM, label="corr_20")
    above.plot(course.days, course.column("corr_252"), color=INK, label="corr_252")
    above.axhline(0, color=MUTED, lw=0.8)
    above.set_ylim(top=1.0)
    above.legend(loc="upper left", ncols=2)
    levels(below, course.rule)
    below.plot(course.days, course.column("fisher_z"), color=INK)
    name(below, course, "fisher_z", [(-86, 6), (-52, 12), (8, 8), (10, 10)])
    below.set_ylim(top=4.9)
    heading(below, "fisher_z: corr_20 tested against corr_252")
    by_month(below)


def _hedge_lost(axes: list[Axes], course: Course) -> None:
    (axis,) = axes
    shade(axes, course)
    levels(axis, course.rule)
    low, high = course.column("corr_ci_60_low"), course.column("corr_ci_60_high")
    axis.fill_between(
        date2num(course.days), low, high, color=IWM, alpha=0.16, lw=0, label="its 95 % interval"
    )
    axis.plot(course.days, course.column("corr_60"), color=INK, label="corr_60")
    axis.plot(course.days, low, color=IWM, lw=1.3, label="lower end, which opens")
    axis.legend(loc="upper left", ncols=3)
    opened, ended = course.events
    for event, column, words, place in (
        (opened, "corr_ci_60_low", "open", (-6, -52)),
        (ended, "corr_60", "closed", (6, 58)),
    ):
        day, value = date.fromisoformat(session_of(event)), event.values[column]
        assert value is not None  # noqa: S101 - it decided
        axis.plot(date2num(day), value, "o", color=INK, ms=4.5, zorder=5)
        axis.annotate(
            f"{words}\n{day.day} {day:%b}  {column} {value:+.2f}", (float(date2num(day)), value),
            xytext=place, textcoords="offset points", fontsize=8, linespacing=1.25, bbox=HALO,
        )  # fmt: skip
    axis.set_ylim(-0.6, 0.9)
    by_month(axis)


def _evidence_break(axes: list[Axes], course: Course) -> None:
    above, below = axes
    (opened,) = course.events
    day = date.fromisoformat(session_of(opened))
    for axis in axes:
        axis.axvspan(date2num(day), date2num(course.limits[1]), color=FILLS[opened.severity], lw=0, zorder=0)
    assert course.band is not None  # noqa: S101 - the pair states one
    above.axhspan(course.band.low, course.band.high, color=MUTED, alpha=0.3, lw=0, label="baseline")
    above.plot(course.days, course.column("agreement_60"), color=IWM, label="agreement_60")
    above.legend(loc="upper left", ncols=2)
    above.set_ylim(0.35, 0.85)
    levels(below, course.rule)
    below.plot(course.days, course.column("e_tightening"), color=INK, label="e_tightening")
    below.plot(course.days, course.column("e_loosening"), color=MUTED, label="e_loosening")
    below.set_yscale("log")
    below.set_ylim(1, 4_000)
    value = opened.values["e_tightening"]
    assert value is not None  # noqa: S101 - it decided
    below.plot(date2num(day), value, "o", color=INK, ms=4.5, zorder=5)
    below.annotate(
        f"open, {opened.severity.value}\n{day.day} {day:%b}  {value:.0f}", (float(date2num(day)), value),
        xytext=(-84, 8), textcoords="offset points", fontsize=8, linespacing=1.25, bbox=HALO,
    )  # fmt: skip
    below.legend(loc="upper left", ncols=2)
    by_month(below)


def _regime_change(axes: list[Axes], course: Course) -> None:
    (axis,) = axes
    colours = {"RISK_OFF": "#f3e3c0", "RISK_ON": "#cfe0f1", "NEUTRAL": "#ffffff"}
    z = course.column("z_90")
    days = [*map(date2num, course.days), date2num(course.limits[1])]
    for at, regime in enumerate(course.regimes):
        axis.axvspan(days[at], days[at + 1], color=colours[regime or "NEUTRAL"], lw=0, zorder=0)
    for level, style in ((1.0, "-"), (0.5, "--"), (-0.5, "--"), (-1.0, "-")):
        axis.axhline(level, color=LINES["warning" if abs(level) == 1 else "leave"], lw=0.9, ls=style)
    for y, words, colour in (
        (1.0, "enters 1", "warning"),
        (0.5, "leaves 0.5", "leave"),
        (-0.5, "leaves −0.5", "leave"),
        (-1.0, "enters −1", "warning"),
    ):
        axis.annotate(
            words, (1.0, y), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
            va="center", fontsize=8, color=LINES[colour], annotation_clip=False,
        )  # fmt: skip
    axis.plot(course.days, z, color=INK)
    axis.set_ylim(bottom=-2.2)
    names = {-1.0: "RISK_ON", 0.0: "NEUTRAL", 1.0: "RISK_OFF"}
    for number, event in enumerate(each for each in course.events if each.type is Transition.OPEN):
        day, value, now = date.fromisoformat(session_of(event)), event.values["z_90"], event.values["regime"]
        assert value is not None and now is not None  # noqa: S101, PT018 - they decided
        axis.plot(date2num(day), value, "o", color=INK, ms=4.5, zorder=5)
        axis.annotate(
            f"→ {names[now]}\n{day.day} {day:%b}", (float(date2num(day)), value),
            xytext=((-62, 6), (-10, -32), (10, -8), (6, 12))[number], textcoords="offset points", fontsize=8,
            linespacing=1.2, bbox=HALO,
        )  # fmt: skip
    heading(axis, "z_90; the ground is the regime: amber RISK_OFF, blue RISK_ON")
    by_month(axis)


def _data_fault(axes: list[Axes], course: Course) -> None:
    (axis,) = axes
    opened, ended = map(instant_of, course.events)
    axis.axvspan(date2num(opened), date2num(ended), color=FILLS[Severity.WARNING], lw=0, zorder=0)
    missing = date(2015, 1, 20)
    for lane, colour, days in ((1, GOLD, course.days), (0, IWM, sorted([*course.days, missing]))):
        # A daily bar may be used from 20:15 New York on.
        known = [date2num(day) + (20 + 15 / 60) / 24 for day in days]
        axis.plot(known, [lane] * len(known), "o", color=colour, ms=8)
    axis.plot(date2num(missing) + (20 + 15 / 60) / 24, 1, "o", mfc="white", mec=GOLD, ms=8, mew=1.3, ls="")
    for at, words, place in ((opened, "open: missing_bar", (-6, 44)), (ended, "closed", (6, 44))):
        axis.axvline(float(date2num(at)), color=LINES["warning"], lw=1)
        axis.annotate(
            f"{words}\n{at.day} {at:%b %H:%M}", (float(date2num(at)), 1.0), xytext=(place[0], 22), fontsize=8,
            textcoords="offset points", linespacing=1.25, ha="right" if place[0] < 0 else "left",
        )  # fmt: skip
    axis.set_yticks([0, 1], ["IWM's bars", "gold's bars"])
    axis.set_ylim(-0.6, 2.1)
    axis.xaxis.set_major_locator(DayLocator())
    axis.xaxis.set_major_formatter(DateFormatter("%-d %b"))
    course.limits = course.limits[0], course.limits[1] + timedelta(days=1)


Draw = Callable[[list[Axes], Course], None]
# The days, the heights of the panels in inches, and what draws into them.
PICTURES: dict[Kind, tuple[str, str, tuple[float, ...], Draw]] = {
    Kind.RATIO_STRETCH: ("2020-01-02", "2020-05-29", (2.9,), _ratio_stretch),
    Kind.OPPOSITE_MOVES: ("2020-01-21", "2020-04-15", (3.0,), _opposite_moves),
    Kind.CORRELATION_BREAK: ("2020-08-14", "2020-11-13", (1.6, 2.4), _correlation_break),
    Kind.HEDGE_LOST: ("2020-09-15", "2021-01-29", (2.9,), _hedge_lost),
    Kind.EVIDENCE_BREAK: ("2020-10-01", "2021-03-31", (1.6, 2.4), _evidence_break),
    Kind.REGIME_CHANGE: ("2020-01-06", "2020-06-30", (2.9,), _regime_change),
    Kind.DATA_FAULT: ("2015-01-14", "2015-01-23", (1.7,), _data_fault),
}

"""When divergences opened: a table of months, with the kinds that opened in each."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from typing import Final

from convex.backtesting.report.episodes import Episode, Session
from shared.domain.divergences import Kind, Severity
from shared.domain.kinds import KIND_TRAITS
from shared.text.numbers import format_whole

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DARKEST: Final = 4


def letters_of(titles: Iterable[str]) -> list[str]:
    """Return a letter for each title: the first one that no earlier title has.

    Examples
    --------
    >>> letters_of(["Ratio stretch", "Evidence break", "Regime change"])
    ['R', 'E', 'G']
    """
    letters: list[str] = []
    for title in titles:
        letters.append(next((each for each in title.upper() if each not in letters), title))
    return letters


def calendar_section(
    episodes: Iterable[Episode], sessions: Sequence[Session], observed: Collection[int]
) -> str:
    """Return the section as HTML.

    Parameters
    ----------
    observed
        Positions of the sessions in which a divergence could open; a month without one is blank.
    """
    found = list(episodes)
    if not sessions or not found:
        return '<section id="calendar"><h2>Calendar of openings</h2><p>Nothing opened.</p></section>'
    opened: dict[str, Counter[Kind]] = {}
    for episode in found:
        opened.setdefault(_month_of(episode.begin, sessions), Counter())[episode.kind] += 1
    critical = _critical_months(found, sessions)
    known = {each.label[:7] for at, each in enumerate(sessions) if at in observed}
    years = range(int(sessions[0].label[:4]), int(sessions[-1].label[:4]) + 1)
    rows = "".join(_year(year, opened, critical, known) for year in years)
    heads = "".join(f'<th scope="col"><span>{month[0]}</span>{month[1:]}</th>' for month in _MONTHS)
    kinds = dict.fromkeys(kind for kind in Kind if any(each.kind is kind for each in found))
    letters = "".join(f"<span><b>{_LETTERS[kind]}</b>{KIND_TRAITS[kind].title}</span>" for kind in kinds)
    return (
        '<section id="calendar"><h2>Calendar of openings</h2><div class="scrolls"><table class="calendar">'
        f'<thead><tr><th></th>{heads}<th class="n">Year</th></tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="legend letters">{letters}<span><i class="month"></i>month with a critical divergence '
        "open</span><span>blank: no session in which a divergence could open</span></p></section>"
    )


def _year(year: int, opened: Mapping[str, Counter[Kind]], critical: set[str], known: set[str]) -> str:
    months = [f"{year}-{month:02}" for month in range(1, 1 + len(_MONTHS))]
    cells = "".join(_cell(month, opened, critical, known) for month in months)
    total = sum(opened[month].total() for month in months if month in opened)
    return f'<tr><th scope="row">{year}</th>{cells}<td class="n">{format_whole(total)}</td></tr>'


def _cell(month: str, opened: Mapping[str, Counter[Kind]], critical: set[str], known: set[str]) -> str:
    counts = opened.get(month, Counter())
    names = [f"heat{min(counts.total(), _DARKEST)}"] if counts else []
    if month not in known and not counts:
        names = ["outside"]
    if month in critical:
        names.append("critical")
    in_order = [(kind, counts[kind]) for kind in Kind if counts[kind]]
    text = " ".join(f"{_LETTERS[kind]}{count if count > 1 else ''}" for kind, count in in_order)
    said = ", ".join(f"{KIND_TRAITS[kind].title.lower()} {count}" for kind, count in in_order)
    title = f' title="{escape(f"{month}: {said}")}"' if said else ""
    return f'<td class="{" ".join(names)}"{title}>{text}</td>'


def _critical_months(episodes: Iterable[Episode], sessions: Sequence[Session]) -> set[str]:
    months: set[str] = set()
    for episode in episodes:
        for stretch in episode.stretches:
            if stretch.severity is Severity.CRITICAL and episode.kind.is_market:
                last = min(stretch.end, len(sessions) - 1)
                months.update(each.label[:7] for each in sessions[stretch.begin : last + 1])
    return months


def _month_of(position: int, sessions: Sequence[Session]) -> str:
    return sessions[min(position, len(sessions) - 1)].label[:7]


_LETTERS: Final[Mapping[Kind, str]] = dict(
    zip(Kind, letters_of(KIND_TRAITS[kind].title for kind in Kind), strict=True)
)

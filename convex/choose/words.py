"""A study in words: the sentence that says whether anything beats chance, and the tables behind it."""

from collections.abc import Iterator

from convex.choose.hit_rates import HitRate
from convex.choose.performance import LEAST_OPENINGS
from convex.choose.study import SIGNIFICANT, Study, Verdict
from convex.choose.walk_forward import Fold
from convex.choose.what_followed import HORIZONS

COVERS = (
    "p counts the search over these levels and horizons, and no other: not kinds, pairs, files or grids that "
    "were tried before."
)
"""What the p-value of a study covers."""


def sentence_of(study: Study) -> str:
    """Return what was found, in a few sentences."""
    remedy = "Give lower --levels or a longer history."
    match study.verdict:
        case Verdict.NEVER_OPENED:
            return (
                f"Nothing can be compared with chance: {study.kind} never opened in {study.closes:,} closes, "
                f"even at a warning of {study.levels[0].rule.warning:g}. {remedy}"
            )
        case Verdict.TOO_FEW_OPENINGS:
            return (
                f"Nothing can be compared with chance: no level opened {LEAST_OPENINGS} times with a known "
                f"outcome in {study.closes:,} closes. {remedy}"
            )
        case Verdict.NOTHING:
            asked = f"{SIGNIFICANT:g} or less is asked for"
            return f"Nothing beats chance. {_best_of(study)}; {asked}."
        case Verdict.NOT_CONFIRMED:
            return (
                f"Nothing is chosen. {_best_of(study)}. But the levels that were chosen from the past alone did "
                f"no better than usual afterwards: {_total_of(study)}."
            )
    assert study.chosen is not None  # noqa: S101 - the verdict says so
    return (
        f"Warning {study.chosen.rule.warning:g} beats chance. {_best_of(study)}. The levels that were chosen "
        f"from the past alone had afterwards {_total_of(study)}."
    )


def tables_of(study: Study) -> Iterator[str]:
    """Yield the lines of the tables."""
    first, last = study.sessions[0], study.sessions[-1]
    yield f"{study.kind} on {study.pair}, {first} to {last}: {study.closes:,} closes with a value"
    yield ""
    yield "  warning critical   leave  opened  a year  by chance a year  a standard change reaches it after"
    for level in study.levels:
        rule = level.rule
        yield (
            f"{_mark(study, level.rule.warning)} {rule.warning:7g} {rule.critical:8.4g} {rule.leave:7.4g} "
            f"{level.openings:7} {level.per_year:7.2f} {level.by_chance:8.2f} ± {level.by_chance_error:<4.2f}  "
            f"{_delay_of(level.delay.sessions, level.delay.share, level.delay.by_chance)}"
        )
    for at, horizon in enumerate(HORIZONS):
        yield ""
        yield f"  warning  hits after {horizon} sessions  rate (95 % interval)   usual  against chance"
        for level in study.levels:
            rate = level.hit_rates[at]
            ratio = level.ratios[at]
            shown = "too few openings" if ratio is None else f"{ratio:+.2f} standard errors"
            yield (
                f"{_mark(study, level.rule.warning)} {level.rule.warning:7g}  {_counts(rate):>21}  "
                f"{_rate(rate):<21}  {_percent(rate.base):>5}  {shown}"
            )
    yield ""
    yield "Chosen at the beginning of each year from what was known then:"
    for fold in study.walk.folds:
        yield f"  {_fold_of(study, fold)}"
    yield f"  together: {_total_of(study)}"


def lines_of(study: Study) -> Iterator[str]:
    """Yield the tables, the sentence and what its p-value covers."""
    yield from tables_of(study)
    yield ""
    yield sentence_of(study)
    if study.test is not None:
        yield COVERS


def _mark(study: Study, warning: float) -> str:
    chosen = study.chosen
    return "*" if chosen is not None and chosen.rule.warning == warning else " "


def _best_of(study: Study) -> str:
    assert study.best is not None  # noqa: S101, PT018 - a study with a test has a best column
    assert study.test is not None  # noqa: S101 - as above
    number, horizon = study.best
    level, test = study.levels[number], study.test
    rate = level.hit_rates[horizon]
    return (
        f"The best of {test.columns} levels and horizons is warning {level.rule.warning:g} with "
        f"{_counts(rate)} hits after {HORIZONS[horizon]} sessions ({_percent(rate.rate.value)}, usual "
        f"{_percent(rate.base)}). Chance alone makes the best of so many this good with p = {test.p_value:.3f}"
    )


def _total_of(study: Study) -> str:
    total = study.walk.total
    if not total.count:
        return "no opening of theirs has a known outcome"
    return f"{_counts(total)} hits, {_rate(total)}, usual {_percent(total.base)}"


def _fold_of(study: Study, fold: Fold) -> str:
    begin = study.sessions[fold.begin + 1]
    if fold.choice is None or fold.after is None:
        return f"{begin}: no level had opened {LEAST_OPENINGS} times"
    number, horizon = fold.choice
    after = fold.after
    followed = f"{_counts(after)} hits, usual {_percent(after.base)}" if after.count else "no known outcome"
    warning = study.levels[number].rule.warning
    return f"{begin}: warning {warning:g} for {HORIZONS[horizon]} sessions: {followed}"


def _counts(rate: HitRate) -> str:
    return f"{rate.hits} of {rate.count}"


def _rate(rate: HitRate) -> str:
    found = rate.rate
    if found.value is None or found.low is None or found.high is None:
        return "-"
    return f"{_percent(found.value)} ({100 * found.low:.0f} to {100 * found.high:.0f} %)"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def _delay_of(sessions: float | None, share: float, by_chance: float) -> str:
    reached = "less than half do" if sessions is None else f"{sessions:g} sessions"
    return f"{reached} ({100 * share:.0f} %; {100 * by_chance:.0f} % without it)"

"""A study in words: the sentence that says whether anything beats chance, and the tables behind it."""

from collections.abc import Iterator
from typing import Final

from convex.calibrate.detection_delay import Delay
from convex.choose.hit_rates import HitRate
from convex.choose.performance import LEAST_OPENINGS
from convex.choose.study import SIGNIFICANT, Study, Verdict
from convex.choose.walk_forward import Fold
from convex.choose.what_followed import HORIZONS
from shared.domain.divergences import Null
from shared.domain.kinds import KIND_TRAITS
from shared.text.numbers import format_part

_NULLS: Final = {
    Null.UNRELATED_LEGS: "whose legs have nothing to do with each other",
    Null.CONSTANT_CORRELATION: "whose correlation never changes",
}


def sentence_of(study: Study) -> str:
    """Return what was found, in a few sentences."""
    test, walk = study.test, _rate_and_usual(study.walk.total)
    if test is None:
        return f"{_why_no_test(study)} Give lower --levels or a longer history."
    level, horizon = study.levels[test.level], HORIZONS[test.horizon]
    rate = level.hit_rates[test.horizon]
    best = (
        f"The best of {test.columns} levels and horizons is warning {level.rule.warning:g}: "
        f"{_counts(rate)} hits after {horizon} sessions, {_percent(rate.rate.value)} where "
        f"{_percent(rate.base)} are usual. By chance alone the best of so many is as good with "
        f"p = {test.p_value:.3f}"
    )
    match study.verdict:
        case Verdict.BEATS_CHANCE:
            return (
                f"Warning {level.rule.warning:g} beats chance at a significance of {100 * SIGNIFICANT:g} %. "
                f"{best}. The levels chosen from the past alone then had {walk}"
                f"{_alone_shows_nothing(study.walk.total)}. Of searches on prices without any such tie, "
                "about one in twenty ends like this."
            )
        case Verdict.NOT_CONFIRMED:
            return (
                f"Nothing is chosen. {best}. But the levels chosen from the past alone then "
                f"{_why_not_confirmed(study)}: {walk}."
            )
    return f"Nothing is shown to beat chance. {best}; it would have to be {SIGNIFICANT:g} or less."


def _alone_shows_nothing(total: HitRate) -> str:
    """Return what to add where the interval of the choices from the past holds the usual rate."""
    low, high = total.rate.low, total.rate.high
    if low is None or high is None or total.base is None or not low <= total.base <= high:
        return ""
    return ": their interval holds the usual share, so they alone show nothing"


def _why_not_confirmed(study: Study) -> str:
    if study.walk.total.count < LEAST_OPENINGS:
        return f"opened less than {LEAST_OPENINGS} times"
    return "did no better than usual"


def covers_of(study: Study) -> str | None:
    """Return where the p-value comes from and what it covers; None without a test."""
    test, null = study.test, KIND_TRAITS[study.kind].null
    if test is None or null is None:
        return None
    return (
        f"p is the larger of {test.spa:.3f} (Hansen's test of superior predictive ability) and "
        f"{test.synthetic:.3f} (the rank among {test.histories:,} synthetic histories {_NULLS[null]}). It "
        "counts the search over these levels and horizons, and no other: not kinds, pairs, files or grids "
        "that were tried before."
    )


def _why_no_test(study: Study) -> str:
    if study.verdict is Verdict.NEVER_OPENED:
        lowest = study.levels[0].rule.warning
        why = f"{study.kind} never opened, even at a warning of {lowest:g}"
    else:
        why = f"no level opened {LEAST_OPENINGS} times with a known outcome"
    return f"Nothing can be compared with chance: in {study.closes:,} closes {why}."


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
            f"{level.openings:7} {level.per_year:7.2f} {level.by_chance:8.2f} ± "
            f"{level.by_chance_error:<4.2f}  {_delay_of(level.delay)}"
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
    yield f"  together: {_rate_and_usual(study.walk.total)}"


def lines_of(study: Study) -> Iterator[str]:
    """Yield the tables, the sentence and what its p-value covers."""
    yield from tables_of(study)
    yield ""
    yield sentence_of(study)
    covers = covers_of(study)
    if covers is not None:
        yield covers


def _mark(study: Study, warning: float) -> str:
    chosen = study.chosen
    return "*" if chosen is not None and chosen.rule.warning == warning else " "


def _rate_and_usual(total: HitRate) -> str:
    if not total.count:
        return "no opening with a known outcome"
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
    return format_part(rate.hits, rate.count)


def _rate(rate: HitRate) -> str:
    found = rate.rate
    if found.value is None or found.low is None or found.high is None:
        return "-"
    return f"{_percent(found.value)} ({100 * found.low:.0f} to {100 * found.high:.0f} %)"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def _delay_of(delay: Delay) -> str:
    reached = "less than half do" if delay.sessions is None else f"{delay.sessions:g} sessions"
    return f"{reached} ({_percent(delay.share)}; {_percent(delay.by_chance)} without it)"

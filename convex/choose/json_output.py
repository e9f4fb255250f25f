"""A study as one JSON object: every number of the tables, the tests and the sentence."""

from typing import Any

from convex.choose.hit_rates import HitRate
from convex.choose.study import Level, Study
from convex.choose.what_followed import HORIZONS
from convex.choose.words import covers_of, sentence_of


def as_object(study: Study) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    chosen = study.chosen
    test = study.test
    return {
        "kind": study.kind.value,
        "pair": study.pair,
        "seed": study.seed,
        "first_session": study.sessions[0],
        "last_session": study.sessions[-1],
        "closes": study.closes,
        "verdict": study.verdict.value,
        "sentence": sentence_of(study),
        "chosen_warning": None if chosen is None else chosen.rule.warning,
        "best": None
        if test is None
        else {
            "warning": study.levels[test.level].rule.warning,
            "horizon_sessions": HORIZONS[test.horizon],
        },
        "test": None
        if test is None
        else {
            "p_value": test.p_value,
            "spa": test.spa,
            "synthetic": test.synthetic,
            "columns": test.columns,
            "draws": test.draws,
            "histories": test.histories,
            "block_length_sessions": study.block_length,
            "covers": covers_of(study),
        },
        "levels": [_level(each) for each in study.levels],
        "walk_forward": {
            "folds": [
                {
                    "first_session": study.sessions[fold.begin + 1],
                    "last_session": study.sessions[fold.end],
                    "warning": None if fold.choice is None else study.levels[fold.choice[0]].rule.warning,
                    "horizon_sessions": None if fold.choice is None else HORIZONS[fold.choice[1]],
                    "after": None if fold.after is None else _hit_rate(fold.after),
                }
                for fold in study.walk.folds
            ],
            "total": _hit_rate(study.walk.total),
        },
    }


def _level(level: Level) -> dict[str, Any]:
    return {
        "warning": level.rule.warning,
        "critical": level.rule.critical,
        "leave": level.rule.leave,
        "openings": level.openings,
        "per_year": level.per_year,
        "by_chance_per_year": level.by_chance,
        "by_chance_standard_error": level.by_chance_error,
        "after": {
            str(horizon): {**_hit_rate(rate), "standard_errors_above_chance": ratio}
            for horizon, rate, ratio in zip(HORIZONS, level.hit_rates, level.ratios, strict=True)
        },
        "delay": {
            "sessions": level.delay.sessions,
            "share": level.delay.share,
            "by_chance": level.delay.by_chance,
        },
    }


def _hit_rate(rate: HitRate) -> dict[str, Any]:
    return {
        "count": rate.count,
        "hits": rate.hits,
        "episodes": rate.episodes,
        "hit_rate": rate.rate.value,
        "low": rate.rate.low,
        "high": rate.rate.high,
        "usual_rate": rate.base,
    }

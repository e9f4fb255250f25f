"""Each row of the table in plan.py."""

from dataclasses import replace
from typing import Any

from services.signals.checkpoint.codec import LeadCheckpoint, PairCheckpoint
from services.signals.checkpoint.plan import BEGINNING, RestorePlan, plan_restore
from services.signals.core.engine.lead_state import dump_lead
from services.signals.core.pairs.pair_state import dump_pair
from shared.domain.pairs import Pair
from tests.support.builders_market import LEAD, pair
from tests.support.pair_story import make_engine

IWM, SPY, QQQ = (pair(f"gold-{name}", other=f"{name.upper()}.TEST") for name in ("iwm", "spy", "qqq"))
_ENGINE = make_engine(IWM, SPY, QQQ)


def lead(offset: int) -> LeadCheckpoint:
    return LeadCheckpoint(applied_offset=offset, lead=dump_lead(_ENGINE))


def known(**offsets: int) -> dict[str, PairCheckpoint]:
    states = {
        monitor.pair.other.split(".")[0].lower(): dump_pair(monitor, ()) for monitor in _ENGINE.monitors
    }
    return {
        states[name].pair: PairCheckpoint(applied_offset=offset, is_retired=False, pair=states[name])
        for name, offset in offsets.items()
    }


def plan(known_lead: LeadCheckpoint | None, *pairs: Pair, **checkpoints: Any) -> RestorePlan:
    known_pairs = checkpoints.pop("checkpoints", None) or known(**checkpoints)
    return plan_restore(LEAD, pairs, known_lead=known_lead, known_pairs=known_pairs)


def test_without_a_record_of_the_lead_all_begin_anew() -> None:
    made = plan(None, IWM, SPY, iwm=7, spy=8)

    assert (made.applied, made.lead, made.pairs, made.frozen, made.written) == (
        BEGINNING, None, (), {}, BEGINNING
    )  # fmt: skip


def test_older_records_of_pairs_are_true_at_the_lead_s() -> None:
    made = plan(lead(9), IWM, SPY, iwm=3, spy=9)

    assert (made.applied, made.frozen, made.written) == (9, {}, 9)
    assert {state.pair for state in made.pairs} == {"gold-iwm", "gold-spy"}
    assert made.lead is not None


def test_pair_that_is_further_than_its_lead_is_frozen_up_to_there() -> None:
    made = plan(lead(9), IWM, SPY, QQQ, iwm=3, spy=12, qqq=12)

    assert (made.applied, made.frozen, made.written) == (9, {"gold-spy": 12, "gold-qqq": 12}, 12)


def test_new_pair_reads_from_the_beginning_and_the_others_wait_there() -> None:
    made = plan(lead(9), IWM, SPY, QQQ, iwm=3, spy=12)

    assert (made.applied, made.frozen, made.written) == (BEGINNING, {"gold-iwm": 9, "gold-spy": 12}, 12)
    assert made.lead is not None


def test_pair_with_another_leg_is_a_new_pair() -> None:
    made = plan(lead(9), replace(IWM, other="VTWO.TEST"), SPY, iwm=3, spy=4)

    assert (made.applied, made.frozen) == (BEGINNING, {"gold-spy": 9})
    assert [state.pair for state in made.pairs] == ["gold-spy"]


def test_pair_that_is_no_longer_watched_is_written_once_more_as_of_the_lead_s_record() -> None:
    made = plan(lead(9), IWM, iwm=3, spy=4, qqq=12)

    assert {each.pair.pair: (each.applied_offset, each.is_retired) for each in made.retired} == {
        "gold-spy": (9, True),
        "gold-qqq": (12, True),
    }
    assert (made.applied, made.written) == (9, 12)
    again = plan(lead(20), IWM, checkpoints=known(iwm=3) | {each.pair.pair: each for each in made.retired})
    assert again.retired == ()


def test_pair_that_is_watched_again_misses_nothing_of_the_log_since_it_was_left_out() -> None:
    left = {"gold-spy": replace(known(spy=9)["gold-spy"], is_retired=True)}
    made = plan(lead(20), IWM, SPY, checkpoints=known(iwm=3) | left)

    assert (made.applied, made.frozen, made.written) == (BEGINNING, {"gold-iwm": 20, "gold-spy": 9}, 20)


def test_pair_of_another_lead_is_not_left_out() -> None:
    moved = replace(SPY, lead="XAG/USD.TEST")
    made = plan(lead(9), IWM, moved, iwm=3, spy=4)

    assert (made.applied, made.retired) == (9, ())
    other = plan_restore("XAG/USD.TEST", (IWM, moved), known_lead=None, known_pairs=known(iwm=3, spy=4))
    assert (other.applied, other.pairs) == (BEGINNING, ())


def test_oldest_record_fills_the_engine_last() -> None:
    """Of a leg that two pairs have, the older view is the one that the log can still bring up."""
    made = plan(lead(9), IWM, SPY, QQQ, iwm=5, spy=12, qqq=3)

    assert [state.pair for state in made.pairs] == ["gold-spy", "gold-iwm", "gold-qqq"]

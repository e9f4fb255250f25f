"""Trades with wrong ids among true ones: each true trade is new once, and later gaps are known."""

from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.core.duplicates_and_gaps import Gap, TradeSequence

SECOND_NS = 1_000_000_000
FIRST = 10_000
# Above, near, far, below, and as far as a field reaches.
WRONG_IDS = st.one_of(
    st.integers(min_value=1, max_value=2**63 - 1),
    st.integers(min_value=FIRST - 3_000, max_value=FIRST + 3_000),
)


@given(
    wrong=st.dictionaries(st.integers(min_value=0, max_value=19), WRONG_IDS, max_size=4),
    heartbeats=st.dictionaries(st.integers(min_value=0, max_value=19), WRONG_IDS, max_size=4),
    repeated=st.sets(st.integers(min_value=0, max_value=19)),
    resumes=st.booleans(),
)
def test_each_true_trade_is_new_once_and_a_later_gap_is_known(
    wrong: dict[int, int], heartbeats: dict[int, int], repeated: set[int], resumes: bool
) -> None:
    sequence = TradeSequence()
    if resumes:
        sequence.resume(FIRST - 1, SECOND_NS)
    for number in range(20):
        ts_ns = (2 + 2 * number) * SECOND_NS + SECOND_NS // 2
        trade = (FIRST + number, ts_ns)
        if number in heartbeats:
            sequence.on_last_trade_id(heartbeats[number])
        assert sequence.offer([trade], is_snapshot=False)[0] == [trade[0]]
        if number in repeated:
            assert sequence.offer([trade], is_snapshot=False) == ([], [])
        if number in wrong and abs(wrong[number] - trade[0]) > 0:
            sequence.offer([(wrong[number], ts_ns + SECOND_NS // 10)], is_snapshot=False)
    for number in range(20, 24):
        sequence.offer([(FIRST + number, (2 + 2 * number) * SECOND_NS)], is_snapshot=False)

    # 24 is missing.
    _, gaps = sequence.offer([(FIRST + 25, 60 * SECOND_NS)], is_snapshot=False)
    assert Gap(after_id=FIRST + 23, before_id=FIRST + 25, since_ns=48 * SECOND_NS) in gaps

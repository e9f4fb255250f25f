import orjson
import pytest

from services.notifier.store.delivery_rows import decode_deliveries


def _row(delivery_id: str, *, channel: str = "webhook", replaces: str = "[]") -> list[object]:
    names = [delivery_id, "ev_1", "desk", channel, "rc_1", "gold-iwm", "dv_1"]
    return [*names, 1, 1, "ev_1", 0, 0, "", 0, 1, 0, 0, replaces, "pending"]


@pytest.mark.parametrize(
    "odd", [{"channel": "fax"}, {"replaces": "no JSON"}, {"replaces": '[[1,"lost"]]'}, {"replaces": "7"}]
)
def test_row_that_says_nothing_keeps_no_other_from_being_sent(odd: dict[str, str]) -> None:
    collected = orjson.dumps([_row("dl_1"), _row("dl_2", **odd), _row("dl_3")]).decode()

    assert [each.delivery_id for each in decode_deliveries(collected)] == ["dl_1", "dl_3"]

import pytest

from services.notifier.core.event_validation import check_event
from shared.errors import QualityError
from tests.support.builders import divergence


def test_usual_event_is_admitted() -> None:
    check_event(divergence())


@pytest.mark.parametrize("instant", ["1970-01-02T00:00:00Z", "2199-12-31T23:59:59.999999999Z"])
def test_first_and_last_instant_are_admitted(instant: str) -> None:
    check_event(divergence(occurred_at=instant, opened_at=instant, not_after=instant))


@pytest.mark.parametrize("instant", ["1970-01-01T23:59:59.999999999Z", "2200-01-01T00:00:00Z"])
def test_instant_before_the_first_or_after_the_last_is_refused(instant: str) -> None:
    with pytest.raises(QualityError, match="from 1970 to 2200"):
        check_event(divergence(not_after=instant))


@pytest.mark.parametrize("field", ["event_id", "divergence_id", "pair"])
@pytest.mark.parametrize("value", ["", "a b", "ev_1\r\nX-Injected: 1", "ev_ü", "x" * 65])
def test_identity_that_no_header_can_carry_is_refused(field: str, value: str) -> None:
    with pytest.raises(QualityError, match=f"^{field} must be") as caught:
        check_event(divergence(**{field: value}))

    assert caught.value.reason == "bad_identity"


@pytest.mark.parametrize("field", ["occurred_at", "opened_at", "not_after"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "2014-05-02",
        "2014-05-02T12:35:10",
        "2014-13-02T12:35:10Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_instant_that_cannot_be_read_is_refused(field: str, value: str) -> None:
    with pytest.raises(QualityError, match=f"^{field} must be") as caught:
        check_event(divergence(**{field: value}))

    assert caught.value.reason == "bad_instant"

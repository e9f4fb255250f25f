import pytest

from services.notifier.core.admission import admit
from shared.errors import QualityError
from tests.support.builders import divergence


def test_usual_event_is_admitted() -> None:
    admit(divergence())


@pytest.mark.parametrize("field", ["event_id", "divergence_id", "pair"])
@pytest.mark.parametrize("value", ["", "a b", "ev_1\r\nX-Injected: 1", "ev_ü", "x" * 65])
def test_identity_that_no_header_can_carry_is_refused(field: str, value: str) -> None:
    with pytest.raises(QualityError, match=f"^{field} must be") as caught:
        admit(divergence(**{field: value}))

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
        admit(divergence(**{field: value}))

    assert caught.value.reason == "bad_instant"

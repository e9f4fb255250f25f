import aiohttp

from services.notifier.channels.webhook_errors import classify_request_error
from services.notifier.core.attempt_result import FailureReason, Rejected


def test_path_of_a_url_that_cannot_be_sent_to_is_not_repeated() -> None:
    result = classify_request_error(aiohttp.InvalidURL("https://0x7f.1/hook/a-secret"))

    assert isinstance(result, Rejected)
    assert result.reason is FailureReason.ADDRESS_REFUSED
    assert "secret" not in result.detail

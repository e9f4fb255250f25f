"""What the command line leaves is taken once by the notifier, in order, while both have the store open."""

from services.notifier.store.database import Database
from services.notifier.store.requests import Request, RequestKind, Requests

RETRY = Request(kind=RequestKind.RETRY, subscription="desk", made_at_ns=1)
RETRY_ONE = Request(kind=RequestKind.RETRY, delivery_id="dl_1", made_at_ns=2)
ENABLE = Request(kind=RequestKind.ENABLE, subscription="ops", made_at_ns=3)


async def test_requests_of_a_tool_are_taken_once_in_order(store_url: str, database: Database) -> None:
    tool = await Database.open(store_url, is_notifier=False)
    for request in (RETRY, RETRY_ONE, ENABLE):
        await Requests(tool).add(request)
    await tool.close()

    assert await Requests(database).take() == (RETRY, RETRY_ONE, ENABLE)
    assert await Requests(database).take() == ()


async def test_request_survives_a_restart_of_the_notifier(store_url: str) -> None:
    first = await Database.open(store_url)
    await Requests(first).add(ENABLE)
    await first.close()

    second = await Database.open(store_url)
    taken = await Requests(second).take()
    await second.close()

    assert taken == (ENABLE,)

"""Advice that nobody reads back reaches the ward's own telephone: a call that is really made, not only noted."""

from tests.channels.conftest import Outbox
from tests.hotline import Json
from tests.staff import Staff
from tests.stories.telling import held


async def test_the_wards_telephone_is_called_when_nobody_reads_back_and_no_more_once_somebody_has(
    house: Staff, outbox: Outbox
) -> None:
    case, requester, first = await held(house)
    number = "+84" + case["ward_phone"].replace(" ", "")[1:]
    opinion = await first.do(case, "messages", {"text": "Enoxaparin 80 mg.", "opinion": True})
    await house.hotline.fast_forward(minutes=5, seconds=1)
    await outbox.send()
    assert await calls_to(outbox, number) == []
    await house.hotline.fast_forward(minutes=2)
    await outbox.send()
    [call] = await calls_to(outbox, number)
    for secret in ("Enoxaparin", case["patient"]["label"], case["question"]):
        assert secret not in str(call["would_send"])
    for rounds in (2, 3):  # with the coordinator of the asking hospital, and then every two minutes
        await house.hotline.fast_forward(minutes=2)
        await outbox.send()
        assert len(await calls_to(outbox, number)) == rounds
    await requester.do(case, "read-back", {"event_id": opinion["event_id"], "understood": True})
    await house.hotline.fast_forward(minutes=10)
    await outbox.send()
    assert len(await calls_to(outbox, number)) == 3


async def calls_to(outbox: Outbox, number: str) -> list[Json]:
    """Calls about advice that have gone out to this number."""
    items = await outbox.items(kind="advice", channel="voice")
    return [i for i in items if i["would_send"] is not None and i["would_send"]["to"] == number]

"""What stories are told with: short words for what people see."""

from typing import Any

from tests.hotline import Json, Person
from tests.staff import Staff

REQUESTER, WARD_MATE = "sonla-capcuu-1", "sonla-capcuu-2"
DISPATCHER = "tn-dieuphoi-1"
CONCLUSION = {
    "summary": "Nam 58 tuổi, đau ngực giờ thứ 2, ST chênh lên thành dưới.",
    "conclusion": "Nhồi máu cơ tim cấp thành dưới.",
    "plan": "Tenecteplase 35 mg tĩnh mạch, rồi chuyển.",
    "decision": "Chuyển viện sau bơm",
}


async def read(person: Person, case: Json) -> Json:
    """The case as this person sees it now."""
    answer = await person.get(f"/consultations/{case['id']}")
    assert answer.status_code == 200, answer.text
    seen: Json = answer.json()
    return seen


def offer_to(case: Json, house: Staff, person: Person) -> Json:
    """The newest offer to somebody."""
    made = [o for c in case["callouts"] for o in c["offers"] if o["doctor"] == house.id_of(person)]
    assert made, f"{person.name} was not rung"
    newest: Json = made[-1]
    return newest


async def listening(*people: Person) -> None:
    """Open everybody's stream, and wait until it has told how things stand: what comes next is news."""
    for person in people:
        if person.socket is None:
            await person.connect()
            await person.settled()


async def delivered(house: Staff, person: Person, case: Json, how: str = "delivered") -> None:
    """Let a device that listens say that it has the offer."""
    event = await person.hears_event("offer.made", case, doctor=house.id_of(person))
    await person.acknowledges(event, how)
    requester = house.by_id[case["requester"]]
    await requester.hears_event(f"offer.{how}", case, doctor=house.id_of(person))


def events(person: Person, stream: str) -> list[Json]:
    """What was heard on a stream, in the order in which it came."""
    return [m for m in person.heard if m["k"] == "event" and m["s"] == stream]


def assert_gapless(person: Person) -> dict[str, int]:
    """Each stream was heard without a gap and without anything twice; returns how far each was heard."""
    last: dict[str, int] = {}
    for message in person.heard:
        if message["k"] == "snapshot":
            last[message["s"]] = message["n"]
        elif message["k"] == "event":
            stream, n = message["s"], message["n"]
            assert n == last.get(stream, 0) + 1, f"{person.name}: {stream} went from {last.get(stream)} to {n}"
            last[stream] = n
    return last


async def one_more_specialist(house: Staff, **more: Any) -> Person:
    """A cardiologist of the answering hospital who is not on duty."""
    hospital = house["tn-timmach-1"].account["hospital"]
    [doctor] = await house.newcomers(1, hospital=hospital, specialties=["K04"], **more)
    return doctor


async def held(house: Staff, **request: Any) -> tuple[Json, Person, Person]:
    """A case that the doctor on call has accepted; returns it, who asked and who holds it, both listening."""
    requester = house[REQUESTER]
    await listening(requester)
    case = await house.hotline.ask("K04", by=requester, **request)
    first = house.rung(case)[0]
    await listening(first)
    case = await first.do(case, "acceptance")
    return case, requester, first

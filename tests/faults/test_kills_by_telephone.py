"""The server is killed while a case that was handled by telephone is entered, and while its call is confirmed."""

import signal
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.server import Json, Night, Server, assert_gapless, lost_on_the_way, new_key
from tests.hotline import Person

pytestmark = pytest.mark.slow

PLACES = ["received", "written", "committed", "heard"]
ENTER = "/consultations/telephone"


async def on_call(night: Night, requester: Person) -> Person:
    """Whoever an ordinary request rings first; that one is taken back."""
    case = await night.ask("K04", by=requester)
    [first] = await night.rung(case)
    await requester.do(case, "cancellation", {"reason": "Bấm nhầm"})
    return first


async def told(doctor: Person, label: str) -> Json:
    """What the ward types: asked and answered a moment ago, by this doctor."""
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    call = {
        "asked_at": at,
        "answered_at": at,
        "answered_by": (await doctor.me())["id"],
        "text": f"Dặn theo dõi {label}.",
    }
    patient = {"label": label, "sex": "male", "age_years": 58}
    return {"specialty": "K04", "urgency": "red", "question": "Xử trí tiếp?", "patient": patient, "telephone": call}


async def facts(person: Person, case: Json) -> list[str]:
    return [fact["type"] for fact in (await person.get(f"/consultations/{case['id']}/history")).json()["items"]]


@pytest.mark.parametrize("place", PLACES)
async def test_it_is_entered_once_with_its_call_wherever_the_server_dies(
    server: Server, night: Night, place: str
) -> None:
    requester = await (await night.requester("K04")).connect()
    doctor = await on_call(night, requester)
    body, key = await told(doctor, f"N-{place}"), new_key()
    server.die_at("call.recorded", place)
    assert await lost_on_the_way(requester, ENTER, body, key) is None
    assert await server.ended() == -signal.SIGKILL

    await server.restart()
    answer = await requester.post(ENTER, body, key=key)
    assert answer.status_code == 201, answer.text
    case = answer.json()
    items = (await requester.get("/consultations")).json()["items"]
    assert [item["id"] for item in items if item["label"] == f"N-{place}"] == [case["id"]]
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    assert [call["text"] for call in read["calls"]] == [f"Dặn theo dõi N-{place}."]
    assert (await facts(requester, case)).count("call.recorded") == 1
    mine = [o for o in (await doctor.get("/offers")).json()["items"] if o["consultation_id"] == case["id"]]
    assert [o["quiet"] for o in mine] == [True]


@pytest.mark.parametrize("place", PLACES)
async def test_it_is_confirmed_once_and_with_its_call_wherever_the_server_dies(
    server: Server, night: Night, place: str
) -> None:
    requester = await (await night.requester("K04")).connect()
    doctor = await on_call(night, requester)
    case = (await requester.post(ENTER, await told(doctor, f"X-{place}"))).json()
    key, path = new_key(), f"/consultations/{case['id']}/acceptance"
    server.die_at("call.confirmed", place)
    assert await lost_on_the_way(doctor, path, {}, key) is None
    assert await server.ended() == -signal.SIGKILL

    await server.restart()
    await night.come_back()
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    assert (read["holder"] is None) is (read["calls"][0]["confirmed_at"] is None) is (place in ("received", "written"))
    answer = await doctor.post(path, {}, key=key)
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert done["calls"][0]["confirmed_by"] == done["holder"] == (await doctor.me())["id"]
    types = await facts(requester, case)
    assert (types.count("offer.accepted"), types.count("call.confirmed")) == (1, 1)
    await requester.settled()
    assert_gapless(requester)

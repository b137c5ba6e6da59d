"""The server is killed with SIGKILL at every step between a command and its answer, and started again on the same data.

Nothing that was acknowledged is lost, nothing happens twice, every ringing case rings on, and whoever listened hears
the rest from where they were.
"""

import re
import signal
import subprocess
import sys

import pytest

from tests.faults.server import (
    ROOT,
    Json,
    Night,
    Server,
    assert_gapless,
    cursors_of,
    lost_on_the_way,
    new_key,
)
from tests.hotline import Person

pytestmark = pytest.mark.slow

PLACES = ["received", "written", "committed", "queued", "heard"]
QUESTION = "Tiêu sợi huyết tại chỗ hay chuyển thẳng can thiệp?"


def request(label: str) -> Json:
    patient = {"label": label, "sex": "male", "age_years": 58}
    return {"specialty": "K04", "urgency": "orange", "question": QUESTION, "patient": patient}


async def died(server: Server) -> None:
    assert await server.ended() == -signal.SIGKILL


async def offers_of(person: Person, case: Json) -> list[Json]:
    read: Json = (await person.get(f"/consultations/{case['id']}")).json()
    return [offer for callout in read["callouts"] for offer in callout["offers"]]


async def facts(person: Person, case: Json) -> list[str]:
    return [fact["type"] for fact in (await person.get(f"/consultations/{case['id']}/history")).json()["items"]]


async def cases_called(person: Person, label: str) -> list[Json]:
    items = (await person.get("/consultations")).json()["items"]
    return [item for item in items if item["label"] == label]


@pytest.mark.parametrize("place", PLACES)
async def test_a_request_is_asked_once_wherever_the_server_dies(server: Server, night: Night, place: str) -> None:
    requester = await (await night.requester("K04")).connect()
    label, key = f"Y-{place}", new_key()
    server.die_at("consultation.requested", place)
    assert await lost_on_the_way(requester, "/consultations", request(label), key) is None
    await died(server)

    await server.restart()
    known = await cases_called(requester, label)
    if place != "written":  # a request may be written and committed by one statement
        assert len(known) == (0 if place == "received" else 1)
    answer = await requester.post("/consultations", request(label), key=key)
    assert answer.status_code == 201
    assert answer.headers.get("Idempotent-Replayed") == ("true" if known else None)
    case = answer.json()

    [only] = await cases_called(requester, label)
    assert only["id"] == case["id"]
    assert only["status"] == "ringing"
    [offer] = await offers_of(requester, case)
    doctor = await night.by_name(offer["doctor_name"], offer["doctor"])
    ringing = [o for o in (await doctor.get("/offers")).json()["items"] if o["consultation_id"] == case["id"]]
    assert len(ringing) == 1
    assert (await facts(requester, case)).count("consultation.requested") == 1

    await night.come_back()
    await requester.hears(lambda m: m.get("s") == f"consultation:{case['id']}")
    await requester.settled()
    assert_gapless(requester)


@pytest.mark.parametrize("place", PLACES)
async def test_an_acceptance_counts_once_wherever_the_server_dies(server: Server, night: Night, place: str) -> None:
    requester = await (await night.requester("K04")).connect()
    case = await night.ask("K04", by=requester)
    await requester.hears_event("offer.made", case)
    [first] = await night.rung(case)
    await first.connect()
    key, path = new_key(), f"/consultations/{case['id']}/acceptance"
    server.die_at("offer.accepted", place)
    assert await lost_on_the_way(first, path, {}, key) is None
    await died(server)

    await server.restart()
    await night.come_back()
    holder = (await requester.get(f"/consultations/{case['id']}")).json()["holder"]
    if place != "written":
        assert (holder is None) is (place == "received")
    answer = await first.post(path, {}, key=key)
    assert answer.status_code == 200
    assert answer.json()["holder"] == (await first.me())["id"]
    assert (answer.headers.get("Idempotent-Replayed") == "true") is (holder is not None)
    assert (await facts(requester, case)).count("offer.accepted") == 1
    heard = await requester.hears_event("offer.accepted", case)
    assert heard["d"]["doctor_name"] == first.name
    await requester.settled()
    assert_gapless(requester)
    assert_gapless(first)


@pytest.mark.parametrize("place", ["received", "written", "committed", "queued"])
async def test_the_next_person_is_rung_once_wherever_the_timer_dies(server: Server, night: Night, place: str) -> None:
    requester = await (await night.requester("K04")).connect()
    case = await night.ask("K04", by=requester)
    server.die_at("offer.undelivered", place, timer=True)
    server.time_passes(31)
    await died(server)

    await server.restart()
    await night.come_back()
    await requester.hears_event("offer.undelivered", case)
    await requester.hears_event("offer.made", case, step=1)
    offers = await offers_of(requester, case)
    assert [offer["step"] for offer in offers] == [0, 1]
    assert {offer["state"] for offer in offers} == {"made"}
    await requester.settled()
    assert_gapless(requester)


@pytest.mark.parametrize("place", ["received", "written", "committed"])
async def test_a_silent_holder_is_rung_again_once_wherever_the_timer_dies(
    server: Server, night: Night, place: str
) -> None:
    requester = await (await night.requester("K04")).connect()
    case = await night.ask("K04", by=requester)
    [first] = await night.rung(case)
    await first.do(case, "acceptance")
    server.die_at("consultation.silent", place, timer=True)
    server.time_passes(601)
    await died(server)

    await server.restart()
    await night.come_back()
    await requester.hears_event("consultation.silent", case, why="silent")
    await requester.hears_event("offer.made", case, role="holder")
    assert (await facts(requester, case)).count("consultation.silent") == 1
    read = (await requester.get(f"/consultations/{case['id']}")).json()
    assert [c["reason"] for c in read["callouts"] if c["state"] == "ringing"] == ["silent"]
    await requester.settled()
    assert_gapless(requester)


@pytest.mark.parametrize("place", ["written", "committed"])
async def test_a_delivery_is_told_once_wherever_the_server_dies(server: Server, night: Night, place: str) -> None:
    requester = await (await night.requester("K04")).connect()
    case = await night.ask("K04", by=requester)
    [first] = await night.rung(case)
    await first.connect()
    offer = await first.hears(lambda m: "snapshot" in m["k"] and m["s"].startswith("user:"))
    mine = next(o for o in offer["d"]["offers"] if o["consultation_id"] == case["id"])
    receipt = {"k": "ack", "s": offer["s"], "n": offer["n"], "as": "delivered", "offer_id": mine["offer_id"]}
    server.die_at("offer.delivered", place)
    await first.send(receipt)
    await died(server)

    await server.restart()
    await night.come_back()
    await first.send({"k": "subscribe", "s": receipt["s"]})
    await first.send(receipt)  # the card is drawn again, and the device says so again
    await requester.hears_event("offer.delivered", case)
    await first.settled()
    assert (await facts(requester, case)).count("offer.delivered") == 1
    assert_gapless(requester)


@pytest.mark.parametrize("place", ["received", "written", "committed", "heard"])
async def test_a_message_stands_once_wherever_the_server_dies(server: Server, night: Night, place: str) -> None:
    requester = await (await night.requester("K04")).connect()
    case = await night.ask("K04", by=requester)
    await requester.hears_event("offer.made", case)
    key, path, body = new_key(), f"/consultations/{case['id']}/messages", {"text": f"Mạch 112, {place}"}
    server.die_at("message.posted", place)
    assert await lost_on_the_way(requester, path, body, key) is None
    await died(server)

    await server.restart()
    await night.come_back()
    answer = await requester.post(path, body, key=key)
    assert answer.status_code == 201
    [message] = (await requester.get(path)).json()["items"]
    assert message["event_id"] == answer.json()["event_id"]
    await requester.hears_event("message.posted", case)
    await requester.settled()
    assert_gapless(requester)


async def test_what_was_answered_is_there_after_a_kill_and_every_ringing_case_rings_on(
    server: Server, night: Night
) -> None:
    requester = await (await night.requester("K04")).connect()
    ringing = [await night.ask("K04", by=requester, urgency=u) for u in ("orange", "yellow", "red", "orange")]
    held = await night.ask("K04", by=requester)
    first = (await night.rung(held))[0]
    await first.do(held, "acceptance")
    await requester.do(held, "messages", {"text": "Đang chuẩn bị tiêu sợi huyết."})
    await requester.hears_event("message.posted", held)
    cursors = cursors_of(requester)
    await server.kill()
    server.time_passes(40)  # nobody was rung meanwhile: the time that passed counts all the same

    await server.restart()
    await night.come_back()
    for case in ringing:
        await requester.hears_event("offer.undelivered", case)
        read = (await requester.get(f"/consultations/{case['id']}")).json()
        assert read["status"] == "ringing"
        [callout] = read["callouts"]
        assert callout["next_due_at"] is not None
        offers = callout["offers"]
        assert all(offer["state"] == "made" for offer in offers)
        assert callout["step"] == 1 or case["urgency"] == "red"
        assert len({offer["doctor"] for offer in offers}) == len(offers)
    kept = (await requester.get(f"/consultations/{held['id']}")).json()
    assert kept["status"] == "active"
    assert kept["holder"] == (await first.me())["id"]
    [message] = (await requester.get(f"/consultations/{held['id']}/messages")).json()["items"]
    assert message["text"] == "Đang chuẩn bị tiêu sợi huyết."
    assert cursors[f"consultation:{held['id']}"] == cursors_of(requester)[f"consultation:{held['id']}"]
    await requester.settled()
    assert_gapless(requester)


async def test_after_deaths_every_chain_is_sound(server: Server, night: Night) -> None:
    requester = await night.requester("K04")
    key = new_key()
    server.die_at("consultation.requested", "committed")
    assert await lost_on_the_way(requester, "/consultations", request("Y-chain"), key) is None
    await died(server)
    await server.restart()
    assert (await requester.post("/consultations", request("Y-chain"), key=key)).status_code == 201
    environment = {"HOICHAN_DATA_DIR": str(server.data), "PATH": "/usr/bin:/bin"}
    found = subprocess.run(
        [sys.executable, "-m", "app.cli", "verify"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    checked = re.search(r"(\d+) sự kiện, (\d+) chuỗi", found.stdout)
    assert checked, found.stdout
    assert all(int(n) > 0 for n in checked.groups()), found.stdout
    await server.until_ready()  # looking did not stop the database that is being used

"""How many statements each route sends to the database. A rise fails: raise the number here and say why in the commit.

Counted are the statements of the request itself, after the caller's token is known to the process, with nobody on the
stream. Transactions' own BEGIN and COMMIT are not counted.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import event, text

from app.prepared import Prepared
from tests.hotline import Hotline, Json, Person
from tests.policy.doors import application, doors

ASK = {
    "specialty": "K04",
    "urgency": "orange",
    "question": "Tiêu sợi huyết tại chỗ hay chuyển thẳng can thiệp?",
    "patient": {"label": "MC-017", "sex": "male", "age_years": 58},
}
CASE = "/api/v1/consultations/{consultation_id}"
ALLOWED: Mapping[str, int] = {
    "DELETE /api/v1/auth/session": 1,
    "POST /api/v1/auth/session": 6,
    "POST /api/v1/auth/token": 4,
    "GET /api/v1/consultations": 3,
    "POST /api/v1/consultations": 2,
    "POST /api/v1/consultations/telephone": 3,
    "GET /api/v1/consultations/{consultation_id}": 2,
    "PATCH /api/v1/consultations/{consultation_id}": 2,
    "POST /api/v1/consultations/{consultation_id}/acceptance": 2,
    "POST /api/v1/consultations/{consultation_id}/assignment": 4,
    "GET /api/v1/consultations/{consultation_id}/attachments": 3,
    "POST /api/v1/consultations/{consultation_id}/attendance": 2,
    "POST /api/v1/consultations/{consultation_id}/calls": 3,
    "POST /api/v1/consultations/{consultation_id}/calls/{call_id}/confirmation": 3,
    "POST /api/v1/consultations/{consultation_id}/cancellation": 2,
    "POST /api/v1/consultations/{consultation_id}/conclusion": 4,
    "POST /api/v1/consultations/{consultation_id}/forwarding": 4,
    "POST /api/v1/consultations/{consultation_id}/hand-over": 6,
    "GET /api/v1/consultations/{consultation_id}/history": 3,
    "GET /api/v1/consultations/{consultation_id}/messages": 3,
    "POST /api/v1/consultations/{consultation_id}/messages": 4,
    "POST /api/v1/consultations/{consultation_id}/outcome": 3,
    "POST /api/v1/consultations/{consultation_id}/participants": 4,
    "DELETE /api/v1/consultations/{consultation_id}/participants/{user_id}": 2,
    "POST /api/v1/consultations/{consultation_id}/read-back": 6,
    "POST /api/v1/consultations/{consultation_id}/real": 5,
    "GET /api/v1/consultations/{consultation_id}/record": 5,
    "POST /api/v1/consultations/{consultation_id}/re-route": 4,
    "POST /api/v1/consultations/{consultation_id}/refusal": 3,
    "POST /api/v1/consultations/{consultation_id}/specialties": 5,
    "POST /api/v1/consultations/{consultation_id}/step": 3,
    "POST /api/v1/consultations/{consultation_id}/stand-down": 2,
    "POST /api/v1/consultations/{consultation_id}/urgency": 3,
    "POST /api/v1/consultations/{consultation_id}/vitals": 4,
    "POST /api/v1/consultations/{consultation_id}/ward-owner": 4,
    "GET /api/v1/agreements": 4,
    "POST /api/v1/agreements": 12,
    "PATCH /api/v1/agreements/{agreement_id}": 12,
    "GET /api/v1/gaps": 2,
    "GET /api/v1/duty/checks": 2,
    "POST /api/v1/duty/checks/{check_id}/answer": 11,
    "GET /api/v1/desks": 1,
    "GET /api/v1/desks/{desk_id}/duty": 9,
    "POST /api/v1/desks/{desk_id}/duty-corrections": 6,
    "GET /api/v1/desks/{desk_id}/rota": 12,
    "POST /api/v1/desks/{desk_id}/rota": 48,
    "POST /api/v1/desks/{desk_id}/rota/import": 48,
    "GET /api/v1/feeds": 12,
    "POST /api/v1/feeds": 17,
    "DELETE /api/v1/feeds/{feed_id}": 4,
    "GET /api/v1/feeds/{secret}.ics": 15,
    "GET /api/v1/holidays": 1,
    "GET /api/v1/hospitals/{hospital_id}/duty": 6,
    "GET /api/v1/leaves": 3,
    "POST /api/v1/leaves": 6,
    "POST /api/v1/leaves/{leave_id}/approval": 49,
    "DELETE /api/v1/leaves/{leave_id}": 49,
    "GET /api/v1/swaps": 6,
    "POST /api/v1/swaps": 27,
    "POST /api/v1/swaps/{swap_id}/acceptance": 45,
    "DELETE /api/v1/swaps/{swap_id}": 16,
    "GET /api/v1/hospitals/{hospital_id}/rota": 12,
    "POST /api/v1/hospitals/{hospital_id}/rota": 45,
    "GET /api/v1/desks/{desk_id}/load": 4,
    "GET /api/v1/desks/{desk_id}/on-call": 4,
    "PUT /api/v1/desks/{desk_id}/doctors/{user_id}/capacity": 6,
    "GET /api/v1/desks/{desk_id}/policies/{urgency}": 2,
    "PUT /api/v1/desks/{desk_id}/policies/{urgency}": 6,
    "GET /api/v1/hospitals": 1,
    "GET /api/v1/hospitals/{hospital_id}/policies/{urgency}": 2,
    "PUT /api/v1/hospitals/{hospital_id}/policies/{urgency}": 6,
    "GET /api/v1/installation": 0,
    "GET /api/v1/ladder": 6,
    "GET /api/v1/me": 2,
    "GET /api/v1/me/hand-over": 4,
    "POST /api/v1/me/hand-over": 8,
    "GET /api/v1/me/channels": 1,
    "PUT /api/v1/me/channels": 6,
    "POST /api/v1/me/channels/test": 3,
    "POST /api/v1/me/password": 6,
    "GET /api/v1/me/waiting": 2,
    "GET /api/v1/me/colleagues": 1,
    "GET /api/v1/offers": 1,
    "GET /api/v1/specialties": 1,
    "GET /api/v1/telephones": 1,
    "GET /health": 0,
    "GET /ready": 1,
    "GET /overdue": 3,
}


@dataclass
class Counter:
    """Counts the statements that one task sends."""

    hotline: Hotline
    http: httpx.AsyncClient
    counts: dict[str, int] = field(default_factory=dict)
    sent: int = 0

    def note(self, *_: Any) -> None:
        """One statement is about to be sent; those of other tasks are not the request's."""
        if asyncio.current_task() is self.task:
            self.sent += 1

    def __post_init__(self) -> None:
        self.task = asyncio.current_task()

    async def ask(
        self, who: Person | None, method: str, route: str, body: Json | str | None = None, **names: str
    ) -> Any:
        """Send one request and keep how many statements it took."""
        headers = {"Idempotency-Key": str(uuid4())} if method != "GET" else {}
        if who is not None:
            headers |= who.headers
            await self.http.get("/api/v1/me", headers=who.headers)
        self.sent = 0
        form = body if route.endswith("/auth/token") else None
        sheet = body if isinstance(body, str) else None
        answer = await self.http.request(
            method,
            route.format(**names),
            headers=headers,
            json=None if form or sheet else body,
            data=form,
            content=sheet,
        )
        assert answer.is_success, f"{method} {route}: {answer.text}"
        self.counts[f"{method} {route}"] = self.sent
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else None


@contextmanager
def counting(hotline: Hotline) -> Iterator[Counter]:
    transport = httpx.ASGITransport(app=hotline.app)
    counter = Counter(hotline, httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1"))
    house = hotline.app.state.house
    house.sessions._trust_s = 3600.0  # the check of all tokens every other second is nobody's request
    engine = house.engine.sync_engine
    run = Prepared.run

    async def noted(statement: Prepared, *arguments: Any) -> Any:
        counter.note()
        return await run(statement, *arguments)

    event.listen(engine, "before_cursor_execute", counter.note)
    Prepared.run = noted
    try:
        yield counter
    finally:
        Prepared.run = run
        event.remove(engine, "before_cursor_execute", counter.note)


async def test_no_route_sends_more_statements_than_its_table_says(hotline: Hotline) -> None:
    with counting(hotline) as counter:
        await _everything(hotline, counter)
    for route, count in sorted(counter.counts.items()):
        print(f"{count:3}  {route}")  # noqa: T201 (the counts are what this test is for)
    risen = {
        route: (count, ALLOWED.get(route)) for route, count in counter.counts.items() if count > ALLOWED.get(route, 0)
    }
    assert not risen
    assert set(counter.counts) == set(ALLOWED)


def test_every_route_is_counted() -> None:
    every = {f"{method} {path}" for method, path in doors(application().routes) if method != "MOUNT"}
    api = {door for door in every if "/api/" in door or door in ("GET /health", "GET /ready", "GET /overdue")}
    assert api - set(ALLOWED) == set()


async def _everything(hotline: Hotline, count: Counter) -> None:
    asker = await hotline.requester("K04")
    await _reads_of_the_network(hotline, count, asker)
    await _a_case_by_telephone(hotline, count, asker)
    await _a_case(hotline, count, asker)
    await _answers(hotline, count, asker)
    await _rotas(hotline, count)
    await _swaps_and_leaves(hotline, count)
    await _ladders(hotline, count, asker)
    await _watch(hotline, count)
    await _accounts(hotline, count)


async def _reads_of_the_network(hotline: Hotline, count: Counter, asker: Person) -> None:
    for route in ("/health", "/ready", "/overdue", "/api/v1/telephones", "/api/v1/installation"):
        await count.ask(None, "GET", route)
    for route in ("/me", "/specialties", "/hospitals", "/desks", "/consultations", "/offers"):
        await count.ask(asker, "GET", f"/api/v1{route}")
    desk = (await asker.get("/desks", specialty="K04")).json()["items"][0]["id"]
    await count.ask(asker, "GET", "/api/v1/desks/{desk_id}/on-call", desk_id=desk)
    mine = {"channels": [{"kind": "voice", "address": "0912 345 678"}]}
    await count.ask(asker, "PUT", "/api/v1/me/channels", mine)
    await count.ask(asker, "GET", "/api/v1/me/channels")
    await count.ask(asker, "POST", "/api/v1/me/channels/test", {"kind": "voice"})
    answer = await count.http.get(f"/api/v1/desks/{desk}/duty", headers=asker.headers)
    assert answer.is_success
    await count.ask(asker, "GET", "/api/v1/desks/{desk_id}/duty", desk_id=desk)


async def _a_case_by_telephone(hotline: Hotline, count: Counter, asker: Person) -> None:
    doctor = (await (await hotline.person("tn-timmach-1")).me())["id"]
    now = hotline.clock.now().isoformat()
    told = {"asked_at": now, "answered_at": now, "answered_by": doctor, "text": "Dặn theo dõi, gọi lại khi nặng."}
    await count.ask(asker, "POST", "/api/v1/consultations/telephone", ASK | {"telephone": told})


async def _a_case(hotline: Hotline, count: Counter, asker: Person) -> None:
    case = await count.ask(asker, "POST", "/api/v1/consultations", ASK)
    name = {"consultation_id": case["id"]}
    taken = hotline.clock.now().isoformat()
    await count.ask(asker, "PATCH", CASE, {"background": "Tăng huyết áp."}, **name)
    await count.ask(asker, "POST", f"{CASE}/vitals", {"taken_at": taken, "pulse": 88}, **name)
    await count.ask(asker, "POST", f"{CASE}/urgency", {"urgency": "red", "reason": "Mạch 38."}, **name)
    leader, *team = await hotline.rung(case)
    await count.ask(leader, "POST", f"{CASE}/acceptance", {}, **name)
    await count.ask(team[0], "POST", f"{CASE}/attendance", {"coming": True}, **name)
    await count.ask(leader, "POST", f"{CASE}/stand-down", {}, **name)
    colleague = (await team[0].me())["id"]
    await count.ask(leader, "POST", f"{CASE}/participants", {"user_id": colleague, "role": "invited"}, **name)
    await count.ask(leader, "DELETE", f"{CASE}/participants/{{user_id}}", user_id=colleague, **name)
    opinion = await count.ask(leader, "POST", f"{CASE}/messages", {"text": "Aspirin 300 mg.", "opinion": True}, **name)
    understood = {"event_id": opinion["event_id"], "understood": True, "text": "Aspirin 300 mg."}
    await count.ask(asker, "POST", f"{CASE}/read-back", understood, **name)
    call = await count.ask(asker, "POST", f"{CASE}/calls", {"at": taken, "text": "Dặn lại."}, **name)
    await count.ask(leader, "POST", f"{CASE}/calls/{{call_id}}/confirmation", call_id=call["calls"][0]["id"], **name)
    mate = await hotline.person(asker.account["username"][:-1] + "2")
    await count.ask(asker, "POST", f"{CASE}/ward-owner", {"user_id": (await mate.me())["id"]}, **name)
    conclusion = {"summary": "Đã xem.", "conclusion": "Nhồi máu cơ tim.", "plan": "Chuyển."}
    await count.ask(leader, "POST", f"{CASE}/conclusion", conclusion, **name)
    for route in ("", "/messages", "/attachments", "/history", "/record"):
        await count.ask(asker, "GET", f"{CASE}{route}", **name)
    await count.ask(asker, "POST", f"{CASE}/outcome", {"at": "24h", "result": "transferred"}, **name)


async def _answers(hotline: Hotline, count: Counter, asker: Person) -> None:
    case = await hotline.ask("K04", by=asker)
    name = {"consultation_id": case["id"]}
    [first] = await hotline.rung(case)
    await count.ask(asker, "GET", "/api/v1/me/colleagues")
    await count.ask(first, "POST", f"{CASE}/refusal", {"reason": "busy"}, **name)
    [second] = await hotline.rung(case)
    third = await _somebody_else(hotline, second, first)
    await count.ask(second, "POST", f"{CASE}/forwarding", {"user_id": third, "reason": "Đang mổ."}, **name)
    coordinator = await _coordinator_of(hotline, second)
    await count.ask(coordinator, "POST", f"{CASE}/assignment", {"user_id": (await first.me())["id"]}, **name)
    await second.do(case, "acceptance")
    await count.ask(second, "GET", "/api/v1/me/hand-over")
    await count.ask(second, "POST", "/api/v1/me/hand-over", {"user_id": third, "note": "Hết ca."})
    await second.do(case, "messages", {"text": "Tôi giữ tiếp.", "opinion": True})
    case = await hotline.ask("K04", by=asker)
    name = {"consultation_id": case["id"]}
    [second, *_] = await hotline.rung(case)
    await second.do(case, "acceptance")
    third = await _somebody_else(hotline, second, first)
    await count.ask(second, "POST", f"{CASE}/hand-over", {"user_id": third, "note": "Chờ troponin."}, **name)
    await count.ask(asker, "POST", f"{CASE}/cancellation", {"reason": "Đã chuyển."}, **name)
    drill = await hotline.ask("K04", by=asker, drill=True)
    await count.ask(asker, "POST", f"{CASE}/real", {}, consultation_id=drill["id"])


async def _rotas(hotline: Hotline, count: Counter) -> None:
    """What is rare may take its time: publishing reads whole rotas, and takes the counter of everybody it moves."""
    accounts = {account["username"]: account for account in hotline.accounts}
    head = await hotline.sign_in(accounts["tn-timmach-1"])
    admin = await hotline.sign_in(accounts["tn-quantri"])
    desk, hospital = head.account["desk"], head.account["hospital"]
    me, now = (await head.me())["id"], hotline.clock.now()
    span = {"from": (now + timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=2)).isoformat()}
    override = {"kind": "add", "role": "backup", "doctor": me, "reason": "Thêm người", **span}
    edit = {"changes": [{"op": "put", "kind": "override", "body": override}]}
    rota = await count.ask(head, "GET", "/api/v1/desks/{desk_id}/rota", desk_id=desk)
    await count.ask(head, "POST", "/api/v1/desks/{desk_id}/rota", edit | {"version": rota["version"]}, desk_id=desk)
    truth = {"role": "primary", "by": me, "reason": "Trực thay"}
    truth |= {"from": (now - timedelta(hours=2)).isoformat(), "to": (now - timedelta(hours=1)).isoformat()}
    await count.ask(head, "POST", "/api/v1/desks/{desk_id}/duty-corrections", truth, desk_id=desk)
    rota = await count.ask(admin, "GET", "/api/v1/hospitals/{hospital_id}/rota", hospital_id=hospital)
    settings = {"changes": [{"op": "put", "kind": "settings", "body": {"rest_hours": 8}}], "version": rota["version"]}
    await count.ask(admin, "POST", "/api/v1/hospitals/{hospital_id}/rota", settings, hospital_id=hospital)
    await count.ask(admin, "GET", "/api/v1/hospitals/{hospital_id}/duty", hospital_id=hospital)
    sheet = f"role,doctor,from,to\nprimary,tn-timmach-5,{span['from']},{span['to']}\n"
    await count.ask(head, "POST", "/api/v1/desks/{desk_id}/rota/import", sheet, desk_id=desk)
    feed = await count.ask(head, "POST", "/api/v1/feeds", {"desk": desk})
    secret = feed["url"].rsplit("/", 1)[1].removesuffix(".ics")
    await count.ask(None, "GET", "/api/v1/feeds/{secret}.ics", secret=secret)
    await count.ask(head, "DELETE", "/api/v1/feeds/{feed_id}", feed_id=feed["id"])


async def _swaps_and_leaves(hotline: Hotline, count: Counter) -> None:
    accounts = {account["username"]: account for account in hotline.accounts}
    taker = await hotline.sign_in(accounts["tn-timmach-5"])
    duty = (await taker.get(f"/desks/{taker.account['desk']}/duty")).json()["slots"]
    coming = [s for s in duty if s["role"] == "backup"][2:]  # one runs, and one is an override's, which no swap moves
    by_id = {
        (await (person := await hotline.sign_in(account)).me())["id"]: person
        for name, account in accounts.items()
        if name.startswith("tn-timmach-")
    }
    giver = by_id[coming[0]["doctor"]]
    swap = {name: coming[0][name] for name in ("role", "from", "to")}
    offered = await count.ask(giver, "POST", "/api/v1/swaps", swap)
    await count.ask(giver, "DELETE", "/api/v1/swaps/{swap_id}", swap_id=offered["id"])
    offered = await count.ask(giver, "POST", "/api/v1/swaps", swap)
    await count.ask(taker, "POST", "/api/v1/swaps/{swap_id}/acceptance", swap_id=offered["id"])
    leave = await count.ask(taker, "POST", "/api/v1/leaves", {name: swap[name] for name in ("from", "to")})
    admin = await hotline.sign_in(accounts["tn-quantri"])
    await count.ask(admin, "POST", "/api/v1/leaves/{leave_id}/approval", {"approve": True}, leave_id=leave["id"])
    await count.ask(taker, "DELETE", "/api/v1/leaves/{leave_id}", leave_id=leave["id"])
    for route in ("/swaps", "/leaves", "/holidays", "/feeds"):
        await count.ask(taker, "GET", f"/api/v1{route}")


async def _ladders(hotline: Hotline, count: Counter, asker: Person) -> None:
    case = await hotline.ask("K04", by=asker)
    name = {"consultation_id": case["id"]}
    [first] = await hotline.rung(case)
    coordinator = await _coordinator_of(hotline, first)
    await count.ask(coordinator, "POST", f"{CASE}/step", {"step": 2}, **name)
    other = next(a["desk"] for a in hotline.accounts if a.get("desk") and a["specialty"] == "K02")
    await count.ask(asker, "POST", f"{CASE}/specialties", {"specialty": "K02", "question": "Có sốc không?"}, **name)
    third = next(a["desk"] for a in hotline.accounts if a.get("desk") and a["specialty"] not in ("K02", "K04"))
    await count.ask(coordinator, "POST", f"{CASE}/re-route", {"desk_id": third}, **name)
    await count.ask(first, "GET", "/api/v1/me/waiting")
    hospital = (await asker.me())["hospital"]
    await count.ask(asker, "GET", f"/api/v1/ladder?hospital={hospital}&specialty=K04&urgency=orange")
    count.counts["GET /api/v1/ladder"] = count.counts.pop(
        f"GET /api/v1/ladder?hospital={hospital}&specialty=K04&urgency=orange"
    )
    admin = await hotline.person("tn-quantri")
    body = {"steps": [{"who": ["coordinator"], "timeout_s": 60}], "silent_s": 600}
    at = {"desk_id": other, "hospital_id": first.account["hospital"], "urgency": "green"}
    await count.ask(admin, "GET", "/api/v1/desks/{desk_id}/load", **at)
    own = {"desk_id": first.account["desk"], "user_id": (await first.me())["id"]}
    await count.ask(admin, "PUT", "/api/v1/desks/{desk_id}/doctors/{user_id}/capacity", {"capacity": 4}, **own)
    for place in ("desks/{desk_id}", "hospitals/{hospital_id}"):
        await count.ask(admin, "GET", f"/api/v1/{place}/policies/{{urgency}}", **at)
        await count.ask(admin, "PUT", f"/api/v1/{place}/policies/{{urgency}}", body, **at)


async def _watch(hotline: Hotline, count: Counter) -> None:
    accounts = {account["username"]: account for account in hotline.accounts}
    head, admin = [await hotline.sign_in(accounts[name]) for name in ("tn-timmach-1", "tn-quantri")]
    await count.ask(head, "GET", "/api/v1/gaps")
    async with hotline.app.state.house.database() as session:
        asked = (await session.execute(_ASKED, {"user": (await head.me())["id"], "now": hotline.clock.now()})).scalar()
        await session.commit()
    await count.ask(head, "GET", "/api/v1/duty/checks")
    await count.ask(head, "POST", "/api/v1/duty/checks/{check_id}/answer", {}, check_id=str(asked))
    there = (await admin.get("/agreements", specialty="K04")).json()["items"][0]
    hospitals = (await admin.get("/hospitals")).json()["items"]
    other = next(h["id"] for h in hospitals if h["kind"] == "hospital" and h["id"] != there["answering"])
    agreed = {"asking": other, "answering": there["answering"], "specialty": "K04", "from": "2027-01-01T00:00:00Z"}
    desks = {"desks": [there["desks"][0]["desk"]]}
    made = await count.ask(admin, "POST", "/api/v1/agreements", agreed | desks)
    change = {"version": 1, "to": "2028-01-01T00:00:00Z"}
    await count.ask(admin, "PATCH", "/api/v1/agreements/{agreement_id}", change, agreement_id=made["id"])
    await count.ask(admin, "GET", "/api/v1/agreements")


_ASKED = text("""
INSERT INTO reachability_check (id, schedule_id, role, doctor_id, starts_at, ends_at, asked_at, state)
SELECT gen_random_uuid(), s.id, 'primary', CAST(:user AS uuid), CAST(:now AS timestamptz) + interval '15 minutes',
       CAST(:now AS timestamptz) + interval '9 hours', CAST(:now AS timestamptz), 'asked'
FROM schedule s WHERE s.head_id = CAST(:user AS uuid) RETURNING id
""")


async def _accounts(hotline: Hotline, count: Counter) -> None:
    account = next(a for a in hotline.accounts if a["role"] == "integrator")
    form = {"username": account["username"], "password": account["password"]}
    token = (await count.ask(None, "POST", "/api/v1/auth/token", form))["access_token"]
    await count.ask(None, "POST", "/api/v1/auth/session", form)
    count.http.cookies.clear()
    who = Person(hotline, account, token)
    new = {"current": account["password"], "new": f"hoa-{uuid4()}"}
    await count.ask(who, "POST", "/api/v1/me/password", new)
    await count.ask(who, "DELETE", "/api/v1/auth/session")


async def _somebody_else(hotline: Hotline, *but: Person) -> str:
    """Another doctor of the same desk."""
    desk, known = but[0].account["desk"], {p.account["username"] for p in but}
    account = next(a for a in hotline.accounts if a["desk"] == desk and a["username"] not in known)
    return str((await (await hotline.sign_in(account)).me())["id"])


async def _coordinator_of(hotline: Hotline, doctor: Person) -> Person:
    hospital = doctor.account["hospital"]
    account = next(a for a in hotline.accounts if a["role"] == "coordinator" and a["hospital"] == hospital)
    return await hotline.sign_in(account)


if __name__ == "__main__":
    raise SystemExit(pytest.main(["-s", __file__]))

"""Every door about a case, really knocked at, by everybody, in every state of the case."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from app.errors import Problem
from app.prepared import Immediate
from app.realtime.house import House
from app.services.facts import events
from app.work import Answer, Work
from tests.hotline import NIGHT, Json, Person
from tests.policy import cast as actors
from tests.policy import tables
from tests.policy.cast import CAST, SITUATIONS, Situation
from tests.policy.matrices import CASE_STREAM, MATRICES, OFFERED_BY_MAY, matrix
from tests.staff import Staff

SPOKEN = {
    "asked_at": NIGHT.isoformat(),
    "answered_at": NIGHT.isoformat(),
    "answered_by_name": "BS trực Tim mạch",
    "text": "Hỏi xử trí; dặn theo dõi, gọi lại khi nặng hơn.",
}


class WouldBeDone(Problem):
    """Everything was allowed and written; the test does not commit it, so that the case stays as it is."""

    status = 418
    type = "would-be-done"


@pytest.fixture
def nothing_is_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands go all the way to the commit, and no further."""
    commit = House.commit

    async def stop_short(house: House, work: Work, answer: Answer | None = None) -> None:
        if work.command is None:
            await commit(house, work, answer)
            return
        async with house.database() as session:
            if isinstance(work.session, Immediate):  # what it writes would be committed
                work.session = session
            await events.write(work, answer)
        raise WouldBeDone

    monkeypatch.setattr(House, "commit", stop_short)


@pytest_asyncio.fixture(scope="module")
async def situations(staff: Staff) -> AsyncIterator[dict[str, Situation]]:
    cast = await actors.assemble(staff)
    yield {state: await build(staff, cast) for state, build in SITUATIONS.items()}


def elsewhere(staff: Staff) -> str:
    """Another desk than that of the case."""
    own = staff["tn-timmach-1"].account["desk"]
    return next(str(a["desk"]) for a in staff.hotline.accounts if a.get("desk") and a["desk"] != own)


def knocks(staff: Staff, situation: Situation) -> dict[str, tuple[str, str, Json | None]]:
    """One good request for every door: method, path and body."""
    case = f"/api/v1/consultations/{situation.case['id']}"
    somebody = staff.id_of(situation.cast["spare"])
    return {
        "GET …": ("GET", case, None),
        "GET messages": ("GET", f"{case}/messages", None),
        "GET attachments": ("GET", f"{case}/attachments", None),
        "GET history": ("GET", f"{case}/history", None),
        "GET record": ("GET", f"{case}/record", None),
        "PATCH …": ("PATCH", case, {"background": "Tăng huyết áp 10 năm."}),
        "vitals": ("POST", f"{case}/vitals", {"taken_at": "2026-11-23T20:00:00Z", "pulse": 88}),
        "urgency": ("POST", f"{case}/urgency", {"urgency": "red", "reason": "Huyết áp 70/40"}),
        "cancellation": ("POST", f"{case}/cancellation", {"reason": "Bấm nhầm"}),
        "acceptance": ("POST", f"{case}/acceptance", {}),
        "refusal": ("POST", f"{case}/refusal", {"reason": "busy"}),
        "attendance": ("POST", f"{case}/attendance", {"coming": True}),
        "stand-down": ("POST", f"{case}/stand-down", {}),
        "forwarding": ("POST", f"{case}/forwarding", {"user_id": somebody}),
        "assignment": ("POST", f"{case}/assignment", {"user_id": somebody}),
        "hand-over": ("POST", f"{case}/hand-over", {"user_id": somebody}),
        "step": ("POST", f"{case}/step", {"step": 3}),
        "re-route": ("POST", f"{case}/re-route", {"desk_id": elsewhere(staff)}),
        "specialties": ("POST", f"{case}/specialties", {"desk_id": elsewhere(staff), "question": "Có mổ không?"}),
        "messages": ("POST", f"{case}/messages", {"text": "Đã rõ."}),
        "messages (opinion)": ("POST", f"{case}/messages", {"text": "Chuyển ngay.", "opinion": True}),
        "read-back": ("POST", f"{case}/read-back", {"event_id": situation.opinion, "understood": True}),
        "conclusion": ("POST", f"{case}/conclusion", {"summary": "Nam.", "conclusion": "Nhồi máu.", "plan": "Chuyển."}),
        "outcome": ("POST", f"{case}/outcome", {"at": "24h", "result": "transferred"}),
        "calls": ("POST", f"{case}/calls", {"at": "2026-11-23T20:04:00Z", "text": "Dặn lại liều."}),
        "confirmation": ("POST", f"{case}/calls/{situation.call}/confirmation", {}),
        "ward-owner": ("POST", f"{case}/ward-owner", {"user_id": staff.id_of(situation.cast["cl"])}),
        "real": ("POST", f"{case}/real", {}),
        "participants": ("POST", f"{case}/participants", {"user_id": somebody}),
        "DELETE participants": ("DELETE", f"{case}/participants/{staff.id_of(situation.cast['in'])}", None),
    }


async def knock(person: Person, method: str, path: str, body: Json | None) -> httpx.Response:
    headers = person.headers | ({} if method == "GET" else {"Idempotency-Key": str(uuid4())})
    return await person.hotline.http.request(method, path, headers=headers, json=body)


SIGNS = {200: "+", 201: "+", 418: "+", 403: "3", 404: "4", 409: "9", 422: "2"}
VIEWS = {"full": "F", "card": "C", "header": "H"}
Absent = dict[tuple[str, str], bytes]


def sign_of(answer: httpx.Response, door: str) -> str:
    """One cell of the matrix."""
    if door == "GET …" and answer.status_code == 200:
        return VIEWS[answer.json()["view"]]
    return SIGNS.get(answer.status_code) or f"({answer.status_code} {answer.text})"


@pytest_asyncio.fixture(scope="module")
async def absent(staff: Staff, situations: dict[str, Situation]) -> Absent:
    """What everybody is answered about a case that does not exist."""
    situation = situations["ringing"]
    nowhere = Situation({"id": str(uuid4())}, situation.cast, situation.opinion, situation.call)
    answers: Absent = {}
    for door, (method, path, body) in knocks(staff, nowhere).items():
        for key in [k for k in CAST if any(matrix(text)[door][k] == "4" for text in MATRICES.values())]:
            answer = await knock(situation.cast[key], method, path, body)
            assert answer.status_code == 404, (door, key)
            answers[door, key] = answer.content
    return answers


async def test_every_door_about_a_case_and_everybody_stands_in_the_matrices(
    staff: Staff, situations: dict[str, Situation]
) -> None:
    situation = situations["ringing"]
    names = {situation.case["id"]: "{consultation_id}", staff.id_of(situation.cast["in"]): "{user_id}"}
    names[situation.call] = "{call_id}"
    knocked_at = set()
    for method, path, _ in knocks(staff, situation).values():
        knocked_at.add((method, "/".join(names.get(part, part) for part in path.split("/"))))
    assert knocked_at == {(method, path) for method, path in tables.routes() if "{consultation_id}" in path}
    for text in MATRICES.values():
        rows = matrix(text)
        assert set(rows) == set(knocks(staff, situation))
        assert all(list(row) == list(CAST) for row in rows.values())


@pytest.mark.usefixtures("nothing_is_committed")
@pytest.mark.parametrize("state", MATRICES)
async def test_everybody_is_answered_at_every_door_as_the_matrix_says(
    staff: Staff, situations: dict[str, Situation], absent: Absent, state: str
) -> None:
    situation = situations[state]
    wrong = []
    for door, (method, path, body) in knocks(staff, situation).items():
        for key, expected in matrix(MATRICES[state])[door].items():
            if expected == "." or (key in actors.STRANGERS and state not in ("ringing", "active")):
                continue
            answer = await knock(situation.cast[key], method, path, body)
            found = sign_of(answer, door)
            if found != expected:
                wrong.append(f"{door}, {CAST[key]}: {found} instead of {expected}")
            if found == "4":
                assert answer.content == absent[door, key], "a case that may not be seen answers unlike one that is not"
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("state", MATRICES)
async def test_a_client_is_offered_exactly_what_would_be_done(situations: dict[str, Situation], state: str) -> None:
    situation, rows = situations[state], matrix(MATRICES[state])
    for key in CAST:
        if rows["GET …"][key] in "4.":
            continue
        read = (await situation.cast[key].get(f"/consultations/{situation.case['id']}")).json()
        would_be_done = {may for may, door in OFFERED_BY_MAY.items() if rows[door][key] == "+"}
        if key == "ho":
            would_be_done.discard("accept")  # accepting again what one holds harms nothing, and is no button
        assert set(read["may"]) == would_be_done, CAST[key]


async def test_the_list_shows_to_everybody_what_the_doors_show(situations: dict[str, Situation]) -> None:
    for key in CAST:
        shown: dict[str, Json] = {}
        for situation in situations.values():
            person = situation.cast[key]
        page = await person.get("/consultations")
        shown = {row["id"]: row for row in page.json()["items"]}
        for state, situation in situations.items():
            seen = matrix(MATRICES[state])["GET …"][key]
            if seen == ".":
                continue
            row = shown.get(situation.case["id"])
            assert (row is not None) == (seen != "4"), (CAST[key], state)
            if row is not None and seen == "H":
                assert not {"label", "question", "situation"} & row.keys(), (CAST[key], state)


# --- doors that are not about one case --------------------------------------------------------------------------


def filled_in(path: str, staff: Staff) -> str:
    account = staff["tn-timmach-1"].account
    return (
        path.replace("{desk_id}", account["desk"])
        .replace("{hospital_id}", account["hospital"])
        .replace("{consultation_id}", str(uuid4()))
        .replace("{user_id}", account["id"])
        .replace("{call_id}", str(uuid4()))
        .replace("{swap_id}", str(uuid4()))
        .replace("{leave_id}", str(uuid4()))
        .replace("{feed_id}", str(uuid4()))
        .replace("{secret}", "khong-co")
        .replace("{case}", str(uuid4()))
        .replace("{notice_id}", str(uuid4()))
        .replace("{token}", "A" * 22)
        .replace("{urgency}", "orange")
    )


async def test_without_signing_in_only_the_public_doors_open(staff: Staff) -> None:
    for (method, path), action in tables.routes().items():
        if method == "MOUNT":
            continue
        headers = {"Idempotency-Key": str(uuid4())}
        answer = await staff.hotline.http.request(method, filled_in(path, staff), headers=headers)
        if action == "nobody":
            assert answer.status_code not in (401, 403, 404), (method, path)
        elif action == "by_secret":
            assert answer.status_code in (404, 422), (method, path)
        else:
            assert answer.status_code in ({401} if method in ("GET", "DELETE") else {401, 422}), (method, path)
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.usefixtures("nothing_is_committed")
async def test_each_role_opens_the_doors_that_its_role_opens(staff: Staff) -> None:
    one_of = {
        "requester": "sonla-capcuu-1",
        "specialist": "tn-timmach-1",
        "coordinator": "tn-dieuphoi-1",
        "admin": "tn-quantri",
        "operator": "vanhanh",
        "integrator": "tichhop-sonla",
    }
    bodies: dict[str, Json] = {
        "/api/v1/consultations": {"specialty": "K04", "urgency": "red"},
        "/api/v1/consultations/telephone": {"specialty": "K04", "urgency": "red", "telephone": SPOKEN},
        "/api/v1/me/channels": {"channels": []},
    }
    plain = tables.plain_rows() | dict.fromkeys(tables.OWN, frozenset(one_of))
    own = staff["sonla-capcuu-1"].account["hospital"]
    queries = {"/api/v1/ladder": f"?hospital={own}&specialty=K04&urgency=orange"}
    for (method, path), action in tables.routes().items():
        if action not in plain or method == "DELETE" or path.endswith(("/password", "/channels/test")):
            continue
        for role, username in one_of.items():
            asked = queries.get(path, "")
            answer = await knock(staff[username], method, filled_in(path, staff) + asked, bodies.get(path))
            # A request is one statement, which commits itself: it is done, whatever comes after it.
            assert answer.status_code in ((200, 201, 418) if role in plain[action] else (403,)), (method, path, role)


async def test_a_one_time_password_opens_nothing_but_the_way_to_a_new_one(staff: Staff) -> None:
    [newcomer] = await staff.newcomers(1, hospital=staff["tn-timmach-1"].account["hospital"], specialties=["K04"])
    await staff.execute(
        "UPDATE user_account SET must_change_password = true WHERE id = CAST(:id AS uuid)", id=staff.id_of(newcomer)
    )
    for (method, path), action in tables.routes().items():
        if action in ("nobody", "by_secret", "signature") or path.startswith(("/api/v1/me", "/api/v1/auth")):
            continue
        answer = await knock(newcomer, method, filled_in(path, staff), None)
        assert answer.status_code in ({403} if method in ("GET", "DELETE") else {403, 422}), (method, path)
    assert (await newcomer.get("/me")).json()["must_change_password"] is True


# --- the stream -------------------------------------------------------------------------------------------------------


async def subscribed(person: Person, stream: str) -> str:
    """Whether the stream answers a subscription with a snapshot (y) or as one that does not exist (-)."""
    await person.send({"k": "subscribe", "s": stream})
    answer = await person.hears(
        lambda m: (m["k"] == "snapshot" and m["s"] == stream) or (m["k"] == "error" and m.get("re") is not None)
    )
    if answer["k"] == "snapshot":
        return "y"
    person.heard.remove(answer)
    return f"- {answer['type']} {answer['detail']}"


async def test_the_stream_of_a_case_is_heard_by_whom_the_matrix_says(situations: dict[str, Situation]) -> None:
    rows = matrix(CASE_STREAM)
    for key in CAST:
        person = await next(iter(situations.values())).cast[key].connect()
        refused = await subscribed(person, f"consultation:{uuid4()}")
        for state, situation in situations.items():
            if rows[state][key] == ".":
                continue
            heard = await subscribed(person, f"consultation:{situation.case['id']}")
            assert heard == (refused if rows[state][key] == "-" else "y"), (CAST[key], state)
        await person.disconnect()


async def test_own_streams_and_boards_are_heard_by_whom_the_table_says(staff: Staff) -> None:
    another, elsewhere = staff["tudu-sanphu-1"].account, staff["gialai-dieuphoi-1"].account
    for username in ("sonla-capcuu-1", "tn-timmach-1", "tn-dieuphoi-1", "tn-quantri", "vanhanh", "tichhop-sonla"):
        person = await staff[username].connect()
        account = person.account
        refused = await subscribed(person, f"consultation:{uuid4()}")
        for kind, whose, letters in tables.rows(tables.KINDS_OF_STREAM)[1:]:
            own = account["id"] if kind == "user" else account.get("hospital") or str(uuid4())
            others = another["id"] if kind == "user" else elsewhere["hospital"]
            heard = await subscribed(person, f"{kind}:{own if whose == 'own' else others}")
            allowed = account["role"] in tables.roles_of(letters)
            assert heard == ("y" if allowed else refused), (username, kind, whose)
        await person.disconnect()

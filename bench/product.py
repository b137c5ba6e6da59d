"""Speaking to the product: who asks whom, sign-in, the stream, and the body of a request as a ward writes it."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from pydantic_core import from_json, to_json

from app.identifiers import new_id
from bench.client import Http, Reply, Socket, open_socket
from bench.servers import Ground

STREAM = "/api/v1/stream"
Heard = Callable[[dict[str, Any], float], None]


@dataclass(frozen=True, slots=True)
class Person:
    """An account with a token."""

    id: UUID
    username: str
    role: str
    token: str

    @property
    def headers(self) -> bytes:
        """What a read needs."""
        return f"authorization: Bearer {self.token}\r\n".encode()

    def command(self) -> bytes:
        """What a command needs: the token and a key of its own."""
        return f"authorization: Bearer {self.token}\r\nidempotency-key: {uuid4()}\r\n".encode()


@dataclass(frozen=True, slots=True)
class Pair:
    """A doctor who asks and the one who is on call for it, with a finished case of theirs as a sample."""

    asker: Person
    answerer: Person
    specialty: str
    sample: UUID


async def sign_in(ground: Ground, database: str, usernames: Iterable[str]) -> dict[str, Person]:
    """Open a session for each account, straight in the database: hashing passwords is not what is measured."""
    now = datetime.now(UTC)
    async with ground.connection(database) as connection:
        rows = await connection.fetch(
            "SELECT id, username, role FROM user_account WHERE username = ANY($1::text[])", list(usernames)
        )
        people = {row["username"]: Person(row["id"], row["username"], row["role"], token_urlsafe(32)) for row in rows}
        await connection.executemany(
            "INSERT INTO session (id, user_id, digest, kind, created_at, expires_at) VALUES ($1,$2,$3,'bearer',$4,$5)",
            [
                (new_id(now), p.id, sha256(p.token.encode()).digest(), now, now + timedelta(hours=12))
                for p in people.values()
            ],
        )
    return people


async def choose_pairs(
    http: Http, accounts: Sequence[dict[str, Any]], people: dict[str, Person], count: int
) -> list[Pair]:
    """Let `count` doctors of different hospitals ask once and be answered, and return who asked whom.

    Hospitals and specialties are spread as the demo's two agreements have them, so that no one counter is everybody's.
    """
    askers = [a for a in accounts if a["role"] == "requester" and a["may_ask"]]
    by_hospital: dict[str, list[dict[str, Any]]] = {}
    for account in askers:
        by_hospital.setdefault(account["hospital"], []).append(account)
    turns = [
        group[turn]
        for turn in range(max(map(len, by_hospital.values())))
        for group in by_hospital.values()
        if turn < len(group)
    ]
    by_id = {person.id: person for person in people.values()}
    used: set[UUID] = set()
    pairs: list[Pair] = []
    for place, account in enumerate(turns):
        asker = people[account["username"]]
        for shift in range(len(account["may_ask"])):
            specialty = account["may_ask"][(place * 5 + shift) % len(account["may_ask"])]
            case = (await ask(http, asker, specialty, f"sample-{place}")).expect(201).json()
            answerer = by_id.get(UUID(case["callouts"][0]["offers"][0]["doctor"]))
            if answerer is None:
                raise RuntimeError("a doctor on call has no account")
            (await accept(http, answerer, case["id"])).expect(200)
            if answerer.id not in used:
                used.add(answerer.id)
                pairs.append(Pair(asker, answerer, specialty, UUID(case["id"])))
                break
        if len(pairs) == count:
            break
    return pairs


async def ask(http: Http, asker: Person, specialty: str, label: str, urgency: str = "orange") -> Reply:
    """Ask for a consultation."""
    return await http.request(
        "POST", "/api/v1/consultations", headers=asker.command(), body=request_body(specialty, label, urgency)
    )


async def accept(http: Http, answerer: Person, case_id: str) -> Reply:
    """Take a case."""
    path = f"/api/v1/consultations/{case_id}/acceptance"
    return await http.request("POST", path, headers=answerer.command(), body=b"{}")


def request_body(specialty: str, label: str, urgency: str = "orange") -> bytes:
    """Return a request with one set of vital signs and all ISBAR fields, in the length that wards write."""
    return to_json(
        {
            "specialty": specialty,
            "urgency": urgency,
            "question": "Sốc nhẹ, ST chênh lên thành dưới. Tiêu sợi huyết tại chỗ hay chuyển thẳng can thiệp?",
            "situation": "Đau ngực sau xương ức giờ thứ 2, vã mồ hôi.",
            "background": "Tăng huyết áp 10 năm, hút thuốc lá. Không có tiền sử xuất huyết.",
            "assessment": "ECG 02:58: ST chênh lên DII, DIII, aVF. Đã cho aspirin 300 mg lúc 03:00.",
            "recommendation": "Có thuốc tiêu sợi huyết, không có phòng can thiệp. Đường đi khoảng 7 giờ.",
            "kind_of_help": "treatment",
            "patient": {"label": label, "sex": "male", "age_years": 58, "weight_kg": 64},
            "vitals": [
                {
                    "taken_at": datetime.now(UTC).isoformat(),
                    "pulse": 52,
                    "systolic": 94,
                    "diastolic": 60,
                    "respiration": 22,
                    "temperature": 36.6,
                    "spo2": 93,
                    "on_oxygen": True,
                    "oxygen_l_min": 3,
                    "consciousness": "alert",
                }
            ],
            "diagnosis": {"code": "I21.1", "text": "Nhồi máu cơ tim cấp thành dưới"},
            "safety": {"allergies": {"state": "none"}, "anticoagulant": {"state": "unknown"}},
        }
    )


async def listen(port: int, person: Person, heard: Heard, cursors: dict[str, list[Any]] | None = None) -> Socket:
    """Open the stream as this person; `heard` gets each envelope and when its frame arrived."""

    def on_text(text: bytes, arrived: float) -> None:
        said = from_json(text)
        for envelope in said if isinstance(said, list) else (said,):
            heard(envelope, arrived)

    socket = await open_socket(port, STREAM, on_text)
    socket.send(to_json({"k": "hello", "token": person.token, "cursors": cursors or {}}))
    return socket


async def person_of(http: Http, folder: Path, role: str) -> tuple[Person, str]:
    """Sign the first account of a role in over HTTP, and return a specialty that it may ask."""
    accounts = json.loads((folder / "demo-accounts.json").read_text("utf-8"))
    account = next(a for a in accounts if a["role"] == role)
    form = urlencode({"username": account["username"], "password": account["password"]}).encode()
    reply = await http.request(
        "POST",
        "/api/v1/auth/token",
        headers=b"content-type: application/x-www-form-urlencoded\r\n",
        body=form,
    )
    token = reply.expect(200).json()["access_token"]
    person = Person(UUID(int=0), account["username"], role, token)
    return person, (account["may_ask"] or [""])[0]

"""The demonstration: its network in an empty database, and a file that says who can sign in. Not for patients.

All demo accounts share one password, made at random for each database. Hashing costs a fifth of a second by design, so
four hundred passwords of their own would make the first start take a minute and protect nobody.
"""

import asyncio
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from sqlalchemy import exists, func, or_, select, text, update

from app.demo import network
from app.models.installation import Installation
from app.models.organization import Organization
from app.models.user import User
from app.services.people.network import import_network
from app.services.rostering.duty import compile_duty
from app.work import Work

ACCOUNTS_FILE: Final = "demo-accounts.json"

# fmt: off
_SYLLABLES: Final = (
    "ban", "be", "bien", "bong", "cam", "canh", "cau", "che", "chim", "co", "com", "dao", "den", "dia", "do", "dong",
    "duong", "ga", "gao", "gio", "go", "hat", "hoa", "hoi", "hong", "hue", "kem", "khe", "la", "lan", "lau", "lua",
    "mai", "mam", "man", "may", "mo", "mua", "nam", "nang", "nau", "ngo", "nho", "non", "nui", "phao", "quat", "rau",
    "rung", "sao", "sen", "song", "suoi", "tam", "than", "thu", "tra", "trang", "tre", "tung", "vang", "vung",
    "xanh", "xoai",
)
# fmt: on


class NotADemoError(Exception):
    """The database holds a network that is not the demo's; it is left alone."""

    def __init__(self) -> None:
        """Say it in both languages."""
        super().__init__(
            "Cơ sở dữ liệu đã có dữ liệu thật: không nạp dữ liệu demo. Dùng «hoichan serve». / "
            "The database already holds data that are not the demo's: nothing was loaded. Use 'hoichan serve'."
        )


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One line of the accounts file. Ids stand under the contract's names, what they are called beside them."""

    username: str
    password: str
    role: str
    hospital: str | None
    desk: str | None
    specialty: str | None
    may_ask: list[str]
    """Codes that the hospital of a requester has an agreement for; empty for everybody else."""
    name: str
    hospital_name: str | None
    desk_name: str | None
    ward_name: str | None
    rota: list[str] = field(default_factory=list)
    """Roles in which this account is on a rota: `primary`, `coordinator`…"""


async def load_demo(work: Work, data_dir: Path) -> list[DemoAccount]:
    """Make sure that the demo network is there and on duty, and that the accounts file can sign in to it.

    The network is loaded once, into an empty database; later starts only bring duty up to date, so that what was tried
    out stays. Raises NotADemoError when the database holds something else.
    """
    file = data_dir / ACCOUNTS_FILE
    if await _is_ours(work):
        password = await _known_password(work, file)
    else:
        await _must_be_empty(work)
        password = _new_password()
        hashed = await asyncio.to_thread(PasswordHash.recommended().hash, password)
        report = await import_network(work, network(), password_hash=hashed, demo=True)
        if report.errors:
            first = report.errors[0]
            raise ValueError(f"the demo network is broken: line {first.line}, {first.path}: {first.en}")
        await work.session.execute(update(User).where(User.demo).values(must_change_password=False))
        await work.session.execute(update(Installation).values(demo=True))
    accounts = await _accounts(work, password)
    await asyncio.to_thread(write_accounts, file, accounts)
    return accounts


def write_accounts(file: Path, accounts: list[DemoAccount]) -> None:
    """Write the file for its owner's eyes only, whole or not at all, and only when it would change."""
    text_ = json.dumps([asdict(account) for account in accounts], ensure_ascii=False, indent=1) + "\n"
    if file.exists() and file.stat().st_mode & 0o777 == 0o600 and file.read_text("utf-8") == text_:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text_)
    draft.replace(file)


async def _is_ours(work: Work) -> bool:
    return bool(await work.session.scalar(select(Installation.demo).with_for_update()))


async def _must_be_empty(work: Work) -> None:
    if await work.session.scalar(select(or_(exists(select(Organization.id)), exists(select(User.id))))):
        raise NotADemoError


async def _known_password(work: Work, file: Path) -> str:
    """Bring duty up to date, and meanwhile find whether the password of the accounts file is still this database's.

    Otherwise all demo accounts get a new one. Somebody may have changed the password of one account: what most have
    counts.
    """
    hashed = await work.session.scalar(
        select(User.password_hash).where(User.demo).group_by(User.password_hash).order_by(func.count().desc()).limit(1)
    )
    checking = asyncio.create_task(asyncio.to_thread(_password_that_fits, file, hashed or ""))
    await compile_duty(work)
    known = await checking
    if known is not None:
        return known
    password = _new_password()
    hashed = await asyncio.to_thread(PasswordHash.recommended().hash, password)
    await work.session.execute(update(User).where(User.demo).values(password_hash=hashed))
    return password


def _password_that_fits(file: Path, hashed: str) -> str | None:
    """The password in an accounts file, when it is the one behind this hash."""
    try:
        password = str(json.loads(file.read_text("utf-8"))[0]["password"])
        return password if PasswordHash.recommended().verify(password, hashed) else None
    except (OSError, ValueError, LookupError, TypeError, PwdlibError):
        return None


def _new_password() -> str:
    """Readable aloud, and random enough for a demo on one's own machine (37 bits)."""
    return "-".join([*(secrets.choice(_SYLLABLES) for _ in range(5)), f"{secrets.randbelow(90) + 10}"])


async def _accounts(work: Work, password: str) -> list[DemoAccount]:
    """Everybody who can sign in, in the order of the network file."""
    found = (await work.session.execute(_ACCOUNTS, {"now": work.now})).mappings()
    return [_account(dict(row), password) for row in found]


def _account(row: dict[str, Any], password: str) -> DemoAccount:
    def name_of(thing: UUID | None) -> str | None:
        return str(thing) if thing else None

    return DemoAccount(
        username=row["username"],
        password=password,
        role=row["role"],
        hospital=name_of(row["hospital_id"]),
        desk=name_of(row["desk_id"]),
        specialty=row["specialty"],
        may_ask=row["may_ask"] if row["role"] == "requester" else [],
        name=row["name"],
        hospital_name=row["hospital_name"],
        desk_name=row["desk_name"],
        ward_name=row["ward_name"],
        rota=row["rota"] or [],
    )


_ACCOUNTS: Final = text("""
WITH seat AS (
  SELECT DISTINCT CAST(doctor AS uuid) AS user_id, s.desk_id, l.role
  FROM layer l JOIN schedule s ON s.id = l.schedule_id,
       jsonb_array_elements(l.turns) turn, jsonb_array_elements_text(turn) doctor
), asks AS (
  SELECT h.id AS hospital_id, array_agg(DISTINCT a.specialty ORDER BY a.specialty) AS codes
  FROM organization h JOIN agreement a ON a.asking_id IN (h.id, h.department_id)
  WHERE a.during @> CAST(:now AS timestamptz) GROUP BY h.id
)
SELECT u.username, u.role, u.name, u.hospital_id, h.short_name AS hospital_name, w.name AS ward_name,
       d.id AS desk_id, d.name AS desk_name,
       (SELECT min(us.specialty) FROM user_specialty us WHERE us.user_id = u.id) AS specialty,
       coalesce(asks.codes, '{}') AS may_ask,
       (SELECT array_agg(DISTINCT seat.role ORDER BY seat.role) FROM seat WHERE seat.user_id = u.id) AS rota
FROM user_account u
LEFT JOIN organization h ON h.id = u.hospital_id
LEFT JOIN ward w ON w.id = u.ward_id
LEFT JOIN desk d ON d.id = (SELECT min(CAST(seat.desk_id AS text)) FROM seat WHERE seat.user_id = u.id)::uuid
LEFT JOIN asks ON asks.hospital_id = u.hospital_id
WHERE u.demo AND u.active
ORDER BY array_position(ARRAY['requester', 'specialist', 'coordinator', 'admin', 'operator', 'integrator'], u.role),
         h.key, u.username
""")

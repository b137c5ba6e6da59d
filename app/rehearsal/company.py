"""Everybody who plays a part: who asks, who may be rung, and their devices."""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.rehearsal.ears import Ears, Envelope
from app.rehearsal.visits import Visit
from app.rehearsal.wire import GaveUpError, Wire

MOST_ASKERS: Final = 24
SIGN_IN_AT_A_TIME: Final = 4
SIGN_OUT_AT_A_TIME: Final = 16
ONLINE_WITHIN_S: Final = 30.0


@dataclass(slots=True)
class Account:
    """One line of the accounts file, and the session made from it."""

    username: str
    password: str = field(repr=False)
    role: str
    hospital: str | None
    desk: str | None
    specialty: str | None
    may_ask: list[str]
    token: str = field(default="", repr=False)
    ears: Ears | None = None

    @property
    def id(self) -> str:
        """The user's id, known once the stream has welcomed them."""
        return self.ears.user_id if self.ears else ""


class Company:
    """The people of one rehearsal."""

    def __init__(self, accounts: Sequence[Account], wire: Wire) -> None:
        """Nobody is signed in before `gather`."""
        self.wire = wire
        self.accounts = accounts
        self.present: dict[str, Account] = {}
        self.by_id: dict[str, Account] = {}
        self.refused: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    def askers(self) -> list[Account]:
        """Choose requesting doctors of as many hospitals as there are, some of each, who may ask something."""
        by_hospital: dict[str | None, list[Account]] = {}
        for account in self.accounts:
            if account.role == "requester" and account.may_ask:
                by_hospital.setdefault(account.hospital, []).append(account)
        chosen: list[Account] = []
        while len(chosen) < MOST_ASKERS and any(by_hospital.values()):
            for group in by_hospital.values():
                if group and len(chosen) < MOST_ASKERS:
                    chosen.append(group.pop(0))
        return chosen

    def answerers(self, specialties: Iterable[str], askers: Sequence[Account]) -> list[Account]:
        """Choose who may be rung: doctors of these specialties, their coordinators, and two asking boards."""
        wanted = set(specialties)
        doctors = [a for a in self.accounts if a.role == "specialist" and a.specialty in wanted]
        hospitals = {a.hospital for a in doctors} | {a.hospital for a in askers[:2]}
        return doctors + [a for a in self.accounts if a.role == "coordinator" and a.hospital in hospitals]

    async def gather(
        self,
        people: Sequence[Account],
        *,
        on_event: Callable[[Account, Envelope, float], None],
        on_snapshot: Callable[[Account, Envelope, float], None],
        one_more: Callable[[], None],
    ) -> None:
        """Sign everybody in and open their sockets; those who are refused stay away and are listed."""
        few = asyncio.Semaphore(SIGN_IN_AT_A_TIME)

        async def come(account: Account) -> None:
            async with few:
                try:
                    account.token = await self.wire.sign_in(account.username, account.password)
                except GaveUpError as error:
                    self.refused.append(str(error))
                    return
                finally:
                    one_more()
            account.ears = Ears(
                self.wire.url,
                account.token,
                lambda envelope, at: on_event(account, envelope, at),
                lambda envelope, at: on_snapshot(account, envelope, at),
            )
            self._tasks.append(asyncio.create_task(account.ears.run()))
            self.present[account.username] = account

        await asyncio.gather(*(come(account) for account in people))
        async with asyncio.timeout(ONLINE_WITHIN_S):
            await asyncio.gather(*(a.ears.welcomed.wait() for a in self.present.values() if a.ears))
        self.by_id = {account.id: account for account in self.present.values()}

    async def leave(self) -> None:
        """Close every socket and end every session."""
        await asyncio.gather(*(a.ears.stop() for a in self.present.values() if a.ears))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        few = asyncio.Semaphore(SIGN_OUT_AT_A_TIME)

        async def go(account: Account) -> None:
            async with few:
                await self.wire.sign_out(account.token)

        await asyncio.gather(*(go(account) for account in self.present.values()))

    def colleague_for(self, desk: str, specialty: str, *, rung: Iterable[str]) -> Account | None:
        """Return somebody of a desk whom a coordinator can assign: best one who was not rung yet."""
        staff = [a for a in self.present.values() if a.desk == desk and a.specialty == specialty and a.ears]
        asked = set(rung)
        staff.sort(key=lambda a: (a.id in asked, not (a.ears and a.ears.online), a.username))
        return staff[0] if staff else None


def read_accounts(file: Path) -> list[Account]:
    """Read who can sign in. Raises ValueError with what to do when the file is not there or not one of ours."""
    try:
        rows: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))
        return [
            Account(
                username=row["username"],
                password=row["password"],
                role=row["role"],
                hospital=row.get("hospital"),
                desk=row.get("desk"),
                specialty=row.get("specialty"),
                may_ask=list(row.get("may_ask") or ()),
            )
            for row in rows
        ]
    except FileNotFoundError:
        raise ValueError(f"{file}: chưa có. Chạy «make run» trước. / not there; run 'make run' first.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file}: không đọc được / cannot be read ({type(error).__name__})") from None


def cast(visits: Sequence[Visit], askers: Sequence[Account]) -> list[tuple[str, Account]]:
    """Choose for each visit the specialty that suits it best among those anyone may ask, and who asks it, by turns."""
    turns: dict[str, int] = {}
    parts: list[tuple[str, Account]] = []
    for visit in visits:
        for code in visit.specialties:
            able = [a for a in askers if code in a.may_ask]
            if able:
                turns[code] = turns.get(code, -1) + 1
                parts.append((code, able[turns[code] % len(able)]))
                break
        else:
            asker = askers[len(parts) % len(askers)]
            parts.append((asker.may_ask[0], asker))
    return parts

"""The command line, with places at which it dies: a test arms one, and the process kills itself there without a word.

    python -m tests.faults.failpoint demo

The folder in HOICHAN_TEST_FAULTS holds two files. `die` names a fact and a place ("offer.accepted committed"); with
"timer" as a third word only the timer loop's own transactions count. `ahead` holds seconds that the house believes to
have passed more than have, so that a due time comes without waiting. Passwords cost this process next to nothing: it is
started and signed in to dozens of times, and what they should cost is tested elsewhere.

    received    the service has done its part, nothing is written yet
    written     everything is written; nothing is committed, unless writing and committing were one statement
    committed   the database has it, nobody has been told
    queued      it waits in the sockets' queues, nothing is on the wire
    heard       the sockets have it, the caller has no answer
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.cli import main
from app.clock import DatabaseClock
from app.realtime.house import House
from app.realtime.hub import Hub
from app.services.facts import events
from app.services.people import passwords
from app.work import Answer, Entry, Fact, Work

FOLDER = Path(os.environ["HOICHAN_TEST_FAULTS"])
LONG_ENOUGH_TO_BE_WRITTEN_S = 0.3


def die_if(place: str, facts: Sequence[Fact], *, by_timer: bool) -> None:
    """Kill this process, if this is the place and one of the facts is the one."""
    try:
        wanted = (FOLDER / "die").read_text().split()
    except FileNotFoundError:
        return
    if len(wanted) < 2 or wanted[1] != place or wanted[0] not in {f.type for f in facts}:
        return
    if by_timer is not (wanted[2:] == ["timer"]):
        return
    os.kill(os.getpid(), signal.SIGKILL)


def install() -> None:
    """Put the places into the house."""
    write, commit, deliver, now = events.write, House.commit, Hub.deliver, DatabaseClock.now

    async def dying_write(work: Work, answer: Answer | None = None) -> Any:
        by_timer = work.actor is None
        die_if("received", work.facts, by_timer=by_timer)
        entries = await write(work, answer)
        die_if("written", work.facts, by_timer=by_timer)
        return entries

    def dying_deliver(hub: Hub, entries: Sequence[Entry], **more: Any) -> None:
        facts, by_timer = [e.fact for e in entries], more["actor"] is None
        die_if("committed", facts, by_timer=by_timer)
        deliver(hub, entries, **more)
        die_if("queued", facts, by_timer=by_timer)

    async def dying_commit(house: House, work: Work, answer: Answer | None = None) -> None:
        await commit(house, work, answer)
        if (FOLDER / "die").exists():
            await asyncio.sleep(LONG_ENOUGH_TO_BE_WRITTEN_S)
            die_if("heard", work.facts, by_timer=work.actor is None)

    def later(clock: DatabaseClock) -> datetime:
        try:
            ahead = float((FOLDER / "ahead").read_text())
        except (FileNotFoundError, ValueError):
            ahead = 0.0
        return now(clock) + timedelta(seconds=ahead)

    events.write = dying_write
    House.commit = dying_commit
    Hub.deliver = dying_deliver
    DatabaseClock.now = later

    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    PasswordHash.recommended = staticmethod(lambda: cheap)
    passwords._HASHER = cheap


if __name__ == "__main__":
    install()
    main()

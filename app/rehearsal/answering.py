"""The answering side: doctors take a case, decline it, take their time or drop off; coordinators assign."""

import asyncio
from time import perf_counter
from typing import Any, Final

from app.rehearsal.company import Account, Company
from app.rehearsal.ears import Envelope
from app.rehearsal.stories import SENT_TWICE, Case, Story
from app.rehearsal.wire import GaveUpError, Reply

AWAY_S: Final = 34.0
"""How long a device stays off the network: over the 30 s after which the next doctor is rung."""
COORDINATOR: Final = "coordinator"
TOO_LATE: Final = ("not-ringing", "taken", "wrong-state")
"""Answers that whoever comes second must expect."""


class Answering:
    """The specialists and coordinators of one rehearsal."""

    def __init__(self, company: Company, cases: dict[str, Case]) -> None:
        """`cases` by label; ids are learnt from the offers."""
        self.company = company
        self.cases = cases
        self.by_id: dict[str, Case] = {}
        self.offers_heard: dict[str, set[str]] = {}
        """Ids of offers each user's device has shown."""
        self.taken_answers = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def on_event(self, account: Account, envelope: Envelope, at: float) -> None:
        """Take an event from somebody's own stream."""
        if not envelope["s"].startswith("user:"):
            return
        d = envelope["d"]
        if envelope["t"] == "offer.made" and d.get("doctor") == account.id:
            case = self._case_of(d)
            if case is not None:
                self._rung(account, case, d, envelope, at)
        elif envelope["t"] == "offer.accepted" and d.get("doctor") != account.id:
            case = self._case_of(d)
            if case is not None and case.visit.urgency == "red" and account.role == "specialist":
                self._soon(self._attend(account, case))

    def on_snapshot(self, account: Account, envelope: Envelope, at: float) -> None:
        """Take the open offers that a snapshot of one's own stream brings, after too long an absence."""
        for offer in envelope["d"].get("offers", ()) if envelope["s"].startswith("user:") else ():
            case = self._case_of({"consultation_id": offer["consultation_id"], "offer": offer})
            if case is not None and offer["offer_id"] not in self.offers_heard.get(account.id, ()):
                self._rung(account, case, offer | {"offer": offer}, envelope, at)

    async def settle(self, seconds: float) -> None:
        """Let what is under way come to an end."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    def _case_of(self, d: dict[str, Any]) -> Case | None:
        case = self.by_id.get(d["consultation_id"])
        if case is None and "offer" in d:
            case = self.cases.get(d["offer"]["card"]["patient"]["label"])
            if case is not None:
                case.id = d["consultation_id"]
                self.by_id[case.id] = case
        return case

    def _rung(self, account: Account, case: Case, d: dict[str, Any], envelope: Envelope, at: float) -> None:
        assert account.ears is not None
        step, role = int(d["step"]), str(d["role"])
        case.escalated = case.escalated or step > 0
        if case.story is Story.DROPPED and not case.dropped:
            case.dropped = True  # once: the device that comes back takes the offer as any other
            account.ears.drop(AWAY_S)
            return
        self.offers_heard.setdefault(account.id, set()).add(d["offer_id"])
        if case.shown_at is None:
            case.shown_at = at
            case.shown_to_first = step == 0 and case.story is not Story.DROPPED
        account.ears.acknowledge(envelope["s"], envelope["n"], "delivered")
        account.ears.acknowledge(envelope["s"], envelope["n"], "seen")
        if role == COORDINATOR:
            self._soon(self._coordinate(account, case, d))
        else:
            self._soon(self._answer(account, case, step, role))

    async def _answer(self, account: Account, case: Case, step: int, role: str) -> None:
        if case.story is Story.CANCELLED:
            return
        await asyncio.sleep(self._thinking(case, step))
        if case.held.is_set() and case.story is not Story.CONTESTED:
            return
        assigned = account.id in case.assigned
        able = account.role == "specialist"
        declines = case.story is Story.NOBODY or (case.story is Story.DECLINED and case.declines == 0)
        if not assigned and (declines or not able):
            case.declines += 1
            await self._decline(account, case)
        else:
            await self._accept(account, case, step, role)

    def _thinking(self, case: Case, step: int) -> float:
        if case.story is Story.CONTESTED:
            return 0.05
        if case.story is Story.LATE or (case.story is Story.DROPPED and step > 0):
            return case.mood.uniform(3.0, 8.0)
        return case.mood.uniform(0.1, 0.8)

    async def _decline(self, account: Account, case: Case) -> None:
        reason = case.mood.choice(["procedure", "busy", "other"])
        body = {"reason": reason, "text": "Đang ở xa máy." if reason == "other" else ""}
        await self._command(account, case, "refusal", body, expected=TOO_LATE)

    async def _accept(self, account: Account, case: Case, step: int, role: str) -> None:
        sent = perf_counter()
        case.accepted_at = case.accepted_at or sent
        key = f"rehearsal-{case.label}-{account.username}"
        times = 2 if case.mood.random() < SENT_TWICE else 1  # the answer got lost: the device sends it again
        replies = await asyncio.gather(
            *(self._command(account, case, "acceptance", {}, key=key, expected=TOO_LATE) for _ in range(times))
        )
        won = next((r for r in replies if r is not None and r.ok), None)
        if won is None:
            self.taken_answers += 1
            return
        case.winners.append(account.id)
        if not case.holder:
            case.accepted_at = sent
            case.holder, case.step, case.role = account.username, step, role
            case.escalated = case.escalated or step > 0
        case.held.set()

    async def _attend(self, account: Account, case: Case) -> None:
        """The red team's other members say whether they come, once there is a leader."""
        await asyncio.sleep(case.mood.uniform(0.1, 0.5))
        body = {"coming": case.mood.random() < 0.7}
        await self._command(account, case, "attendance", body, expected=TOO_LATE)

    async def _coordinate(self, account: Account, case: Case, d: dict[str, Any]) -> None:
        """The end of the ladder: name somebody of the desk, who then takes it."""
        await asyncio.sleep(case.mood.uniform(0.2, 0.8))
        if case.held.is_set() or case.assigned:
            return
        card = d["offer"]["card"]["callouts"][-1] if "offer" in d else {}
        rung = [o["doctor"] for o in card.get("offers", ())]
        desk = str(card.get("desk") or d.get("desk") or "")
        colleague = self.company.colleague_for(desk, case.specialty, rung=rung)
        if colleague is None:
            case.trouble.append("nobody to assign")
            return
        case.assigned.add(colleague.id)
        reply = await self._command(account, case, "assignment", {"user_id": colleague.id}, expected=("wrong-state",))
        if reply is not None and not reply.ok:
            case.assigned.discard(colleague.id)

    async def _command(
        self,
        account: Account,
        case: Case,
        what: str,
        body: dict[str, Any],
        *,
        key: str | None = None,
        expected: tuple[str, ...] = (),
    ) -> Reply | None:
        """Command, and note an answer that this story does not explain."""
        try:
            reply = await self.company.wire.command(account.token, f"/consultations/{case.id}/{what}", body, key=key)
        except GaveUpError as error:
            case.trouble.append(str(error))
            return None
        if not reply.ok and reply.problem not in expected:
            case.trouble.append(f"{what}: {reply.status} {reply.problem}")
        return reply

    def _soon(self, what: Any) -> None:
        task = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

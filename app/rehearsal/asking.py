"""The asking side of each case: the request (corrected where the API refuses a field), the wait, and the case's end."""

import asyncio
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Final

from app.rehearsal.answering import Answering
from app.rehearsal.company import Account, Company
from app.rehearsal.ears import Envelope
from app.rehearsal.stories import Case, Story
from app.rehearsal.visits import COLUMN_OF
from app.rehearsal.wire import GaveUpError, Reply

HELD_WITHIN_S: Final = 240.0
HEARD_WITHIN_S: Final = 60.0
CANCEL_AFTER_S: Final = 1.5


class Asking:
    """The requesting doctors of one rehearsal."""

    def __init__(self, company: Company, answering: Answering) -> None:
        """Each asks through their own account and hears through their own socket."""
        self.company = company
        self.answering = answering
        self.ids: dict[str, set[str]] = {}
        """Ids that the server gave to each label: two would be a doubled request."""

    def on_event(self, account: Account, envelope: Envelope, at: float) -> None:
        """Take an event of a case that this doctor asked."""
        if not envelope["s"].startswith("consultation:") or account.role != "requester":
            return
        case = self.answering.by_id.get(envelope["d"].get("consultation_id", ""))
        if case is None or case.asker != account.username:
            return
        if envelope["t"] == "offer.accepted" and case.told_at is None:
            case.told_at = at
        case.facts[envelope["t"]] = envelope
        case.hear(envelope["t"]).set()

    async def live(self, case: Case) -> None:
        """Take one visit from the request to its end."""
        asker = self.company.present[case.asker]
        try:
            if not await self._ask(asker, case):
                case.stage = "turned away"
                return
            if case.story is Story.CANCELLED:
                await self._cancel(asker, case)
                return
            case.stage = "asked"
            async with asyncio.timeout(HELD_WITHIN_S):
                await case.held.wait()
            case.stage = "held"
            await self._hear(case, "offer.accepted")
            await self._discuss(asker, self.company.present[case.holder], case)
        except GaveUpError as error:
            case.trouble.append(f"{case.stage}: {error}")
        except TimeoutError:
            case.trouble.append(f"{case.stage}: nobody took it within {HELD_WITHIN_S:.0f} s")

    async def _ask(self, asker: Account, case: Case) -> bool:
        """Send the request; leave out what the API refuses and send it once more."""
        without: frozenset[str] = frozenset()
        for attempt in range(2):
            now = datetime.now(UTC)
            body = case.visit.request(specialty=case.specialty, label=case.label, now=now, without=without)
            key = f"rehearsal-{case.label}-{attempt}"
            case.asked_at = perf_counter()
            times = 2 if case.sent_twice else 1
            replies = await asyncio.gather(
                *(self.company.wire.command(asker.token, "/consultations", body, key=key) for _ in range(times))
            )
            for reply in replies:
                if reply.ok:
                    self.ids.setdefault(case.label, set()).add(reply.said["id"])
            done = next((reply for reply in replies if reply.ok), None)
            if done is not None:
                case.id = done.said["id"]
                self.answering.by_id[case.id] = case
                return True
            without = self._refused(case, replies[0])
            if not without:
                break
        return False

    def _refused(self, case: Case, reply: Reply) -> frozenset[str]:
        """Note what the API said of each field; empty when nothing that could be left out was named."""
        errors = reply.said.get("errors") or [] if isinstance(reply.said, dict) else []
        columns: dict[str, str] = {}
        for error in errors:
            column = COLUMN_OF.get(error.get("field", ""))
            if column is None:
                columns = {}
                break
            columns[column] = str(error.get("detail", ""))
        if not columns or case.refused:
            detail = reply.said.get("detail", "") if isinstance(reply.said, dict) else ""
            case.turned_away = "; ".join(f"{e.get('field')}: {e.get('detail')}" for e in errors) or str(detail)
        case.refused |= columns
        return frozenset(columns)

    async def _cancel(self, asker: Account, case: Case) -> None:
        await asyncio.sleep(CANCEL_AFTER_S)
        await self._must(case, asker, "cancellation", {"reason": "Người bệnh đã được chuyển."})
        await self._hear(case, "consultation.cancelled")
        case.stage = "cancelled"

    async def _discuss(self, asker: Account, holder: Account, case: Case) -> None:
        """Opinion, read-back, conclusion, outcome: each step is taken when the other side's has been heard."""
        await self._must(
            case, holder, "messages", {"text": "Đã xem. Xử trí theo phác đồ, theo dõi sát.", "opinion": True}
        )
        case.posted += 1
        opinion = await self._hear(case, "message.posted")
        body = {"event_id": opinion["id"], "understood": True, "text": "Xử trí theo phác đồ, theo dõi sát."}
        await self._must(case, asker, "read-back", body)
        conclusion = {"summary": "Đã xem ca.", "conclusion": "Điều trị tại chỗ.", "plan": "Theo dõi sinh hiệu mỗi giờ."}
        await self._must(case, holder, "conclusion", conclusion)
        concluded = await self._hear(case, "consultation.concluded")
        await self._must(case, asker, "read-back", {"event_id": concluded["id"], "understood": True, "text": "Đã rõ."})
        await self._must(case, asker, "outcome", {"at": "discharge", "result": "treated_locally", "text": "Ổn."})
        await self._hear(case, "consultation.closed")
        case.stage = "closed"

    async def _must(self, case: Case, account: Account, what: str, body: dict[str, Any]) -> None:
        reply = await self.company.wire.command(account.token, f"/consultations/{case.id}/{what}", body)
        if not reply.ok:
            raise GaveUpError(f"{what}: {reply.status} {reply.problem}")

    async def _hear(self, case: Case, event_type: str) -> Envelope:
        """Wait until the asking doctor's own socket has it."""
        try:
            async with asyncio.timeout(HEARD_WITHIN_S):
                await case.hear(event_type).wait()
        except TimeoutError:
            raise GaveUpError(f"never heard {event_type}") from None
        return case.facts[event_type]

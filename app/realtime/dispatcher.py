"""The loop that carries messages out of the house: plans those of new offers, sends what is due, ends what is answered.

It runs in every process. Claims use SKIP LOCKED, so each notice is sent by one of them; sending happens outside any
transaction and side by side, so that a slow gateway holds up nothing but its own message. It wakes after every commit
of this process, and looks by itself once a second for what others committed.
"""

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.channels.port import TIMEOUT_S, Undelivered
from app.clock import monotonic
from app.realtime.house import LOOKS_EVERY, House
from app.realtime.loops import Loop
from app.services.outside import notice_plan, sending
from app.services.outside.sending import Glance, Outgoing, Sent

log = structlog.get_logger()
AT_MOST_EVERY_S: Final = 0.25
"""Commits that come together are looked at together: a look is half a dozen statements."""
AGAIN_EVERY: Final = timedelta(seconds=1)
LONGEST_SLEEP_S: Final = LOOKS_EVERY.total_seconds()
SIDE_BY_SIDE: Final = 64
FOR_THE_URGENT: Final = 24
"""Of them are kept for real emergencies, so that a slow gateway full of drills and reminders holds up no red call."""


class Dispatcher:
    """One process's share of the sending."""

    def __init__(self, house: House) -> None:
        """Work for this house."""
        self.house = house
        self._sends: set[asyncio.Task[None]] = set()
        self._loop = Loop(self._look, what="messages", wake=house.notices)
        self._looked_at = -AT_MOST_EVERY_S
        self._again_at: datetime | None = None
        self._sent: list[Sent] = []
        self._marking = asyncio.Lock()

    async def run(self) -> None:
        """Look, send, and sleep until the next due time, a commit, or a second."""
        await self._loop.run()

    async def run_due(self) -> datetime | None:
        """Do everything that is due now and wait until it is done; return when the next notice is due."""
        earliest = await self.look()
        while self._sends:
            await asyncio.gather(*self._sends)
            earliest = await self.look()
        return earliest

    async def look(self) -> datetime | None:
        """Plan, end what is answered, and begin to send what is due; return when the next notice is due."""
        seen = await self._glance()
        again = await self._rung_again()
        to_plan = seen.to_plan or again
        if to_plan:
            await self._plan(again=again)
        if seen.to_end:
            await self._end_answered()
        if to_plan or seen.to_end:
            seen = await self._glance()
        room = SIDE_BY_SIDE - len(self._sends)
        if seen.due and room > 0 and await self._begin(room):
            seen = await self._glance()
        return seen.earliest

    async def stop(self) -> None:
        """Begin nothing new; what is on its way is finished, or is sent again by another process."""
        self._loop.stop()
        if self._sends:
            _, late = await asyncio.wait(self._sends, timeout=2.0)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _glance(self) -> Glance:
        async with self.house.glance() as work:
            return await sending.glance(work)

    async def _rung_again(self) -> bool:
        """Look at all that rings, at most every `AGAIN_EVERY`: what is told every two minutes can wait a second."""
        now = self.house.clock.now()
        if self._again_at is not None and self._again_at <= now < self._again_at + AGAIN_EVERY:
            return False
        self._again_at = now
        async with self.house.glance() as work:
            return await sending.rung_again(work)

    async def _plan(self, *, again: bool = True) -> None:
        kinds = self.house.outside.adapters.keys()
        while True:
            async with self.house.glance() as work:
                planned = await notice_plan.plan_offers(work, kinds, again=again)
                if planned:
                    await notice_plan.mark(work, planned)
            if len(planned) < notice_plan.BATCH:
                return

    async def _end_answered(self) -> None:
        async with self.house.work(None) as work:
            await sending.settle(work)
            await work.session.commit()

    async def _begin(self, room: int) -> int:
        """Begin to send what is due, and return how much it was; claimed and committed before the network hears it."""
        pressing = room <= FOR_THE_URGENT
        limit = room if pressing else room - FOR_THE_URGENT
        async with self.house.work(None) as work:
            batch = await sending.claim(work, limit=limit, public_url=self.house.settings.public_url, pressing=pressing)
            await work.session.commit()
        for out in batch:
            task = asyncio.create_task(self._send(out))
            self._sends.add(task)
            task.add_done_callback(self._sends.discard)
        return len(batch)

    async def _send(self, out: Outgoing) -> None:
        """Send one notice and note how it went. Never an address or a text in the log."""
        outside = self.house.outside
        adapter = outside.capture if out.demo and outside.capture else outside.adapters.get(out.channel)
        again, gone = True, False
        try:
            if adapter is None:
                raise Undelivered(sending.NOT_SET_UP, again=False)  # noqa: TRY301 (told like any other)
            async with asyncio.timeout(2 * TIMEOUT_S):
                receipt = await adapter.send(out)
        except Undelivered as error:
            why, again, gone = error.why, error.again, error.gone
        except Exception as error:  # noqa: BLE001 (an adapter that breaks must not stop the others)
            why = type(error).__name__
        else:
            await self._mark_sent(Sent(out.notice_id, receipt.provider_id, receipt.captured))
            return
        log.warning("a message was not sent", notice=str(out.notice_id), channel=out.channel, why=why, again=again)
        with contextlib.suppress(Exception):  # the reserve runs out, and it is tried again
            async with self.house.work(None) as work:
                await sending.mark_failed(work, out, why, again=again, gone=gone)
                await work.session.commit()
        if gone:
            self.house.notices.set()

    async def _mark_sent(self, sent: Sent) -> None:
        """Whoever comes first marks for all that come while the one before is being written."""
        self._sent.append(sent)
        async with self._marking:
            together, self._sent = self._sent, []
            if not together:
                return
            try:
                async with self.house.glance() as work:
                    await sending.mark_sent(work, together)
            except Exception as error:  # noqa: BLE001 (they are sent again with the same keys, which the receiver knows)
                log.warning("sent messages could not be noted", count=len(together), error=type(error).__name__)

    async def _look(self) -> float:
        await asyncio.sleep(self._looked_at + AT_MOST_EVERY_S - monotonic())
        self.house.notices.clear()
        self._looked_at = monotonic()
        earliest = await self.look()
        if earliest is None:
            return LONGEST_SLEEP_S
        wait = (earliest - self.house.clock.now()) / timedelta(seconds=1)
        return min(max(wait, AT_MOST_EVERY_S), LONGEST_SLEEP_S)

"""The loop that looks for cases left with doctors whose duty has ended, in every process alike."""

from uuid import UUID

import structlog

from app.realtime.house import House
from app.services.cases import shift_end

log = structlog.get_logger()
EVERY_S = 20.0


class ShiftEnds:
    """One process's share of it; SKIP LOCKED lets the others pass by."""

    def __init__(self, house: House) -> None:
        """Work for this house."""
        self.house = house

    async def run_due(self) -> None:
        """Ring a coordinator for each such case, one transaction a case; one that fails holds up no other."""
        done: list[UUID] = []
        while True:
            async with self.house.work(None) as work:
                case_id = await shift_end.unarranged(work, but=done)
                if case_id is None:
                    return
                done.append(case_id)
                try:
                    if await shift_end.ring_coordinator(work, case_id):
                        await self.house.commit(work)
                except Exception as error:  # noqa: BLE001 (one case must not silence the others)
                    log.error("the end of a duty could not be acted on", error=type(error).__name__)  # noqa: TRY400
            self.house.timers_changed()

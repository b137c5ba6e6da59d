"""Is the process alive, and can it do its work? Without credentials, and revealing nothing."""

import structlog
from fastapi import APIRouter, Response
from sqlalchemy import text

from app.routers.edge import HouseDep
from app.services.cases import escalation
from app.services.outside import sending

log = structlog.get_logger()
router = APIRouter(tags=["health"])
_CAN_WRITE = text("SELECT NOT pg_is_in_recovery() AND NOT CAST(current_setting('transaction_read_only') AS boolean)")


@router.get("/health", summary="The process answers")
async def health() -> dict[str, str]:
    """Answer while the process lives, whatever the database does."""
    return {"status": "ok"}


@router.get(
    "/ready", summary="The database takes changes, the bus is heard", responses={503: {"description": "Not ready"}}
)
async def ready(house: HouseDep, response: Response) -> dict[str, str]:
    """Answer 200 when requests can be stored and rung, otherwise 503.

    A database that only reads, as a standby does, stores nothing. A bus that has brought nothing for 10 s, not even
    our own sign of life, is away; a process that has just begun is given as long.
    """
    if house.ready and _hears(house) and await _can_write(house):
        return {"status": "ready"}
    response.status_code = 503
    response.headers["Retry-After"] = "1"
    return {"status": "not ready"}


@router.get("/overdue", summary="Is anything overdue?", responses={503: {"description": "Something is overdue"}})
async def overdue(house: HouseDep, response: Response) -> dict[str, bool]:
    """Answer 503 when a due time passed over 30 s ago, or a message waits over a minute, and nobody has acted.

    So it does when a kind of channel takes nothing urgent: tried three times, or given up within the last ten minutes.
    Due times are those of cases and, once two looks have found them passed, those of the watch over duty: gaps, duty
    told, “are you there?”, swaps, agreements. For a watchdog on another machine; it tells nothing else. A database that
    does not answer is overdue.
    """
    if await _nothing_is_overdue(house):
        return {"overdue": False}
    response.status_code = 503
    return {"overdue": True}


async def _nothing_is_overdue(house: HouseDep) -> bool:
    try:
        async with house.work(None) as work:
            late_duty = await house.late_duty.read(work, ask=house.asks_whether_reachable)
            return not late_duty and not await escalation.overdue(work) and not await sending.overdue(work)
    except Exception as error:  # noqa: BLE001 (whatever it is, nobody can say that all is well)
        log.warning("nobody can say whether anything is overdue", error=type(error).__name__)
        return False


def _hears(house: HouseDep) -> bool:
    if not house.hears_wake_ups():
        log.warning("not ready: no wake-up is heard")
        return False
    return True


async def _can_write(house: HouseDep) -> bool:
    try:
        async with house.database() as session:
            if (await session.execute(_CAN_WRITE)).scalar_one():
                return True
    except Exception as error:  # noqa: BLE001 (whatever it is, it is not ready)
        log.warning("not ready: the database does not answer", error=type(error).__name__)
        return False
    log.warning("not ready: the database takes no changes")
    return False

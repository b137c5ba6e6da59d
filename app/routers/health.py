"""Is the process alive, and can it do its work? Without credentials, and revealing nothing."""

from fastapi import APIRouter, Response
from sqlalchemy import text

from app.routers.edge import HouseDep
from app.services.cases import escalation
from app.services.outside import sending

router = APIRouter(tags=["health"])


@router.get("/health", summary="The process answers")
async def health() -> dict[str, str]:
    """Answer while the process lives, whatever the database does."""
    return {"status": "ok"}


@router.get("/ready", summary="Database and bus answer", responses={503: {"description": "Not ready"}})
async def ready(house: HouseDep, response: Response) -> dict[str, str]:
    """Answer 200 when requests can be stored and rung, otherwise 503."""
    if house.ready and await _database_answers(house):
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
    except Exception:  # noqa: BLE001 (whatever it is, nobody can say that all is well)
        return False


async def _database_answers(house: HouseDep) -> bool:
    try:
        async with house.database() as session:
            await session.execute(text("SELECT 1"))
    except Exception:  # noqa: BLE001 (whatever it is, it is not ready)
        return False
    return True

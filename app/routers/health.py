"""Is the process alive, and can it do its work? Without credentials, and revealing nothing."""

from fastapi import APIRouter, Response
from sqlalchemy import text

from app.routers.edge import HouseDep

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


async def _database_answers(house: HouseDep) -> bool:
    try:
        async with house.database() as session:
            await session.execute(text("SELECT 1"))
    except Exception:  # noqa: BLE001 (whatever it is, it is not ready)
        return False
    return True

"""Who was the last to change something: asked when somebody else's edit comes too late."""

from typing import Any

from pydantic_core import to_json
from sqlalchemy import text

from app.work import Work


async def last_author(work: Work, chain: str, event_type: str, about: dict[str, Any]) -> str | None:
    """Return who recorded the newest fact of a type in a chain whose data holds all of `about`; None: nobody by name.

    A network file and the server itself have no name. The name is the one of that day.
    """
    found = await work.session.execute(_LAST, {"chain": chain, "type": event_type, "about": to_json(about).decode()})
    name: str | None = found.scalar_one_or_none()
    return name


_LAST = text("""
SELECT actor_name FROM event
WHERE chain = :chain AND type = :type AND CAST(data AS jsonb) @> CAST(:about AS jsonb)
ORDER BY seq DESC LIMIT 1
""")

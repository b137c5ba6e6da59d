"""Calendar feeds and imports, as they are answered."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas import examples
from app.schemas.case_parts import Read
from app.schemas.rota_reads import ROTA_DOCUMENT_ID

_FEED: Final[dict[str, Any]] = {
    "id": ROTA_DOCUMENT_ID,
    "desk": examples.DESK_ID,
    "hospital": None,
    "name": examples.DESK,
    "made_at": "2026-11-23T20:05:41Z",
}


class FeedRead(Read):
    """A calendar feed, without its secret."""

    id: UUID
    desk: UUID | None
    hospital: UUID | None = Field(description="Of a hospital's own rota; with neither, one's own duty")
    name: str
    made_at: datetime


class FeedList(Read):
    """The caller's feeds that work."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_FEED]}]})

    items: list[FeedRead]


class FeedMade(FeedRead):
    """A feed that was just made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _FEED | {"url": "https://hoichan.example/api/v1/feeds/4Jm2…secret….ics"},
            ]
        }
    )

    url: str = Field(description="Shown this once. Whoever has it sees the calendar")


class ImportErrorRead(Read):
    """What is wrong with one line."""

    line: int
    detail: str


class ImportRead(Read):
    """What an import did, or in a dry run would do; with errors, nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "rows": 31,
                    "added": 29,
                    "changed": 0,
                    "removed": 0,
                    "errors": [{"line": 7, "detail": "Thiếu bác sĩ."}],
                    "dry_run": True,
                    "version": 3,
                }
            ]
        }
    )

    rows: int = Field(description="Lines of the table, or events of the calendar")
    added: int
    changed: int
    removed: int
    errors: list[ImportErrorRead]
    dry_run: bool
    version: int = Field(description="Of the rota, after it")

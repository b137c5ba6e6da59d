"""What the watchdog knows of a trouble: how long, whom it has told of what, and what somebody has acknowledged."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

READY: Final = "/ready"
OVERDUE: Final = "/overdue"
KNOWN_FOR: Final = timedelta(minutes=30)
"""How long an acknowledgement keeps the telephones still; whoever still works on it acknowledges again."""


@dataclass(slots=True)
class Memory:
    """What the watchdog knows from before; kept in a file."""

    failures: int = 0
    """Looks in a row at which something was wrong."""
    away: int = 0
    """Looks in a row at which the house took no requests: the worse trouble."""
    path: str = ""
    """What the trouble is at present: `/ready`, or else `/overdue`."""
    since: str | None = None
    """When the first of them was."""
    why: str = ""
    told: int = 0
    """How often people were told of this trouble."""
    told_at: str | None = None
    told_of: str = ""
    """What was told in the present round."""
    reached: list[str] = field(default_factory=list)
    """Who was reached in the present round, and how: `0:voice` is the first of the list, by telephone."""
    calls: dict[str, str] = field(default_factory=dict)
    """The calls of this trouble, by our key and by the gateway's, and what each told."""
    known: str = ""
    """What somebody has acknowledged; who knows of `/ready` needs no call about `/overdue`."""
    known_at: str | None = None

    @classmethod
    def read(cls, file: Path) -> "Memory":
        """Read the file; without one, or with a broken one, all was well."""
        try:
            return cls(**json.loads(file.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return cls()

    def write(self, file: Path) -> None:
        """Write the file, whole or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self), ensure_ascii=False), "utf-8")
        draft.replace(file)

    def is_known(self, now: datetime) -> bool:
        """Whether somebody has acknowledged what is wrong at present, or worse, not long ago."""
        if self.known_at is None or now >= datetime.fromisoformat(self.known_at) + KNOWN_FOR:
            return False
        return self.known in (READY, self.path)

    def acknowledge(self, path: str, now: datetime) -> None:
        """Note that somebody knows of this trouble."""
        if not (path == OVERDUE and self.known == READY and self.is_known(now)):
            self.known, self.known_at = path, now.isoformat()

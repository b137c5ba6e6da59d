"""What a specialty is called beside its code, where a refusal must say which one is needed."""

from typing import NamedTuple

from app.models.specialty import Specialty
from app.work import Work


class Named(NamedTuple):
    """A specialty in both languages, each with its code: Tim mạch (K04)."""

    vi: str
    en: str


async def named(work: Work, code: str) -> Named:
    """Return what to call a specialty; nobody knows all codes by heart."""
    found = await work.session.get(Specialty, code)
    return Named(f"{found.vi} ({code})", f"{found.en} ({code})") if found else Named(code, code)

"""Who has a socket in this process: found by account, by ward and by session; and who came or went."""

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import UUID

from app.realtime.line import Line
from app.work import Subject

AWAY_AFTER_S: Final = 3.0
"""Somebody is away when no socket came back within so many seconds: a reload is no absence."""


class Roster:
    """All sockets, and the ways to find them."""

    __slots__ = ("_leaving", "_on_presence", "by_session", "by_user", "by_ward", "lines")

    def __init__(self, on_presence: Callable[[Subject, bool], None]) -> None:
        """Begin with nobody; `on_presence` is told who came (True) and who went (False)."""
        self.lines: set[Line] = set()
        self.by_user: dict[UUID, tuple[Line, ...]] = {}
        self.by_ward: dict[UUID, tuple[Line, ...]] = {}
        self.by_session: dict[UUID, tuple[Line, ...]] = {}
        self._on_presence = on_presence
        self._leaving: dict[UUID, asyncio.TimerHandle] = {}

    def add(self, line: Line) -> None:
        """Take in a socket."""
        subject = line.subject
        first = subject.id not in self.by_user
        self.lines.add(line)
        for index, key in self._places(subject):
            index[key] = (*index.get(key, ()), line)
        if not first:
            return
        leaving = self._leaving.pop(subject.id, None)
        if leaving is None:
            self._on_presence(subject, True)
        else:
            leaving.cancel()

    def remove(self, line: Line) -> None:
        """Let a socket go."""
        subject = line.subject
        self.lines.discard(line)
        for index, key in self._places(subject):
            left = tuple(other for other in index.get(key, ()) if other is not line)
            if left:
                index[key] = left
            else:
                index.pop(key, None)
        if subject.id not in self.by_user and subject.id not in self._leaving:
            loop = asyncio.get_running_loop()
            self._leaving[subject.id] = loop.call_later(AWAY_AFTER_S, self._went, subject)

    def stop(self) -> None:
        """Wait for nobody any more."""
        for timer in self._leaving.values():
            timer.cancel()
        self._leaving.clear()

    def _went(self, subject: Subject) -> None:
        self._leaving.pop(subject.id, None)
        if subject.id not in self.by_user:
            self._on_presence(subject, False)

    def _places(self, subject: Subject) -> list[tuple[dict[UUID, tuple[Line, ...]], UUID]]:
        places = [(self.by_user, subject.id)]
        if subject.ward_id is not None:
            places.append((self.by_ward, subject.ward_id))
        if subject.session_id is not None:
            places.append((self.by_session, subject.session_id))
        return places

"""Where an answer from outside becomes a unit of work: done once, tried again when the database was too busy."""

import asyncio
from collections.abc import Awaitable, Callable

from app.errors import Problem
from app.models.channel import Notice
from app.outages import TROUBLE, is_database_away
from app.realtime.house import House
from app.services.cases import outside_answers
from app.services.cases.outside_answers import ALREADY, Asked, Sentence, Used
from app.services.outside.notice_texts import menu_of, render
from app.work import Work

TRIES = 3
AGAIN_AFTER_S = 0.2


async def answer(house: House, act: Callable[[Work], Awaitable[Sentence]]) -> tuple[Sentence, bool]:
    """Let somebody answer and commit it; return what to tell them, and whether anything was done."""
    for left in reversed(range(TRIES)):
        try:
            return await _answer(house, act)
        except TROUBLE as error:
            if not left or not is_database_away(error):
                raise
            await asyncio.sleep(AGAIN_AFTER_S)
    raise AssertionError("the last try returns or raises")


async def press(house: House, notice: Notice, key: str) -> tuple[Sentence, dict[str, str], bool]:
    """A key was pressed in a call: return what the call says now, which keys it waits for, and whether it ends."""
    menu = dict(menu_of(notice.kind))
    meaning = menu.get(key)
    rendered = render(notice.kind, notice.words, language=notice.language, drill=notice.drill)
    again = (rendered.spoken, rendered.spoken), menu, False
    if meaning is None or meaning == "again" or notice.user_id is None:
        return again
    asked = Asked(notice.user_id, notice.about)
    said, done = await answer(house, lambda work: outside_answers.by_key(work, notice, meaning, key))
    if done:
        return said, {}, True
    async with house.work(None) as work:
        over = notice.answered_at is not None or await outside_answers.state(work, asked) is not None
    return said, {} if over else menu, over


async def _answer(house: House, act: Callable[[Work], Awaitable[Sentence]]) -> tuple[Sentence, bool]:
    async with house.work(None) as work:
        try:
            said = await act(work)
        except Used:
            return ALREADY, False
        except Problem as problem:
            return outside_answers.refusal(problem), False
        await house.commit(work)
    house.note_due_times(work)
    return said, True

"""`hoichan rehearse FILE`: replay emergency visits through a running server, as doctors on real sockets.

Everybody goes through the public HTTP API and the stream, with their own account. At the end what they were told is
compared with what the database holds: nothing may be lost, nothing doubled.
"""

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.config import Settings
from app.rehearsal.answering import Answering
from app.rehearsal.asking import Asking
from app.rehearsal.check import check
from app.rehearsal.company import Account, Company, cast, read_accounts
from app.rehearsal.report import Report
from app.rehearsal.stories import SENT_TWICE, Case, choose_stories
from app.rehearsal.visits import Visit, read_visits
from app.rehearsal.wire import Wire

__all__ = ["rehearse"]

UNDER_WAY = 64
"""Cases at a time: a server that is slower than the rate is asked more slowly, not buried."""
SETTLE_S = 15.0


async def rehearse(
    *,
    file: Path,
    url: str,
    accounts: Path,
    limit: int | None,
    rate: float,
    seed: int,
    report: Path | None,
    settings: Settings,
) -> int:
    """Replay the visits of a file, print what happened, and return 0 only when nothing was lost or doubled.

    `rate`: requests per second; `limit`: only the first visits; `seed` decides who declines, is late or drops off.
    Returns 2 when it could not begin: no such file, no accounts, no server.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    wire = Wire(url)
    try:
        visits = await asyncio.to_thread(read_visits, file, limit)
        company = Company(await asyncio.to_thread(read_accounts, accounts), wire)
        await _require(wire, visits)
        result = await _perform(visits, company, rate=rate, seed=seed, settings=settings)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201 (a command line speaks)
        return 2
    finally:
        await wire.close()
    result.print(console)
    if report is not None:
        await asyncio.to_thread(result.write, report)
    return 0 if result.sound else 1


async def _require(wire: Wire, visits: Sequence[Visit]) -> None:
    if not visits:
        raise ValueError("không có dòng nào / no rows")
    if not await wire.ready():
        raise ValueError(
            f"{wire.url}: máy chủ không trả lời. Chạy «make run» trước. / no server there; run 'make run' first."
        )


async def _perform(visits: Sequence[Visit], company: Company, *, rate: float, seed: int, settings: Settings) -> Report:
    askers = company.askers()
    if not askers:
        raise ValueError("không có tài khoản nào được hỏi / no account may ask anything")
    cases = _prepare(visits, cast(visits, askers), seed)
    answering = Answering(company, {case.label: case for case in cases})
    asking = Asking(company, answering)
    people = [*askers, *company.answerers({case.specialty for case in cases}, askers)]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        signing_in = progress.add_task("Đăng nhập / signing in", total=len(people))
        await company.gather(
            people,
            on_event=lambda account, envelope, at: _on_event(answering, asking, account, envelope, at),
            on_snapshot=answering.on_snapshot,
            one_more=lambda: progress.advance(signing_in),
        )
        began = perf_counter()
        replaying = progress.add_task("Diễn tập / rehearsing", total=len(cases))
        await _replay(cases, company, asking, rate, lambda: progress.advance(replaying))
        await answering.settle(SETTLE_S)
        took = perf_counter() - began
    findings = await check(settings, company, asking, answering, cases)
    findings.lost += [f"could not sign in: {name}" for name in company.refused]
    await company.leave()
    return Report(cases, findings, company, took, answering.taken_answers)


def _on_event(answering: Answering, asking: Asking, account: Account, envelope: dict[str, object], at: float) -> None:
    answering.on_event(account, envelope, at)
    asking.on_event(account, envelope, at)


def _prepare(visits: Sequence[Visit], parts: Sequence[tuple[str, Account]], seed: int) -> list[Case]:
    """Give each visit its story. The label names the run, so that rehearsals never mix."""
    run = f"{time.strftime('%H%M')}{token_hex(2)}"
    moods = random.Random(seed)  # noqa: S311 (a rehearsal, not a secret)
    return [
        Case(
            visit=visit,
            story=story,
            specialty=specialty,
            label=f"DT-{run}-{visit.row}",
            asker=asker.username,
            sent_twice=moods.random() < SENT_TWICE,
            mood=random.Random(moods.random()),  # noqa: S311
        )
        for visit, story, (specialty, asker) in zip(visits, choose_stories(len(visits), seed), parts, strict=True)
    ]


async def _replay(cases: Sequence[Case], company: Company, asking: Asking, rate: float, one_more: object) -> None:
    """Ask at a steady rate, and let each case take the time it takes."""
    assert callable(one_more)
    places = asyncio.Semaphore(UNDER_WAY)
    began = perf_counter()

    async def live(case: Case) -> None:
        try:
            if case.asker in company.present:
                await asking.live(case)
            else:
                case.trouble.append("its doctor could not sign in")
        finally:
            places.release()
            one_more()

    async with asyncio.TaskGroup() as group:
        for turn, case in enumerate(cases):
            await asyncio.sleep(max(0.0, began + turn / rate - perf_counter()))
            await places.acquire()
            group.create_task(live(case))

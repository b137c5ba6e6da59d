"""Whoever changes duty locks in one order: of two that meet, one waits and both get through, whoever was first."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.realtime.house import House
from app.services.cases import departures
from app.services.facts import events
from app.services.people import accounts, network
from app.services.rostering import rota_people
from app.services.rostering.rotas import owner_of
from app.work import Work
from tests.hotline import Person
from tests.staff import Staff

LOCK_CASE = text("SELECT 1 FROM consultation WHERE id = CAST(:id AS uuid) FOR UPDATE")
LOCK_DOCTOR = text("SELECT 1 FROM user_account WHERE id = CAST(:id AS uuid) FOR NO KEY UPDATE")
Act = Callable[[Work], Awaitable[object]]


async def committed(house: House, act: Act) -> None:
    async with house.work(None) as work:
        await act(work)
        await house.commit(work)


class Door:
    """The lock that the second transaction has to wait for; the first one goes on once the second stands before it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, where: Any, name: str) -> None:
        self._reached = asyncio.Event()
        real = getattr(where, name)

        async def knocked(*given: Any, **how: Any) -> Any:
            self._reached.set()
            return await real(*given, **how)

        monkeypatch.setattr(where, name, knocked)

    async def somebody_waits(self) -> None:
        async with asyncio.timeout(30):
            await self._reached.wait()


async def rota_of(staff: Staff, doctor: Person) -> UUID:
    [row] = await staff.execute(
        "SELECT id FROM schedule WHERE desk_id = CAST(:desk AS uuid)", desk=doctor.account["desk"]
    )
    return UUID(str(row.id))


async def _close(work: Work, username: str) -> None:
    await accounts.deactivate_account(work, username)


async def _open_again(work: Work, username: str) -> None:
    await accounts.reset_account(work, username, reactivate=True)


@pytest.mark.parametrize(("act", "change"), [(_close, "deactivated"), (_open_again, "reactivated")])
async def test_a_publication_that_tells_a_doctor_and_the_end_of_the_account_get_both_through(
    staff: Staff, monkeypatch: pytest.MonkeyPatch, act: Callable[[Work, str], Awaitable[None]], change: str
) -> None:
    doctor, house = staff["tn-timmach-1"], staff.hotline.app.state.house
    name, chain = doctor.account["username"], f"user:{staff.id_of(doctor)}"
    if change == "reactivated":
        await committed(house, lambda work: _close(work, name))
    rota = await rota_of(staff, doctor)
    door = Door(monkeypatch, accounts, "lock_rotas")
    async with house.work(None) as publishing:
        await rota_people.lock_rotas(publishing, [rota])
        changing = asyncio.create_task(committed(house, lambda work: act(work, name)))
        await door.somebody_waits()
        moved = {"schedule": rota, "added": [], "removed": []}
        await events.record_about(publishing, chain, "duty.moved", moved)
        await house.commit(publishing)
    await changing
    facts = await staff.execute("SELECT type, data FROM event WHERE chain = :chain ORDER BY seq", chain=chain)
    told = [f.data.get("change", f.type) for f in facts if f.type in ("account.changed", "duty.moved")]
    assert told[-2:] == ["duty.moved", change]


async def test_an_answer_that_counts_a_doctor_and_the_end_of_the_account_get_both_through(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await staff.hotline.ask("K04", by=staff["sonla-capcuu-1"])
    [doctor] = staff.rung(case)
    house = staff.hotline.app.state.house
    door = Door(monkeypatch, departures, "lock_cases")
    async with house.work(None) as answering:
        await answering.session.execute(LOCK_CASE, {"id": case["id"]})
        closing = asyncio.create_task(
            committed(house, lambda work: accounts.deactivate_account(work, doctor.account["username"]))
        )
        await door.somebody_waits()
        await answering.session.execute(LOCK_DOCTOR, {"id": staff.id_of(doctor)})
        told = {"before": None, "capacity": 1}
        await events.record_about(answering, f"user:{staff.id_of(doctor)}", "capacity.changed", told)
        await house.commit(answering)
    await closing
    [offer] = await staff.execute(
        "SELECT state, reason FROM offer WHERE consultation_id = CAST(:id AS uuid) AND doctor_id = CAST(:who AS uuid)",
        id=case["id"],
        who=staff.id_of(doctor),
    )
    assert (offer.state, offer.reason) == ("withdrawn", "off_duty")


async def test_a_publication_and_a_network_file_that_changes_its_desk_get_both_through(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, house = staff["tn-timmach-1"], staff.hotline.app.state.house
    desk, rota = UUID(doctor.account["desk"]), await rota_of(staff, doctor)
    [row] = await staff.execute(
        "SELECT d.key, d.name, d.specialty, o.key AS hospital FROM desk d JOIN organization o ON o.id = d.hospital_id "
        "WHERE d.id = CAST(:desk AS uuid)",
        desk=str(desk),
    )
    line = f'{{"kind": "desk", "key": "{row.key}", "hospital": "{row.hospital}", "specialty": "{row.specialty}", '
    line += f'"name": "{row.name}", "phone": "0208 000 999"}}'
    door = Door(monkeypatch, network, "_lock_what_duty_hangs_on")
    async with house.work(None) as publishing:
        await owner_of(publishing, desk_id=desk, lock=True)
        importing = asyncio.create_task(
            committed(house, lambda work: network.import_network(work, line, password_hash="$none$"))
        )
        await door.somebody_waits()
        await rota_people.lock_rotas(publishing, [rota])
        await house.commit(publishing)
    await importing
    [phone] = await staff.execute("SELECT phone FROM desk WHERE id = CAST(:desk AS uuid)", desk=str(desk))
    assert phone.phone == "0208 000 999"

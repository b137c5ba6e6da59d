"""The demonstration: everybody on duty, day and night and next year too; its accounts; and no real data touched."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from pwdlib import PasswordHash
from sqlalchemy import func, select, update

from app import demo as demo_network
from app.database import make_engine, make_sessions
from app.models.desk import Desk
from app.models.installation import Installation
from app.models.organization import Organization
from app.models.rota import DutySlot, Schedule
from app.models.user import User
from app.services.people.demo import ACCOUNTS_FILE, NotADemoError, load_demo
from app.services.people.network import import_network, read
from app.services.rostering import duty
from app.work import Work

NOW = datetime(2026, 11, 23, 20, 8, tzinfo=UTC)
DESK_ROLES = {"primary", "backup", "head_of_shift", "red_team"}


@pytest_asyncio.fixture
async def work(database_url: str) -> AsyncIterator[Work]:
    engine = make_engine(database_url)
    async with make_sessions(engine)() as session:
        yield Work(session, None, NOW)
    await engine.dispose()


async def test_a_cold_start_loads_everything_and_says_who_may_sign_in(work: Work, tmp_path: Path) -> None:
    accounts = await load_demo(work, tmp_path)
    assert await work.session.scalar(select(Installation.demo))
    file = tmp_path / ACCOUNTS_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    written = json.loads(file.read_text("utf-8"))
    assert [account["username"] for account in written] == [account.username for account in accounts]
    assert {"username", "password", "role", "hospital", "desk", "specialty", "may_ask"} <= written[0].keys()
    assert {account["role"] for account in written} == {
        "requester",
        "specialist",
        "coordinator",
        "admin",
        "operator",
        "integrator",
    }


async def test_every_specialty_is_covered_day_and_night_and_next_year_too(work: Work, tmp_path: Path) -> None:
    await load_demo(work, tmp_path)
    desks = list(await work.session.scalars(select(Desk.id)))
    answering = set(await work.session.scalars(select(Desk.hospital_id)))
    for then in (NOW, NOW + timedelta(days=400)):
        later = Work(work.session, None, then)
        await duty.compile_duty(later)
        for minutes in (0, 5 * 60, 11 * 60, 60 * 24 * 45, 60 * 24 * 89):
            at = then + timedelta(minutes=minutes)
            for people in (await duty.on_duty_at_desks(later, desks, at)).values():
                assert {person.role for person in people} == DESK_ROLES
                first_line = [person.doctor_id for person in people if person.role != "red_team"]
                assert len(set(first_line)) == 3, "one person cannot be two steps of the ladder"
                assert sum(person.role == "red_team" for person in people) == 3
            for hospital in answering:
                people = await duty.on_duty_of_hospital(later, hospital, at)
                assert {person.role for person in people} == {"leadership", "coordinator"}
        found = await duty.gaps_of_desks(later, desks, then, then + timedelta(days=90))
        assert not any(found.values())


async def test_requesters_may_ask_what_their_agreements_say_and_everyone_on_a_rota_is_listed(
    work: Work, tmp_path: Path
) -> None:
    accounts = {account.username: account for account in await load_demo(work, tmp_path)}
    son_la = accounts["mocchau-capcuu-1"]
    assert len(son_la.may_ask) >= 12
    assert {"K02", "K04", "K18", "K20", "K24", "K27", "K33", "STROKE"} <= set(son_la.may_ask)
    gia_lai = accounts["chuse-capcuu-1"]
    assert set(gia_lai.may_ask) == {"K07", "K12", "K16", "K18", "K23", "K24", "K27", "K28", "K29", "K31", "VASC"}
    specialist = accounts["tn-timmach-1"]
    assert (specialist.role, specialist.specialty, specialist.may_ask) == ("specialist", "K04", [])
    assert specialist.desk == str(await work.session.scalar(select(Desk.id).where(Desk.key == "tn-timmach")))
    assert set(specialist.rota) == {"primary", "backup", "red_team"}
    on_duty = set(await work.session.scalars(select(User.username).where(User.id.in_(select(DutySlot.doctor_id)))))
    assert on_duty <= accounts.keys()
    assert any(account.role == "coordinator" and account.rota == ["coordinator"] for account in accounts.values())


async def test_a_second_start_keeps_passwords_duty_and_what_was_tried_out(work: Work, tmp_path: Path) -> None:
    first = await load_demo(work, tmp_path)
    slots = set(await work.session.scalars(select(DutySlot.id)))
    before = (tmp_path / ACCOUNTS_FILE).read_text("utf-8")
    await work.session.execute(update(Desk).where(Desk.key == "tn-timmach").values(phone="000 115"))
    written_at = (tmp_path / ACCOUNTS_FILE).stat().st_mtime_ns
    again = await load_demo(work, tmp_path)
    assert (tmp_path / ACCOUNTS_FILE).stat().st_mtime_ns == written_at
    assert {account.password for account in again} == {account.password for account in first}
    assert set(await work.session.scalars(select(DutySlot.id))) == slots
    assert await work.session.scalar(select(Desk.phone).where(Desk.key == "tn-timmach")) == "000 115"
    (tmp_path / ACCOUNTS_FILE).chmod(0o644)
    await load_demo(work, tmp_path)
    assert (tmp_path / ACCOUNTS_FILE).read_text("utf-8") == before
    assert (tmp_path / ACCOUNTS_FILE).stat().st_mode & 0o777 == 0o600


async def test_a_lost_accounts_file_gets_a_new_password_that_works(work: Work, tmp_path: Path) -> None:
    old = (await load_demo(work, tmp_path))[0].password
    (tmp_path / ACCOUNTS_FILE).unlink()
    new = (await load_demo(work, tmp_path))[0].password
    assert new != old
    hashed = (await work.session.scalars(select(User.password_hash).limit(1))).one()
    assert PasswordHash.recommended().verify(new, hashed)


async def test_a_database_with_other_data_is_left_alone(work: Work, tmp_path: Path) -> None:
    line = '{"kind": "hospital", "key": "real", "name": "Bệnh viện thật", "short_name": "BV thật"}'
    await import_network(work, line, password_hash="$none$")
    with pytest.raises(NotADemoError):
        await load_demo(work, tmp_path)
    assert not (tmp_path / ACCOUNTS_FILE).exists()
    assert (await work.session.execute(select(func.count()).select_from(Organization))).scalar_one() == 1


async def test_the_demo_file_is_a_network_file_like_any_other(work: Work) -> None:
    report = await import_network(work, demo_network.network(), password_hash="$none$")
    assert report.errors == []
    again = await import_network(work, demo_network.network(), password_hash="$none$")
    assert (again.added, again.changed) == (0, 0)
    assert (await work.session.execute(select(func.count()).select_from(Schedule))).scalar_one() == 45


def test_the_demo_names_roles_and_uses_numbers_that_nobody_has() -> None:
    lines, complaints = read(demo_network.network())
    assert complaints == []
    for _, line in lines:
        phone = getattr(line, "phone", None)
        assert phone is None or phone.split(" ", 1)[1].startswith("000 "), phone
        code = getattr(line, "facility_code", None)
        assert code is None or code.startswith("D")
        if line.__class__.__name__ == "PersonLine":
            assert line.name.startswith(("BS ", "Trực lãnh đạo", "Điều phối", "Quản trị", "Vận hành", "Phần mềm"))

"""A network file is imported whole or not at all, twice like once, and says line by line what is wrong with it."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Update, func, select, update
from sqlalchemy.dialects.postgresql import Range

from app.database import make_engine, make_sessions
from app.models.agreement import Agreement, AgreementDesk
from app.models.desk import Desk
from app.models.duty_watch import DutyGap
from app.models.event import StreamHead
from app.models.gap_rules import AHEAD
from app.models.organization import Organization, Ward
from app.models.rota import DutySlot, Holiday, Layer, Override, Schedule
from app.models.user import User, UserSpecialty
from app.schemas import network as schema
from app.schemas.body import Body
from app.services.people.network import Report, import_network, read
from app.services.rostering import duty
from app.work import Work

_TN_1 = select(User.id).where(User.username == "tn-1").scalar_subquery()
NOW = datetime(2026, 11, 23, 20, 8, tzinfo=UTC)  # Tuesday 24 November, 03:08 in Vietnam

NETWORK: list[dict[str, Any]] = [
    {"kind": "specialty", "code": "K04", "vi": "Tim mạch", "en": "Cardiology"},
    {"kind": "specialty", "code": "K02", "vi": "Hồi sức cấp cứu", "en": "Emergency and ICU"},
    {"kind": "department", "key": "syt", "name": "Sở Y tế Sơn La", "short_name": "SYT Sơn La"},
    {
        "kind": "hospital",
        "key": "mocchau",
        "name": "Bệnh viện đa khoa Mộc Châu",
        "short_name": "BVĐK Mộc Châu",
        "department": "syt",
        "fallback_desks": ["tn-timmach"],
    },
    {"kind": "hospital", "key": "tn", "name": "Bệnh viện Trung ương Thái Nguyên", "short_name": "BVTW Thái Nguyên"},
    {"kind": "ward", "key": "mocchau-capcuu", "hospital": "mocchau", "name": "Khoa Cấp cứu", "phone": "0212 000 101"},
    {"kind": "desk", "key": "tn-timmach", "hospital": "tn", "specialty": "K04", "name": "Bàn trực Tim mạch"},
    {
        "kind": "person",
        "username": "tn-1",
        "name": "BS trực 1",
        "role": "specialist",
        "hospital": "tn",
        "specialties": ["K04"],
    },
    {
        "kind": "person",
        "username": "tn-2",
        "name": "BS trực 2",
        "role": "specialist",
        "hospital": "tn",
        "specialties": ["K04"],
    },
    {
        "kind": "person",
        "username": "mc-1",
        "name": "BS Cấp cứu",
        "role": "requester",
        "hospital": "mocchau",
        "ward": "mocchau-capcuu",
    },
    {
        "kind": "rota",
        "desk": "tn-timmach",
        "head": "tn-1",
        "required_roles": ["primary", "backup"],
        "layers": [
            {
                "role": "primary",
                "turns": [["tn-1"], ["tn-2"]],
                "rotation": {"unit": "day", "every": 1, "anchor": "2024-01-02T08:00"},
            },
            {"role": "backup", "turns": [["tn-2"]], "windows": [{"start": "20:00", "end": "08:00"}]},
        ],
    },
    {"kind": "holiday", "day": "2027-02-06", "type": "off"},
    {"kind": "holiday", "day": "2026-11-28", "type": "working", "as": "mon", "hospital": "tn"},
    {
        "kind": "agreement",
        "asking": "syt",
        "answering": "tn",
        "specialty": "K04",
        "from": "2024-04-14",
        "to": "2099-12-31",
        "desks": ["tn-timmach"],
    },
]


def written(lines: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n"


def changed(kind: str, **fields: Any) -> list[dict[str, Any]]:
    """The network with fields of the first line of a kind changed; None takes a field out."""
    lines = [dict(line) for line in NETWORK]
    line = next(line for line in lines if line["kind"] == kind)
    line.update(fields)
    for name in [name for name, value in fields.items() if value is None]:
        del line[name]
    return lines


@pytest_asyncio.fixture
async def work(database_url: str) -> AsyncIterator[Work]:
    engine = make_engine(database_url)
    async with make_sessions(engine)() as session:
        yield Work(session, None, NOW)
    await engine.dispose()


async def import_(work: Work, lines: list[dict[str, Any]], **how: Any) -> Report:
    return await import_network(work, written(lines), password_hash="$none$", **how)


async def count(work: Work, model: Any) -> int:
    return (await work.session.execute(select(func.count()).select_from(model))).scalar_one()


async def test_a_file_brings_hospitals_people_desks_agreements_and_duty(work: Work) -> None:
    report = await import_(work, NETWORK)
    assert report.errors == []
    assert (report.rows, report.added, report.changed) == (14, 14, 0)
    assert report.kinds["person"] == (3, 0)
    hospital = (await work.session.scalars(select(Organization).where(Organization.key == "mocchau"))).one()
    department = (await work.session.scalars(select(Organization).where(Organization.key == "syt"))).one()
    desk = (await work.session.scalars(select(Desk))).one()
    assert hospital.department_id == department.id
    assert hospital.fallback_desks == [str(desk.id)]
    requester = (await work.session.scalars(select(User).where(User.username == "mc-1"))).one()
    ward = (await work.session.scalars(select(Ward))).one()
    assert (requester.hospital_id, requester.ward_id, requester.demo) == (hospital.id, ward.id, False)
    assert requester.must_change_password
    agreement = (await work.session.scalars(select(Agreement))).one()
    assert agreement.during.lower == datetime(2024, 4, 13, 17, tzinfo=UTC)  # midnight in Vietnam
    assert await count(work, AgreementDesk) == 1
    streams = set(await work.session.scalars(select(StreamHead.name)))
    assert {f"user:{requester.id}", f"hospital:{hospital.id}"} <= streams
    on = await duty.on_duty(work, desk.id, NOW)
    assert [(person.role, person.doctor_name) for person in on] == [("primary", "BS trực 1"), ("backup", "BS trực 2")]
    assert on[0].start == datetime(2026, 11, 23, 1, tzinfo=UTC)  # since 08:00, also on the day of the import


async def test_the_same_file_twice_changes_nothing(work: Work) -> None:
    await import_(work, NETWORK)
    slots = set(await work.session.scalars(select(DutySlot.id)))
    layers = set(await work.session.scalars(select(Layer.id)))
    again = await import_(work, NETWORK)
    assert (again.rows, again.added, again.changed, again.errors) == (14, 0, 0, [])
    assert set(await work.session.scalars(select(DutySlot.id))) == slots
    assert set(await work.session.scalars(select(Layer.id))) == layers
    assert (await work.session.scalars(select(Schedule.version))).one() == 1


async def test_the_order_of_the_lines_means_nothing(work: Work) -> None:
    report = await import_(work, NETWORK[::-1])
    assert report.errors == []
    assert report.added == 14


async def test_a_dry_run_says_what_would_happen_and_does_nothing(work: Work) -> None:
    report = await import_(work, NETWORK, dry_run=True)
    assert (report.added, report.dry_run) == (14, True)
    assert await count(work, Organization) == 0


async def test_only_what_differs_is_changed_and_a_field_not_mentioned_stays(work: Work) -> None:
    await import_(work, NETWORK)
    await work.session.execute(update(Desk).values(phone="0208 000 999"))
    report = await import_(work, changed("desk", name="Bàn trực Tim mạch can thiệp"))
    assert (report.added, report.changed, report.kinds["desk"]) == (0, 1, (0, 1))
    desk = (await work.session.scalars(select(Desk).execution_options(populate_existing=True))).one()
    assert (desk.name, desk.phone) == ("Bàn trực Tim mạch can thiệp", "0208 000 999")


async def test_a_changed_rota_is_a_new_version_and_keeps_what_stays(work: Work) -> None:
    await import_(work, NETWORK)
    before = dict(iter(await work.session.execute(select(Layer.role, Layer.id))))
    rota = next(line for line in NETWORK if line["kind"] == "rota")
    primary = rota["layers"][0] | {"turns": [["tn-2"], ["tn-1"]]}
    report = await import_(work, changed("rota", layers=[primary, rota["layers"][1]]))
    assert report.kinds["rota"] == (0, 1)
    after = dict(iter(await work.session.execute(select(Layer.role, Layer.id))))
    assert after["backup"] == before["backup"]
    assert after["primary"] != before["primary"]
    doctors = set(await work.session.scalars(select(User.id).where(User.username.in_(("tn-1", "tn-2")))))
    moved = {fact.data["doctor"]: fact.data for fact in work.facts if fact.type == "duty.moved"}
    assert moved.keys() == doctors, "whoever the second file moves is told; the first moved nobody"
    assert all(data["added"] and data["removed"] for data in moved.values())
    assert (await work.session.scalars(select(Schedule.version))).one() == 2


async def test_specialties_of_a_person_and_desks_of_an_agreement_follow_the_file(work: Work) -> None:
    await import_(work, NETWORK)
    report = await import_(work, changed("person", specialties=["K04", "K02"]))
    assert report.kinds["person"] == (0, 1)
    assert await count(work, UserSpecialty) == 3
    report = await import_(work, NETWORK)
    assert report.kinds["person"] == (0, 1)
    assert await count(work, UserSpecialty) == 2
    report = await import_(work, changed("agreement", to="2030-01-01"))
    assert report.kinds["agreement"] == (0, 1)


BROKEN: list[tuple[str, list[dict[str, Any]], int, str, str]] = [
    ("a missing name", changed("hospital", name=None), 4, "name", "missing"),
    ("an unknown field", changed("hospital", beds=200), 4, "beds", "does not know"),
    ("an unknown kind", [{"kind": "clinic"}], 1, "kind", "no such kind"),
    ("no kind at all", [{"key": "x"}], 1, "kind", "kind is missing"),
    (
        "an unknown department",
        changed("hospital", department="nowhere"),
        4,
        "department",
        "no health department 'nowhere'",
    ),
    ("a hospital as department", changed("hospital", department="tn"), 4, "department", "no health department"),
    ("a facility code of six", changed("hospital", facility_code="123456"), 4, "facility_code", "form"),
    ("an unknown fallback desk", changed("hospital", fallback_desks=["x1"]), 4, "fallback_desks.0", "no desk"),
    ("an unknown specialty", changed("desk", specialty="K99"), 7, "specialty", "no specialty K99"),
    ("a role that does not exist", changed("person", role="nurse"), 8, "role", "one of"),
    ("a specialist without specialty", changed("person", specialties=[]), 8, "specialties", "at least one"),
    ("a user name with accents", changed("person", username="bác-sĩ"), 8, "username", "form"),
    ("somebody unknown on the rota", changed("rota", head="nobody"), 11, "head", "no account 'nobody'"),
    ("a rota of nobody's", changed("rota", desk=None), 11, "desk", "Exactly one"),
    ("a role that a desk has not", changed("rota", required_roles=["coordinator"]), 11, "required_roles", "No role"),
    ("a zone that does not exist", changed("rota", zone="Asia/Mộc_Châu"), 11, "zone", "IANA"),
    (
        "a doctor of another specialty on the rota",
        changed("rota", layers=[{"role": "primary", "turns": [["tn-1", "mc-1"]]}]),
        11,
        "layers.0.turns.0.1",
        "does not have the desk's specialty K04",
    ),
    (
        "a doctor of another hospital on the rota",
        changed("rota", layers=[{"role": "primary", "turns": [["tn-1", "mc-1"]]}]),
        11,
        "layers.0.turns.0.1",
        "belongs to another hospital",
    ),
    (
        "somebody who asks on the rota",
        changed("rota", layers=[{"role": "primary", "turns": [["tn-1", "mc-1"]]}]),
        11,
        "layers.0.turns.0.1",
        "is a requester and cannot be on as primary",
    ),
    (
        "a specialist who coordinates",
        changed(
            "rota", desk=None, hospital="tn", required_roles=[], layers=[{"role": "coordinator", "turns": [["tn-1"]]}]
        ),
        11,
        "layers.0.turns.0.0",
        "is a specialist and cannot be on as coordinator",
    ),
    (
        "turns without a rotation",
        changed("rota", layers=[{"role": "primary", "turns": [["tn-1"], ["tn-2"]]}]),
        11,
        "layers.0",
        "need a rotation",
    ),
    ("a holiday that stands for Monday", changed("holiday", **{"as": "mon"}), 12, "as", "day off"),
    ("a date in other words", changed("holiday", day="06/02/2027"), 12, "day", "2024-04-14"),
    ("an agreement that ends first", changed("agreement", to="2020-01-01"), 14, "to", "ends before"),
    (
        "an agreement by a desk elsewhere",
        changed("agreement", answering="mocchau"),
        14,
        "desks.0",
        "not of the answering",
    ),
    ("an agreement for another specialty", changed("agreement", specialty="K02"), 14, "desks.0", "desk of K04"),
    ("the same desk twice", [*NETWORK, NETWORK[6]], 15, "", "line 7 already"),
    (
        "two agreements at one time",
        [*NETWORK, NETWORK[13] | {"from": "2025-01-01"}],
        15,
        "from",
        "Overlaps the agreement that starts 2024-04-13 (line 14)",
    ),
]


@pytest.mark.parametrize(
    ("lines", "line", "path", "text"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN]
)
async def test_what_is_wrong_is_told_by_line_and_nothing_is_imported(
    work: Work, lines: list[dict[str, Any]], line: int, path: str, text: str
) -> None:
    report = await import_(work, lines)
    assert [(error.line, error.path) for error in report.errors if text in error.en] == [(line, path)], report.errors
    assert all(error.vi and error.en and error.vi != error.en for error in report.errors)
    assert await count(work, Organization) == 0


async def test_every_broken_line_is_told_not_only_the_first(work: Work) -> None:
    document = (
        "# a comment\n\n{not json\n[1]\n" + '{"kind": "ward", "kind": "ward"}\n' + '{"kind":"specialty","code":"K04"}'
    )
    report = await import_network(work, document.encode() + b"\n\xff\xfe", password_hash="$none$")
    assert [error.line for error in report.errors] == [3, 4, 5, 6, 6, 7]
    assert report.errors[0].detail("vi") == "Dòng không phải một đối tượng JSON."


async def test_the_report_reads_as_people_read(work: Work) -> None:
    tried = await import_(work, NETWORK, dry_run=True)
    assert tried.lines()[0] == "14 dòng / lines. Sẽ thêm 14, sửa 0. / 14 would be added, 0 changed."
    assert "  person       +3 ~0" in tried.lines()
    broken = await import_(work, changed("hospital", name=None))
    assert broken.lines()[0] == "Dòng / line 4, name: Thiếu mục này. / This is missing."
    assert broken.lines()[-1] == "Chưa có gì được nhập. / Nothing was imported."


async def test_a_published_rota_is_a_fact_in_the_chain_of_its_hospital(work: Work) -> None:
    await import_(work, NETWORK)
    hospital = (await work.session.scalars(select(Organization.id).where(Organization.key == "tn"))).one()
    told = [fact.chain for fact in work.facts if fact.type == "rota.published"]
    assert told == [f"hospital:{hospital}"]
    before = len(work.facts)
    await import_(work, NETWORK)
    assert len(work.facts) == before


@pytest.mark.parametrize(
    "why",
    [
        update(User).where(User.username == "tn-1").values(active=False),
        update(User).where(User.username == "tn-1").values(role="requester"),
        update(UserSpecialty).where(UserSpecialty.user_id == _TN_1).values(specialty="K02"),
    ],
    ids=["closed", "answers no more", "of another specialty"],
)
async def test_whoever_could_not_accept_is_not_on_duty_and_that_is_a_gap(work: Work, why: Update) -> None:
    await import_(work, NETWORK)
    desk = (await work.session.scalars(select(Desk.id))).one()
    assert [p.role for p in await duty.on_duty(work, desk, NOW)] == ["primary", "backup"]
    await work.session.execute(why)
    later = replace(work, now=NOW + timedelta(minutes=1))
    await duty.compile_duty(later)
    assert [p.role for p in await duty.on_duty(later, desk, later.now)] == ["backup"]
    [gap] = (await duty.duty_of_desk(later, desk, later.now, later.now + timedelta(hours=1))).gaps
    assert gap.role == "primary"


async def test_the_gaps_of_an_imported_rota_are_found_and_told_in_the_same_transaction(work: Work) -> None:
    await import_(work, NETWORK)
    desk = (await work.session.scalars(select(Desk.id))).one()
    ahead = await duty.duty_of_desk(work, desk, NOW, NOW + AHEAD)
    found = (await work.session.scalars(select(DutyGap).order_by(func.lower(DutyGap.during)))).all()
    assert [(gap.role, gap.start, gap.end) for gap in found] == [(g.role, g.start, g.end) for g in ahead.gaps]
    assert {gap.role for gap in found} == {"backup"}  # only at night
    head = (await work.session.scalars(select(User.id).where(User.username == "tn-1"))).one()
    told = {
        fact.data["gap_id"] for fact in work.facts if fact.type == "duty.gap_found" and fact.chain == f"user:{head}"
    }
    assert told == {gap.id for gap in found}

    filled = changed("rota")
    rota = next(line for line in filled if line["kind"] == "rota")
    rota["layers"] = [*rota["layers"][:1], {"role": "backup", "turns": [["tn-2"]]}]
    work.facts.clear()
    await import_(work, filled)
    closed = [fact.data["why"] for fact in work.facts if fact.type == "duty.gap_closed"]
    assert closed == ["filled"] * 2 * len(found)
    assert all(gap.closed_at == NOW for gap in await work.session.scalars(select(DutyGap)))


async def test_a_desk_that_comes_without_a_rota_is_a_gap_at_once(work: Work) -> None:
    await import_(work, [line for line in NETWORK if line["kind"] not in ("rota", "agreement")])
    [gap] = await work.session.scalars(select(DutyGap))
    assert (gap.schedule_id, gap.role, gap.start, gap.end) == (None, "primary", NOW, NOW + AHEAD)


async def test_a_term_that_overlaps_a_stored_one_is_an_error_and_not_a_crash(work: Work) -> None:
    await import_(work, NETWORK)
    report = await import_(work, changed("agreement", **{"from": "2025-01-01"}))
    assert [(error.line, error.path) for error in report.errors] == [(14, "from")]
    assert "stored" in report.errors[0].en


def test_the_manual_names_every_field_and_its_examples_are_lines_of_the_format() -> None:
    manual = (Path(__file__).parent.parent / "docs" / "network-file.md").read_text("utf-8")
    parts = (*(kind for kind in schema.__dict__.values() if isinstance(kind, type) and issubclass(kind, Body)),)
    for part in parts:
        for name, described in part.model_fields.items():
            assert f"`{described.alias or name}`" in manual or name == "kind", f"{part.__name__}.{name}"
    examples = [line for line in manual.splitlines() if line.startswith('{"kind"')]
    lines, complaints = read("\n".join(examples))
    assert complaints == []
    assert {line.kind for _, line in lines} == set(schema.KINDS)


async def test_holidays_of_the_file_reach_the_rota(work: Work) -> None:
    await import_(work, NETWORK)
    assert await count(work, Holiday) == 2


# Duty compiled from it


async def test_the_past_stays_unchanged_slots_keep_their_ids_and_gaps_show(work: Work) -> None:
    await import_(work, NETWORK)
    schedule, desk = (await work.session.execute(select(Schedule.id, Schedule.desk_id))).one()
    doctors = dict(iter(await work.session.execute(select(User.username, User.id))))
    before = await _slots(work)
    work.session.add(
        Override(
            id=doctors["tn-1"],
            schedule_id=schedule,
            kind="remove",
            role="primary",
            doctor_id=doctors["tn-1"],
            during=Range(NOW - timedelta(hours=2), NOW + timedelta(hours=2)),
            made_at=NOW,
        )
    )
    await work.session.flush()
    done = await duty.compile_duty(work)
    assert (done.added, done.changed, done.removed) == (1, 1, 0)
    after = await _slots(work)
    current = next(slot for slot in before.values() if slot[0] == "primary" and slot[1] <= NOW < slot[2])
    cut = next(slot for slot in after.values() if slot[0] == "primary" and slot[1] == current[1])
    assert cut[2] == NOW  # the two hours already served stay served
    untouched = {key: slot for key, slot in before.items() if slot != current}
    assert untouched.items() <= after.items()
    read = await duty.duty_of_desk(work, desk, NOW, NOW + timedelta(hours=3))
    assert [(gap.role, gap.start, gap.end) for gap in read.gaps if gap.role == "primary"] == [
        ("primary", NOW, NOW + timedelta(hours=2))
    ]


async def test_a_day_later_duty_reaches_a_day_further_and_what_goes_on_keeps_its_slot(work: Work) -> None:
    await import_(work, NETWORK)
    before = await _slots(work)
    later = Work(work.session, None, NOW + timedelta(days=1))
    await duty.compile_duty(later)
    after = await _slots(later)
    assert before.keys() <= after.keys()
    assert max(slot[2] for slot in after.values()) == NOW + timedelta(days=91)
    again = await duty.compile_duty(later)
    assert (again.added, again.changed, again.removed) == (0, 0, 0)


async def test_a_doctor_whose_account_is_closed_is_on_duty_nowhere(work: Work) -> None:
    await import_(work, NETWORK)
    desk = (await work.session.scalars(select(Desk.id))).one()
    await work.session.execute(update(User).where(User.username == "tn-2").values(active=False))
    assert [person.role for person in await duty.on_duty(work, desk, NOW)] == ["primary"]
    await duty.compile_duty(work)
    read = await duty.duty_of_desk(work, desk, NOW, NOW + timedelta(hours=1))
    assert [gap.role for gap in read.gaps] == ["backup"]


async def _slots(work: Work) -> dict[Any, tuple[str, datetime, datetime]]:
    rows = await work.session.execute(
        select(DutySlot.id, DutySlot.role, func.lower(DutySlot.during), func.upper(DutySlot.during))
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}

"""The rules without a database: when a channel may speak, what goes out when, and what is said."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID, uuid4

import pytest

from app.models.channel import MOST_ATTEMPTS, Notice, NoticeState
from app.models.rota_rules import Slot
from app.models.working_hours import ZONE
from app.services.outside.notice_plan import Ringing, not_before, plan
from app.services.outside.notice_texts import WORDS, render
from app.services.outside.notices import Reach
from app.services.rostering.duty_moves import Move, words_of
from app.services.rostering.rotas import Owner
from tests.hotline import NIGHT

DOCTOR = uuid4()


def local(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 24, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("begins", "ends", "now", "speaks"),
    [
        (time(22), time(6), local(3), local(6)),
        (time(22), time(6), local(23), local(6) + timedelta(days=1)),
        (time(22), time(6), local(6), local(6)),
        (time(22), time(6), local(12), local(12)),
        (time(12), time(14), local(13, 30), local(14)),
        (time(12), time(14), local(14), local(14)),
        (time(7), time(7), local(7), local(7)),
    ],
)
def test_quiet_hours_end_when_they_say_and_may_pass_midnight(begins: time, ends: time, now: datetime, speaks: datetime):
    reach = Reach(DOCTOR, None, "sms", "+84912345678", quiet_from=begins, quiet_to=ends)
    assert reach.may_speak_at(now, urgent=False) == speaks
    assert reach.may_speak_at(now, urgent=True) == now


def offer(**more: object) -> Ringing:
    base = Ringing(uuid4(), DOCTOR, uuid4(), "orange", "Tim mạch", False, True, NIGHT, NIGHT + timedelta(minutes=5))
    return replace(base, **more)


REACHES = [Reach(DOCTOR, UUID(int=i), kind, "x") for i, kind in enumerate(("voice", "push", "sms", "email"))]
ALL = ("push", "sms", "voice", "email")


def after(rows: list[dict[str, object]]) -> dict[object, float]:
    return {r["channel"]: (r["due_at"] - NIGHT).total_seconds() for r in rows}


@pytest.mark.parametrize(
    ("urgency", "waits"),
    [
        ("red", {"voice": 0, "push": 0, "sms": 0, "email": 0}),
        ("orange", {"voice": 5, "push": 0, "sms": 5, "email": 5}),
        ("yellow", {"voice": 5, "push": 0, "sms": 5, "email": 5}),
        (
            "green",
            {"voice": 14160, "push": 14160, "sms": 14160, "email": 5},
        ),  # at night, 03:04: all but e-mail at 07:00
    ],
)
def test_what_goes_out_when(urgency: str, waits: dict[str, int]):
    rows = plan(offer(urgency=urgency), REACHES, now=NIGHT, kinds=ALL)
    assert after(rows) == waits
    assert {r["urgent"] for r in rows} == {urgency in ("red", "orange")}
    assert len({r["key"] for r in rows}) == len(rows)


@pytest.mark.parametrize(
    ("now", "speaks"),
    [
        (local(6, 59), local(7)),
        (local(7), local(7)),
        (local(16, 59), local(16, 59)),
        (local(17), local(7) + timedelta(days=1)),
        (local(23), local(7) + timedelta(days=1)),
    ],
)
def test_a_routine_case_makes_no_sound_at_night_and_is_told_once_in_the_morning(now: datetime, speaks: datetime):
    silent = [Reach(DOCTOR, None, "push", "x")]
    rings = [offer(urgency="green", since=now, again=again) for again in ("", "2", "3")]
    rows = [plan(replace(r, id=DOCTOR), silent, now=now, kinds=ALL)[0] for r in rings]
    assert {r["due_at"] for r in rows} == {speaks}
    assert len({r["key"] for r in rows}) == (1 if speaks > now else 3)
    lunch = [replace(silent[0], quiet_from=time(6), quiet_to=time(8))]
    [own] = plan(offer(urgency="green", since=local(5)), lunch, now=local(5), kinds=ALL)
    assert own["due_at"] == local(8), "the doctor's own quiet hours count then too"


def test_a_call_to_be_confirmed_telephones_nobody_who_can_be_written_to_and_asks_for_no_key():
    asked = offer(urgency="green", quiet=True)
    rows = plan(asked, REACHES, now=NIGHT, kinds=ALL)
    assert {r["channel"] for r in rows} == {"push", "sms", "email"}
    assert {(r["kind"], r["urgent"]) for r in rows} == {("confirmation", False)}
    [only] = plan(asked, REACHES[:1], now=NIGHT, kinds=ALL)
    assert only["channel"] == "voice"
    assert "accept" not in render("confirmation", {}).menu.values()


@pytest.mark.parametrize(
    ("kinds", "channels", "left"),
    [
        (ALL, (), ["voice", "push", "sms", "email"]),
        (("sms", "email"), (), ["sms", "email"]),
        (ALL, ("push", "email"), ["push", "email"]),
        (("sms",), ("push",), ["sms"]),
        ((), (), ["voice", "push", "sms", "email"]),
    ],
)
def test_limits_that_leave_nothing_are_no_limits(kinds: tuple[str, ...], channels: tuple[str, ...], left: list[str]):
    assert [r["channel"] for r in plan(offer(channels=channels), REACHES, now=NIGHT, kinds=kinds)] == left


def test_a_channel_that_cannot_be_sent_makes_the_next_one_wait_no_longer():
    rows = plan(offer(), REACHES, now=NIGHT, kinds=("sms",))
    notice = Notice(**rows[0])
    assert not_before(notice, offer(delivered_at=NIGHT)) == NIGHT + timedelta(seconds=20)


def test_an_offer_that_rings_round_again_has_keys_of_its_own():
    first = plan(offer(), REACHES, now=NIGHT, kinds=ALL)
    again = plan(offer(again="2"), REACHES, now=NIGHT, kinds=ALL)
    assert all(str(r["key"]).endswith(":2") for r in again)
    assert not any(str(r["key"]).endswith(":2") for r in first[1:] if r["channel_id"] != UUID(int=2))


def test_retries_come_after_five_fifteen_and_sixty_seconds_and_end_unless_it_rings():
    for rings in (True, False):
        notice = Notice(state=NoticeState.WAITING, attempts=0, offer_id=uuid4() if rings else None)
        waits = []
        for _ in range(MOST_ATTEMPTS + 2):
            if notice.state != NoticeState.WAITING:
                break
            notice.claim(now=NIGHT)
            notice.failed("HTTP 503", again=True, now=NIGHT)
            waits.append((notice.due_at - NIGHT).total_seconds())
        assert waits[:5] == [5, 15, 60, 60, 60]
        assert notice.state == (NoticeState.WAITING if rings else NoticeState.FAILED)


def test_what_will_never_work_is_tried_once():
    notice = Notice(state=NoticeState.WAITING, attempts=0, offer_id=uuid4())
    notice.claim(now=NIGHT)
    notice.failed("HTTP 404", again=False, now=NIGHT)
    assert notice.state == NoticeState.FAILED


KINDS = ("offer", "reachability", "gap", "advice", "alarm", "duty", "agreement", "test", "something else")


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_template_says_a_word_that_it_is_not_allowed_to_know(kind: str, language: str):
    secrets = {
        "label": "MC-017",
        "question": "Tiêu sợi huyết?",
        "name": "Lò Thị Bun",
        "number": "HC-26-000123",
        "consultation_id": "01a20a03",
        "diagnosis": "I21",
        "text": "nhồi máu",
    }
    words = dict.fromkeys(WORDS, "X") | {"at": NIGHT.isoformat(), "from": NIGHT, "to": NIGHT} | secrets
    said = render(kind, words, language=language, drill=True)
    for secret in secrets.values():
        assert secret not in f"{said.title} {said.text} {said.spoken}"
    assert said.title.startswith("DIỄN TẬP" if language == "vi" else "DRILL")
    assert "{" not in said.text
    assert said.text


@pytest.mark.parametrize(
    ("added", "removed", "vi", "en"),
    [
        ([1], [], "Bạn được xếp trực (trực chính), Tim mạch từ 08:00 2/12", "You are now on duty (primary), Tim mạch"),
        ([], [1, 2], "Bạn không còn trực (trực chính), Tim mạch từ 08:00 2/12", "to 09:00 2/12; and 1 more change."),
        ([3], [1, 2], "Bạn được xếp trực (trực chính), Tim mạch từ 08:00 4/12", "to 09:00 4/12; and 2 more changes."),
    ],
    ids=["one more", "two fewer", "another"],
)
def test_whose_duty_moves_is_told_in_which_direction(added: list[int], removed: list[int], vi: str, en: str):
    doctor, eight = uuid4(), datetime(2026, 12, 1, 1, tzinfo=UTC)  # 08:00 in Vietnam

    def slots(days: list[int]) -> list[Slot]:
        starts = [eight + timedelta(days=day) for day in days]
        return [Slot(doctor, "primary", start, start + timedelta(hours=1)) for start in starts]

    move = Move(uuid4(), Owner(uuid4(), "Tim mạch"), slots(added), slots(removed))
    said = {language: render("duty", words_of(move, doctor), language=language) for language in ("vi", "en")}
    assert vi in said["vi"].text
    assert en in said["en"].text
    assert said["vi"].title != said["en"].title


def test_times_are_said_as_the_hospitals_clock_shows_them():
    said = render("reachability", {"from": "2026-11-23T23:30:00+00:00", "role": "primary", "place": "Tim mạch"})
    assert "bắt đầu lúc 06:30 24/11" in said.text
    assert said.menu == {"1": "here", "3": "again"}

"""What a ladder may look like before it is put in force: pure rules over its steps.

The last step rings a coordinator: so every ladder ends at a human who is rung until the case is held.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from app.models.callout import COORDINATOR, WORKING_HOURS
from app.models.urgency import EMERGENCIES, Urgency

DESK_ROLES = ("primary", "backup", "head_of_shift", "red_team")
HOSPITAL_ROLES = ("leadership", COORDINATOR)
TEAM = "team"
MODES = ("all", "one_by_one", "least_offered")
CLOCKS = ("wall", "working_hours")
CHANNELS = ("push", "sms", "voice", "email")
MOST_STEPS = 20
SHORTEST_S, LONGEST_S = 10, 7 * 24 * 3600
LONGEST_IN_AN_EMERGENCY_S = 30 * 60
"""Twice the time in which an orange request must have its answer: no step may wait longer for its people."""


class Wrong(NamedTuple):
    """One thing wrong with a ladder: where, and what, in both languages."""

    field: str
    vi: str
    en: str


def normal(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return a step in the one spelling in which it is kept: `team` is the red team, nobody is named twice."""
    who = dict.fromkeys("red_team" if w == TEAM else w for w in step["who"])
    return {
        "who": list(who),
        "mode": step.get("mode", "all"),
        "timeout_s": step["timeout_s"],
        "clock": step.get("clock", "wall"),
        "channels": list(dict.fromkeys(step.get("channels") or ())),
        "skip_empty": step.get("skip_empty", True),
        "keep": step.get("keep", True),
    }


def named(steps: Iterable[Mapping[str, Any]], kind: str) -> list[tuple[str, UUID]]:
    """Return the people (`user`) or partner desks (`desk`) that steps name, each with the field that names it."""
    return [
        (f"steps.{i}.who.{j}", UUID(who.partition(":")[2]))
        for i, step in enumerate(steps)
        for j, who in enumerate(step["who"])
        if who.startswith(f"{kind}:")
    ]


def wrong_with(steps: Sequence[Mapping[str, Any]], urgency: Urgency) -> Iterator[Wrong]:
    """Name everything that is wrong with a ladder for this urgency, whoever its people are."""
    if not steps:
        yield Wrong("steps", "Cần ít nhất một nấc.", "At least one step is needed.")
        return
    if len(steps) > MOST_STEPS:
        yield Wrong("steps", f"Nhiều nhất {MOST_STEPS} nấc.", f"At most {MOST_STEPS} steps.")
    for i, step in enumerate(steps):
        yield from _wrong_with_step(f"steps.{i}", step)
        if urgency in EMERGENCIES:
            yield from _wrong_in_an_emergency(f"steps.{i}", step)
    if COORDINATOR not in steps[-1]["who"]:
        yield Wrong(
            f"steps.{len(steps) - 1}.who",
            "Nấc cuối phải gọi điều phối (coordinator): bậc thang nào cũng phải kết thúc ở một người, "
            "đổ chuông đến khi ca có người giữ.",
            "The last step must ring a coordinator: every ladder ends at a human who is rung until the case is held.",
        )


def _wrong_with_step(field: str, step: Mapping[str, Any]) -> Iterator[Wrong]:
    if not step["who"]:
        yield Wrong(f"{field}.who", "Nấc này chưa gọi ai.", "This step rings nobody.")
    for j, who in enumerate(step["who"]):
        if not _is_known(who):
            yield Wrong(
                f"{field}.who.{j}",
                "Không có vai trò này. Dùng primary, backup, head_of_shift, red_team, team, leadership, coordinator, "
                "user:<id> hoặc desk:<id>.",
                "There is no such role. Use primary, backup, head_of_shift, red_team, team, leadership, coordinator, "
                "user:<id> or desk:<id>.",
            )
    if not SHORTEST_S <= step["timeout_s"] <= LONGEST_S:
        yield Wrong(f"{field}.timeout_s", "Từ 10 giây đến 7 ngày.", "From 10 seconds to 7 days.")


def _wrong_in_an_emergency(field: str, step: Mapping[str, Any]) -> Iterator[Wrong]:
    if step.get("clock") == WORKING_HOURS:
        yield Wrong(
            f"{field}.clock",
            "Ca đỏ và cam không chờ đến giờ hành chính. Dùng giờ thường (wall).",
            "Red and orange wait for no working hours. Use the wall clock.",
        )
    if LONGEST_IN_AN_EMERGENCY_S < step["timeout_s"] <= LONGEST_S:
        yield Wrong(
            f"{field}.timeout_s",
            "Ca đỏ và cam: mỗi nấc nhiều nhất 30 phút.",
            "Red and orange: at most 30 minutes for a step.",
        )


def _is_known(who: str) -> bool:
    kind, colon, name = who.partition(":")
    if not colon:
        return who in (*DESK_ROLES, *HOSPITAL_ROLES, TEAM)
    if kind not in ("user", "desk"):
        return False
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False

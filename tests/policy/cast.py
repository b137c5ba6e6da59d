"""Everybody who can stand in some relation to a case, and the same case in each of its states.

The people in a relation are newcomers, so that each stands in that relation alone and nobody is on duty by chance.
"""

from dataclasses import dataclass, field

from tests.hotline import Json, Person
from tests.staff import Staff

CARDIOLOGY = "K04"

# The columns of the matrices: who they are, and in which relation.
CAST = {
    "rq": "the requesting doctor",
    "cl": "a doctor of the same ward",
    "wa": "a doctor of another ward of that hospital",
    "fr": "a doctor of another hospital",
    "of": "a specialist with an open offer",
    "fo": "a specialist who declined (in a red team: who cannot come)",
    "ho": "the holder",
    "te": "a member of the red team who is coming",
    "in": "a specialist who was invited",
    "fm": "the holder before a hand-over",
    "rm": "a specialist who was invited and taken out again",
    "du": "a specialist on duty at the desk, not rung",
    "by": "a specialist of the answering hospital, not on duty",
    "st": "a specialist of another hospital",
    "ca": "a coordinator of the asking hospital",
    "cb": "a coordinator of the answering hospital",
    "cx": "a coordinator of a third hospital",
    "ad": "the administrator of the asking hospital",
    "op": "the operator of the platform",
    "ig": "the integrator of the asking hospital",
    "ix": "an integrator of another hospital",
}
STRANGERS = {"fr", "by", "st", "cx", "ad", "op", "ix"}  # no relation, so the state of the case is nothing to them
NOT_YET = {"ho", "te", "fm"}  # nobody is this while the case rings for the first time


@dataclass
class Situation:
    """One case in one state, everybody around it, and what commands refer to."""

    case: Json
    cast: dict[str, Person]
    opinion: str
    call: str
    names: dict[str, str] = field(default_factory=dict)


async def assemble(staff: Staff) -> dict[str, Person]:
    """Bring the cast together."""
    desk = next(a["desk"] for a in staff.hotline.accounts if a["username"] == "tn-timmach-1")
    central = staff["tn-timmach-1"].account["hospital"]
    keys = ("of", "fo", "ho", "te", "in", "fm", "rm", "du", "by", "spare", "second")
    newcomers = await staff.newcomers(len(keys), hospital=central, specialties=[CARDIOLOGY])
    cast = dict(zip(keys, newcomers, strict=True))
    await staff.put_on_duty([cast["du"]], desk=desk, role="backup")
    cast |= {
        "rq": staff["sonla-capcuu-1"],
        "cl": staff["sonla-capcuu-2"],
        "wa": staff["sonla-hstc-1"],
        "fr": staff["mocchau-capcuu-1"],
        "st": staff["tudu-sanphu-1"],
        "ca": staff["sonla-dieuphoi-1"],
        "cb": staff["tn-dieuphoi-1"],
        "cx": staff["gialai-dieuphoi-1"],
        "ad": staff["sonla-quantri"],
        "op": staff["vanhanh"],
        "ig": staff["tichhop-sonla"],
    }
    other = staff["mocchau-capcuu-1"].account["hospital"]
    [cast["ix"]] = await staff.newcomers(1, role="integrator", hospital=other)
    return cast


async def ringing(staff: Staff, cast: dict[str, Person], *, urgency: str = "orange") -> Situation:
    """Nobody holds it yet: some were offered it, one declined, one was invited, one was taken out again."""
    case = await staff.hotline.ask(CARDIOLOGY, urgency=urgency, by=cast["rq"])
    for key in ("of", "fo"):
        await cast["cb"].do(case, "assignment", {"user_id": staff.id_of(cast[key])})
    for key in ("in", "rm"):
        await cast["rq"].do(case, "participants", {"user_id": staff.id_of(cast[key]), "role": "invited"})
    await take_out(cast["rq"], case, staff.id_of(cast["rm"]))
    opinion = await cast["in"].do(case, "messages", {"text": "Đo lại điện tim sau 10 phút.", "opinion": True})
    if urgency != "red":
        await cast["fo"].do(case, "refusal", {"reason": "procedure"})
    spoken = await cast["rq"].do(case, "calls", {"at": case["created_at"], "text": "Đã báo qua điện thoại."})
    return Situation(case, cast, opinion["event_id"], spoken["calls"][0]["id"])


async def held(staff: Staff, cast: dict[str, Person]) -> Situation:
    """A red alert: a leader who handed the case over, one who is coming, one who cannot, one who has not answered."""
    situation = await ringing(staff, cast, urgency="red")
    case = situation.case
    for key in ("te", "fm"):
        await cast["cb"].do(case, "assignment", {"user_id": staff.id_of(cast[key])})
    await cast["fm"].do(case, "acceptance")
    await cast["te"].do(case, "attendance", {"coming": True})
    await cast["fo"].do(case, "attendance", {"coming": False})
    await cast["fm"].do(case, "hand-over", {"user_id": staff.id_of(cast["ho"])})
    await cast["ho"].do(case, "acceptance")
    return situation


async def concluded(staff: Staff, cast: dict[str, Person]) -> Situation:
    situation = await held(staff, cast)
    given = {"summary": "Nam 58 tuổi.", "conclusion": "Nhồi máu cơ tim.", "plan": "Chuyển viện."}
    await cast["ho"].do(situation.case, "conclusion", given)
    return situation


async def closed(staff: Staff, cast: dict[str, Person]) -> Situation:
    situation = await concluded(staff, cast)
    await cast["rq"].do(situation.case, "outcome", {"at": "discharge", "result": "treated_locally"})
    return situation


async def cancelled(staff: Staff, cast: dict[str, Person]) -> Situation:
    situation = await held(staff, cast)
    await cast["rq"].do(situation.case, "cancellation", {"reason": "Người bệnh đã được chuyển đi"})
    return situation


SITUATIONS = {
    "ringing": ringing,
    "active": held,
    "concluded": concluded,
    "closed": closed,
    "cancelled": cancelled,
}


async def take_out(by: Person, case: Json, user_id: str) -> None:
    """Take an invited person out of a case."""
    answer = await by.hotline.http.delete(
        f"/api/v1/consultations/{case['id']}/participants/{user_id}",
        headers=by.headers | {"Idempotency-Key": f"out-{case['id']}-{user_id}"},
    )
    assert answer.status_code == 200, answer.text

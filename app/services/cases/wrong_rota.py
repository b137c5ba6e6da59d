"""«Not my duty»: somebody was rung whom the rota names wrongly. Those who can put it right are told at once."""

from app.models.callout import Callout, Offer
from app.models.consultation import Consultation
from app.services.facts import events
from app.services.outside import notices
from app.services.outside.notices import Announcement
from app.services.ringing import coordinators
from app.services.rostering import rota_people
from app.work import Work


async def tell(work: Work, case: Consultation, callout: Callout, offer: Offer) -> None:
    """Tell the coordinator of the answering hospital and who is responsible for the desk's rota who says so."""
    told = set(await coordinators.of_hospital(work, callout.hospital_id)) | set(
        await rota_people.responsible(work, callout.desk_id)
    )
    data = {
        "desk": callout.desk_id,
        "desk_name": callout.desk_name,
        "hospital": callout.hospital_id,
        "role": offer.role,
        "doctor": offer.doctor_id,
        "doctor_name": offer.doctor_name,
        "drill": case.drill,
        "at": work.now,
    }
    events.record(work, case, "duty.disputed", data, to=sorted(told))
    said = Announcement(
        kind="alarm",
        about=f"disputed:{offer.id}",
        key=f"disputed:{offer.id}",
        words={
            "why": "not_on_duty",
            "desk": callout.desk_name,
            "role": offer.role,
            "doctor": offer.doctor_name,
            "at": work.now,
        },
        urgent=True,
        drill=case.drill,
        consultation_id=case.id,
    )
    await notices.tell(work, sorted(told), said)

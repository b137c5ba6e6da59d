"""The coordinators of a hospital: a human behind everything that nobody has answered."""

from uuid import UUID

from sqlalchemy import text

from app.work import Work


async def of_hospital(work: Work, *hospitals: UUID) -> list[UUID]:
    """Return the coordinators on duty at the first of these hospitals; with none on duty, all of that hospital's.

    A hospital without any coordinator is passed over, so that somebody is reached as long as one of them has one.
    """
    for hospital in dict.fromkeys(hospitals):
        rows = (await work.session.execute(_COORDINATORS, {"hospital": hospital, "now": work.now})).all()
        found = [row.id for row in rows if row.on_duty] or [row.id for row in rows]
        if found:
            return found
    return []


_COORDINATORS = text("""
SELECT u.id, EXISTS (SELECT 1 FROM duty_slot d JOIN schedule s ON s.id = d.schedule_id
                     WHERE s.hospital_id = u.hospital_id AND d.doctor_id = u.id AND d.role = 'coordinator'
                       AND upper(d.during) > CAST(:now AS timestamptz)
                       AND d.during @> CAST(:now AS timestamptz)) AS on_duty
FROM user_account u WHERE u.role = 'coordinator' AND u.active AND u.hospital_id = CAST(:hospital AS uuid)
ORDER BY u.id
""")

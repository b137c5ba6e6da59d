"""The cardiology desk for tests of its duty: cleared of what the test before did to it, and shorthand for edits."""

from datetime import datetime, timedelta
from typing import Any

from app.services.rostering.duty import compile_duty
from tests.hotline import Json, Person
from tests.staff import Staff

_CLEARED = ("imported_shift", "feed", "swap", "leave", "override", "temporary_rota", "holiday")


async def cleared(staff: Staff) -> Staff:
    """Take out everything but layers, and work duty out anew; the clock goes on a little."""
    staff.hotline.clock.advance(seconds=1)
    for table in _CLEARED:
        await staff.execute(f"DELETE FROM {table}")
    await staff.execute("UPDATE user_account SET email = NULL, active = true WHERE email IS NOT NULL OR NOT active")
    house = staff.hotline.app.state.house
    async with house.work(None) as work:
        await compile_duty(work)
        await house.commit(work)
    return staff


class Desk:
    """The cardiology desk, its head, and shorthand for editing its rota."""

    def __init__(self, staff: Staff) -> None:
        self.staff = staff
        self.head = staff["tn-timmach-1"]
        self.doctors = [staff[f"tn-timmach-{number}"] for number in range(1, 7)]
        self.ids = [staff.id_of(doctor) for doctor in self.doctors]
        self.id = self.head.account["desk"]
        self.hospital = self.head.account["hospital"]
        self.path = f"/desks/{self.id}/rota"

    @property
    def now(self) -> datetime:
        return self.staff.hotline.clock.now()

    def at(self, hours: float) -> str:
        return (self.now + timedelta(hours=hours)).isoformat()

    async def rota(self, by: Person | None = None) -> Json:
        answer = await (by or self.head).get(self.path)
        assert answer.status_code == 200, answer.text
        read: Json = answer.json()
        return read

    async def send(self, *changes: Json, by: Person | None = None, **rest: Any) -> Any:
        version = rest.pop("version", None)
        if version is None:
            version = (await self.rota())["version"]
        return await (by or self.head).post(self.path, {"version": version, "changes": list(changes), **rest})

    async def publish(self, *changes: Json, by: Person | None = None, **rest: Any) -> Json:
        answer = await self.send(*changes, by=by, **rest)
        assert answer.status_code == 200, answer.text
        done: Json = answer.json()
        return done

    def override(self, kind: str, doctor: int, start: float, end: float, by: int | None = None, **rest: Any) -> Json:
        body = {"kind": kind, "role": "primary", "doctor": self.ids[doctor - 1], "from": self.at(start)}
        body |= {"to": self.at(end), "reason": "Đi hội nghị"} | ({"by": self.ids[by - 1]} if by else {}) | rest
        return {"op": "put", "kind": "override", "body": body}

    async def on(self, role: str = "primary", at: str | None = None) -> list[str]:
        read = (await self.head.get(f"/desks/{self.id}/on-call", **({"at": at} if at else {}))).json()
        return [person["doctor"] for person in read["on_call"] if person["role"] == role]

    async def slots(self) -> dict[str, tuple[Any, ...]]:
        rows = await self.staff.execute(
            "SELECT d.id, d.doctor_id, d.role, lower(d.during) AS start, upper(d.during) AS end FROM duty_slot d "
            "JOIN schedule s ON s.id = d.schedule_id WHERE s.desk_id = CAST(:desk AS uuid)",
            desk=self.id,
        )
        return {str(row.id): (str(row.doctor_id), row.role, row.start, row.end) for row in rows}

"""One desk and its rota, changed as a publication changes it, and the facts that come of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from app.services.rostering import duty_watch
from app.services.rostering.duty import compile_duty
from tests.hotline import Hotline, Json, Person
from tests.staff import Staff


@dataclass
class Ward:
    """One desk of the running hotline, seen by those who keep its rota."""

    staff: Staff
    desk: str
    hospital: str
    schedule: str
    head: Person

    @property
    def hotline(self) -> Hotline:
        return self.staff.hotline

    @property
    def now(self) -> datetime:
        return self.hotline.clock.now()

    async def publish(self, *statements: tuple[str, dict[str, Any]]) -> None:
        """Change the rota, compile it and look at it: what a publication does, in one transaction."""
        house = self.hotline.app.state.house
        async with house.work(None) as work:
            connection = await work.session.connection()
            for statement, values in statements:
                await connection.exec_driver_sql(statement, tuple(values.values()))
            await compile_duty(work, schedule_ids=[UUID(self.schedule)])
            await duty_watch.after_compile(work, [UUID(self.schedule)])
            await house.commit(work)

    def override(
        self, kind: str, person: Person, start: datetime, end: datetime, *, role: str, by: Person | None = None
    ) -> tuple[str, dict[str, Any]]:
        """An exception to the rota."""
        statement = (
            'INSERT INTO "override" (id, schedule_id, kind, role, doctor_id, by_id, during, reason, made_at) '
            "VALUES ($1, $2, $3, $4, $5, $6, tstzrange($7, $8), '', $9)"
        )
        return (
            statement,
            {
                "id": uuid4(),
                "schedule": UUID(self.schedule),
                "kind": kind,
                "role": role,
                "doctor": UUID(self.staff.id_of(person)),
                "by": UUID(self.staff.id_of(by)) if by else None,
                "start": start,
                "end": end,
                "made_at": self.now,
            },
        )

    def without_overrides(self) -> tuple[str, dict[str, Any]]:
        """Take back every exception."""
        return ('DELETE FROM "override" WHERE schedule_id = $1', {"schedule": UUID(self.schedule)})

    async def on(self, role: str, at: datetime) -> list[Person]:
        """Who has a role of the desk at an instant."""
        rows = await self.staff.execute(
            "SELECT doctor_id FROM duty_slot WHERE schedule_id = CAST(:s AS uuid) AND role = :role "
            "AND during @> CAST(:at AS timestamptz) ORDER BY doctor_id",
            s=self.schedule,
            role=role,
            at=at,
        )
        return [self.staff.by_id[str(row.doctor_id)] for row in rows]

    async def remove(self, role: str, start: datetime, end: datetime) -> None:
        """Publish that nobody has a role for a while."""
        people: dict[str, Person] = {}
        at = start
        while at < end:
            people |= {self.staff.id_of(p): p for p in await self.on(role, at)}
            at += timedelta(hours=1)
        await self.publish(*(self.override("remove", p, start, end, role=role) for p in people.values()))

    async def gaps(self, by: Person | None = None) -> list[Json]:
        """Open gaps of the desk, as they are read."""
        answer = await (by or self.head).get("/gaps", desk=self.desk)
        assert answer.status_code == 200, answer.text
        items: list[Json] = answer.json()["items"]
        return items

    async def coordinator(self) -> Person:
        """The coordinator of the hospital who is on duty now."""
        rows = await self.staff.execute(
            "SELECT d.doctor_id FROM duty_slot d JOIN schedule s ON s.id = d.schedule_id "
            "WHERE s.hospital_id = CAST(:h AS uuid) AND d.role = 'coordinator' "
            "AND d.during @> CAST(:now AS timestamptz)",
            h=self.hospital,
            now=self.now,
        )
        return self.staff.by_id[str(rows[0].doctor_id)]


async def facts(staff: Staff, *types: str, chain: str | None = None) -> Sequence[Any]:
    """Facts of these types in the order in which they happened."""
    return await staff.execute(
        "SELECT type, chain, at, data FROM event WHERE type = ANY(CAST(:types AS text[])) "
        "AND (CAST(:chain AS text) IS NULL OR chain = :chain) ORDER BY at, id",
        types=list(types),
        chain=chain,
    )

"""Which agreement decides, and who is rung outside any: the order that the rules set down, one difference at a time."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.hotline import Json
from tests.staff import Staff
from tests.watch.ward import facts

ASKING = "mocchau-capcuu-1"  # Mộc Châu, of the health department of Sơn La
SPECIALTY = "K28"  # nobody has agreed it with Sơn La


class Network:
    """Desks and agreements of one specialty, made for one test."""

    def __init__(self, house: Staff, ids: dict[str, str]) -> None:
        self.house, self.ids = house, ids

    async def desk(self, hospital: str, *, staffed: bool = True, specialty: str = SPECIALTY) -> str:
        """A desk at a hospital, with somebody on duty or with a rota and nobody."""
        desk = str(uuid4())
        await self.house.execute(
            "INSERT INTO desk (id, key, hospital_id, specialty, name, active) "
            "VALUES (CAST(:id AS uuid), :id, CAST(:h AS uuid), :s, 'Bàn trực ' || :id, true)",
            id=desk,
            h=self.ids[hospital],
            s=specialty,
        )
        await self.house.execute(
            "INSERT INTO schedule (id, desk_id, zone, required_roles, version) "
            "VALUES (:id, CAST(:desk AS uuid), 'Asia/Ho_Chi_Minh', '[]', 1)",
            id=uuid4(),
            desk=desk,
        )
        if staffed:
            people = await self.house.newcomers(1, hospital=self.ids[hospital], specialties=[specialty])
            await self.house.put_on_duty(people, desk=desk, role="primary")
        return desk

    async def agree(self, desks: list[str], **more: Any) -> None:
        """An agreement in force since a month ago, unless told otherwise."""
        agreed = {"asking": "mocchau", "answering": "tn", "rank": 1, "days": 30} | more
        agreement = uuid4()
        now = self.house.hotline.clock.now()
        await self.house.execute(
            "INSERT INTO agreement (id, asking_id, answering_id, specialty, rank, during, title) "
            "VALUES (:id, CAST(:asking AS uuid), CAST(:answering AS uuid), :s, :rank, tstzrange(:since, NULL), '')",
            id=agreement,
            asking=self.ids[agreed["asking"]],
            answering=self.ids[agreed["answering"]],
            s=SPECIALTY,
            rank=agreed["rank"],
            since=now - timedelta(days=agreed["days"]),
        )
        for rank, desk in enumerate(desks, start=1):
            await self.house.execute(
                "INSERT INTO agreement_desk (agreement_id, desk_id, rank) VALUES (:a, CAST(:d AS uuid), :r)",
                a=agreement,
                d=desk,
                r=rank,
            )

    async def rings(self, urgency: str = "yellow") -> Json:
        """Ask, and return the desk that is rung with what was said about the way."""
        body = {"specialty": SPECIALTY, "urgency": urgency, "question": "?1", "patient": {"label": str(uuid4())[:8]}}
        answer = await self.house[ASKING].post("/consultations", body)
        assert answer.status_code == 201, answer.text
        case = answer.json()
        return {"desk": case["callouts"][0]["desk"], "warnings": case["warnings"], "id": case["id"]}


@pytest_asyncio.fixture
async def network(house: Staff) -> Network:
    rows = await house.execute("SELECT key, id FROM organization")
    return Network(house, {row.key: str(row.id) for row in rows})


async def test_rank_then_the_hospitals_own_before_its_departments_then_the_older_decides(network: Network) -> None:
    department = await network.desk("tn")
    await network.agree([department], asking="syt-sonla", days=900)
    assert (await network.rings())["desk"] == department
    younger = await network.desk("sonla")
    await network.agree([younger], answering="sonla", days=10)
    assert (await network.rings())["desk"] == younger  # its own, though younger than the department's
    older = await network.desk("tudu")
    await network.agree([older], answering="tudu", days=20)
    assert (await network.rings())["desk"] == older
    ahead = await network.desk("phuyen")
    await network.agree([ahead], asking="syt-sonla", answering="phuyen", rank=1, days=1)
    assert (await network.rings())["desk"] == older
    await network.house.execute("UPDATE agreement SET rank = 2 WHERE specialty = :s AND rank = 1", s=SPECIALTY)
    await network.house.execute(
        "UPDATE agreement SET rank = 1 WHERE specialty = :s AND answering_id = CAST(:a AS uuid)",
        s=SPECIALTY,
        a=network.ids["phuyen"],
    )
    assert (await network.rings())["desk"] == ahead


async def test_the_first_desk_whose_first_step_has_somebody_is_rung_in_the_order_agreed(network: Network) -> None:
    empty, first, second = await network.desk("tn", staffed=False), await network.desk("tn"), await network.desk("tn")
    await network.agree([empty, first, second])
    assert (await network.rings())["desk"] == first
    for urgency in ("red", "orange", "yellow", "green"):
        assert (await network.rings(urgency))["warnings"] == [], urgency


async def test_a_departments_agreement_counts_for_whoever_is_its_member_now_and_an_ended_one_for_nobody(
    network: Network,
) -> None:
    desk = await network.desk("tn")
    await network.agree([desk], asking="syt-sonla")
    assert (await network.rings())["desk"] == desk
    house = network.house
    await house.execute(
        "UPDATE organization SET department_id = NULL WHERE id = CAST(:id AS uuid)", id=network.ids["mocchau"]
    )
    refused = await house[ASKING].post(
        "/consultations", {"specialty": SPECIALTY, "urgency": "yellow", "question": "?1", "patient": {"label": "x"}}
    )
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no-agreement")
    assert refused.json()["could_ask"]


@pytest.mark.parametrize("change", ["department_id = NULL", "active = false"], ids=["left", "closed"])
async def test_a_desk_whose_hospital_left_the_department_or_closed_is_not_rung(network: Network, change: str) -> None:
    house, desk = network.house, await network.desk("sonla")
    await network.agree([desk], answering="syt-sonla")
    assert (await network.rings())["desk"] == desk
    await house.execute(
        f"UPDATE organization SET {change} WHERE id = CAST(:id AS uuid)",
        id=network.ids["sonla"],
    )
    body = {"specialty": SPECIALTY, "urgency": "yellow", "question": "?1", "patient": {"label": "x"}}
    refused = await house[ASKING].post("/consultations", body)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no-agreement")
    rung = await network.rings("orange")
    assert "outside_agreement" in rung["warnings"]
    assert change != "active = false" or rung["desk"] != desk


async def test_outside_any_agreement_fallback_desks_come_in_their_order_and_then_the_nearest(network: Network) -> None:
    house, ids = network.house, network.ids
    await house.execute("UPDATE organization SET fallback_desks = '[]' WHERE id = CAST(:id AS uuid)", id=ids["mocchau"])
    await house.execute("UPDATE desk SET active = false WHERE specialty = :s", s=SPECIALTY)
    far = await network.desk("tudu")
    assert (await network.rings("orange"))["desk"] == far
    near = await network.desk("sonla")  # the same province
    rung = await network.rings("orange")
    assert (rung["desk"], rung["warnings"]) == (near, ["outside_agreement"])
    [why] = [f for f in await facts(house, "consultation.requested") if f.data["consultation_id"] == rung["id"]]
    assert "outside_agreement" in str(why.data)
    chosen = [await network.desk("tudu"), await network.desk("tn")]
    for order in (chosen, chosen[::-1]):
        await house.execute(
            "UPDATE organization SET fallback_desks = to_jsonb(CAST(:desks AS text[])) WHERE id = CAST(:id AS uuid)",
            desks=order,
            id=ids["mocchau"],
        )
        assert (await network.rings("orange"))["desk"] == order[0]
    emergency = await network.desk("tudu", specialty="K02")  # a fallback desk is rung though it is of another specialty
    await house.execute(
        "UPDATE organization SET fallback_desks = to_jsonb(CAST(:desks AS text[])) WHERE id = CAST(:id AS uuid)",
        desks=[emergency, near],
        id=ids["mocchau"],
    )
    rung = await network.rings("orange")
    assert (rung["desk"], rung["warnings"]) == (emergency, ["outside_agreement", "other_specialty"])

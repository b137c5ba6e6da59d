"""What a claim reads does not grow with the years: it goes from what is due to its case, never through all cases."""

import re
from collections.abc import Iterator
from typing import Any

from app.services.cases import escalation
from tests.hotline import Hotline

Json = dict[str, Any]
VALUES = {
    "now": "now()",
    "soon": "now() + interval '1 s'",
    "abandoned": "interval '8 ms'",
    "moment": "interval '5 ms'",
    "but": "'{}'::uuid[]",
}


def nodes(plan: Json) -> Iterator[Json]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


async def test_a_claim_reads_no_case_that_is_not_due(hotline: Hotline) -> None:
    requester = await hotline.person("sonla-capcuu-1")
    for _ in range(20):
        await hotline.ask("K04", by=requester)
    names = list(dict.fromkeys(re.findall(r"(?<![:\w]):(\w+)", str(escalation._CLAIM._text))))
    async with hotline.app.state.house.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.execute("ANALYZE consultation; ANALYZE callout; ANALYZE reminder")
        await driver.execute(f"PREPARE claim AS {escalation._CLAIM._sql}")
        values = ", ".join(VALUES[name] for name in names)
        [[found]] = await driver.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE claim({values})")
        await driver.execute("DEALLOCATE claim")
    read = [node for node in nodes(found[0]["Plan"]) if node.get("Relation Name") == "consultation"]
    assert len(read) >= 6
    assert [node for node in read if not node.keys() & {"Index Cond", "Recheck Cond"}] == []

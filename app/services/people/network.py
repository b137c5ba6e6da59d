"""Import of a network file: all of it or nothing, and the same file twice changes nothing.

Three passes. Read: every line for itself. Plan (network_plan.py): every line against the others and against what is
stored, so that a dry run says exactly what a real one would do. Carry out: a few statements for the whole file, then
new duty slots, and the gaps that they have.
"""

import asyncio
import json
import secrets
from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

from pwdlib import PasswordHash
from pydantic import ValidationError
from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.database import Base
from app.models.agreement import AgreementDesk
from app.models.event import StreamHead
from app.models.rota import Layer
from app.models.user import UserSpecialty
from app.schemas.body import Body
from app.schemas.network import LINE, in_words, path
from app.services.people.network_plan import Complaint, Plan, Row, Stored, tally
from app.services.rostering import duty_moves, duty_settled, duty_watch
from app.services.rostering.duty import compile_duty
from app.services.rostering.rota_people import all_rotas, lock_rotas
from app.services.rostering.rotas import Rota, read_rotas
from app.work import Work

_ORDER: Final = ("specialty", "organization", "ward", "desk", "user_account", "schedule", "holiday", "agreement")
"""Tables in an order in which nothing refers to what is not there yet."""

_MOST_TOLD: Final = 200


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did, or in a dry run would do; with errors, nothing was done."""

    rows: int
    added: int
    changed: int
    kinds: dict[str, tuple[int, int]]
    """Added and changed, by kind of line."""
    errors: list[Complaint]
    dry_run: bool

    def lines(self) -> list[str]:
        """The report as the command line prints it, Vietnamese first; long lists of errors are cut."""
        if self.errors:
            told = [
                f"Dòng / line {error.line}{f', {error.path}' if error.path else ''}: {error.vi} / {error.en}"
                for error in self.errors[:_MOST_TOLD]
            ]
            if rest := len(self.errors) - len(told):
                told.append(f"… và {rest} lỗi nữa / and {rest} more")
            return [*told, "Chưa có gì được nhập. / Nothing was imported."]
        counts = [
            f"  {kind:<12} +{added} ~{changed}" for kind, (added, changed) in self.kinds.items() if added or changed
        ]
        done = ("Sẽ", "would be") if self.dry_run else ("Đã", "were")
        vi = f"{self.rows} dòng / lines. {done[0]} thêm {self.added}, sửa {self.changed}."
        en = f"{self.added} {done[1]} added, {self.changed} changed."
        return [f"{vi} / {en}", *counts]


async def import_network(
    work: Work,
    document: str | bytes,
    *,
    dry_run: bool = False,
    password_hash: str | None = None,
    demo: bool = False,
) -> Report:
    """Load hospitals, desks, people, rotas and agreements from a network file (docs/network-file.md).

    New accounts cannot sign in until each is given a password (`hoichan account reset`), unless a hash is handed in
    for all. Lines with errors stop the whole import; the report lists them by line.
    """
    lines, complaints = read(document)
    account = {"password_hash": password_hash or await _no_password(), "demo": demo}
    if not dry_run:
        await _lock_what_duty_hangs_on(work)
    plan = Plan(await _stored(work), work.now, account)
    plan.take(lines)
    errors = sorted([*complaints, *plan.complaints], key=lambda complaint: complaint.line)
    kinds = tally([thing for things in plan.things.values() for thing in things.values()])
    added, changed = (sum(counts[which] for counts in kinds.values()) for which in (0, 1))
    if not errors and not dry_run:
        before = await read_rotas(work)
        await _carry_out(work, plan)
        await compile_duty(work)
        if not demo:  # its server looks for gaps when it starts, and there is nobody yet who could have published
            await _tell(work, plan, before)
    return Report(len(lines), added, changed, kinds, errors, dry_run)


def read(document: str | bytes) -> tuple[list[tuple[int, Body]], list[Complaint]]:
    """Read each line for itself; empty lines and lines that start with # are skipped."""
    lines: list[tuple[int, Body]] = []
    complaints: list[Complaint] = []
    raw = document.encode("utf-8", "surrogatepass") if isinstance(document, str) else document
    for number, encoded in enumerate(raw.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        try:
            written = encoded.decode("utf-8").strip()
            if written and not written.startswith("#"):
                lines.append((number, LINE.validate_python(json.loads(written, object_pairs_hook=_once))))
        except ValidationError as error:
            complaints += [
                Complaint(number, path(each["loc"]), *in_words(each)) for each in error.errors(include_url=False)
            ]
        except UnicodeDecodeError:
            complaints.append(Complaint(number, "", "Dòng không phải UTF-8.", "The line is not UTF-8."))
        except _TwiceError as twice:
            complaints.append(Complaint(number, str(twice), "Tên này có hai lần.", "This name is there twice."))
        except (ValueError, RecursionError):
            complaints.append(
                Complaint(number, "", "Dòng không phải một đối tượng JSON.", "The line is not one JSON object.")
            )
    return lines, complaints


class _TwiceError(ValueError):
    """A JSON object with the same name twice: one of the two values would vanish."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _TwiceError(name)
        found[name] = value
    return found


async def _no_password() -> str:
    """The hash of a secret that nobody knows: signing in fails, and takes as long as it does for anybody."""
    return await asyncio.to_thread(PasswordHash.recommended().hash, secrets.token_urlsafe(32))


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


async def _stored(work: Work) -> Stored:
    """Read the network as it is."""
    rows: dict[str, dict[Hashable, Row]] = {}
    for name in _ORDER:
        found = await work.session.execute(select(_table(name)))
        rows[name] = {_called(name, row): row for row in map(dict, found.mappings())}
    specialties_of: dict[UUID, set[str]] = defaultdict(set)
    for user_id, code in await work.session.execute(select(UserSpecialty.user_id, UserSpecialty.specialty)):
        specialties_of[user_id].add(code)
    layers_of: dict[UUID, list[Row]] = defaultdict(list)
    for row in (await work.session.execute(select(Layer.__table__))).mappings():
        layers_of[row["schedule_id"]].append(dict(row))
    desks_of: dict[UUID, dict[UUID, int]] = defaultdict(dict)
    for agreement_id, desk_id, rank in await work.session.execute(
        select(AgreementDesk.agreement_id, AgreementDesk.desk_id, AgreementDesk.rank)
    ):
        desks_of[agreement_id][desk_id] = rank
    return Stored(rows, specialties_of, layers_of, desks_of)


def _called(table: str, row: Row) -> Hashable:
    """What a network file calls a row by."""
    if table == "specialty":
        return str(row["code"])
    if table == "user_account":
        return str(row["username"]).lower()
    if table == "schedule":
        return cast("UUID", row["desk_id"] or row["hospital_id"])
    if table == "holiday":
        return (row["hospital_id"], row["day"])
    if table == "agreement":
        return (row["asking_id"], row["answering_id"], row["specialty"], row["during"].lower)
    return str(row["key"])


async def _lock_what_duty_hangs_on(work: Work) -> None:
    """Parties, desks and rotas, in the order in which publications and agreements lock them."""
    for name in ("organization", "desk"):
        table = _table(name)
        await work.session.execute(select(table.c.id).order_by(table.c.id).with_for_update(key_share=True))
    await lock_rotas(work, await all_rotas(work))


async def _carry_out(work: Work, plan: Plan) -> None:
    """Write the plan, parents before children; of people only those are locked whom it changes, by their ids."""
    people = [thing.row["id"] for thing in plan.things["user_account"].values() if not thing.new and thing.changes]
    if people:
        accounts = _table("user_account")
        chosen = select(accounts.c.id).where(accounts.c.id.in_(people)).order_by(accounts.c.id)
        await work.session.execute(chosen.with_for_update(key_share=True))
    for name in _ORDER:
        table = _table(name)
        things = plan.things[name].values()
        await _add(work, table, [thing.row for thing in things if thing.new])
        for thing in things:
            if not thing.new and thing.changes:
                (key,) = table.primary_key.columns
                await work.session.execute(update(table).where(key == thing.row[key.name]).values(thing.changes))
    await _specialties(work, plan)
    await _layers(work, plan)
    await _agreement_desks(work, plan)
    await _streams(work, plan)


async def _add(work: Work, table: Table, rows: list[Row]) -> None:
    if rows:
        await work.session.execute(insert(table), rows)


async def _specialties(work: Work, plan: Plan) -> None:
    before = plan.stored.specialties_of
    pairs = [
        {"user_id": user_id, "specialty": code}
        for user_id, codes in plan.specialties_of.items()
        for code in sorted(codes - before.get(user_id, set()))
    ]
    await _add(work, _table("user_specialty"), pairs)
    for user_id, codes in plan.specialties_of.items():
        if gone := before.get(user_id, set()) - codes:
            await work.session.execute(
                delete(UserSpecialty).where(UserSpecialty.user_id == user_id, UserSpecialty.specialty.in_(gone))
            )


async def _layers(work: Work, plan: Plan) -> None:
    if plan.old_layers:
        await work.session.execute(delete(Layer).where(Layer.id.in_(plan.old_layers)))
    await _add(work, _table("layer"), plan.new_layers)


async def _agreement_desks(work: Work, plan: Plan) -> None:
    before = plan.stored.desks_of
    changed = {id_: desks for id_, desks in plan.desks_of.items() if desks != before.get(id_, {})}
    if gone := [id_ for id_ in changed if before.get(id_)]:
        await work.session.execute(delete(AgreementDesk).where(AgreementDesk.agreement_id.in_(gone)))
    ranked = [
        {"agreement_id": id_, "desk_id": desk, "rank": rank}
        for id_, desks in changed.items()
        for desk, rank in desks.items()
    ]
    await _add(work, _table("agreement_desk"), ranked)


async def _streams(work: Work, plan: Plan) -> None:
    """Give every new party and account its stream: facts about them have a place from the first moment."""
    names = [f"hospital:{thing.row['id']}" for thing in plan.things["organization"].values() if thing.new]
    names += [f"user:{thing.row['id']}" for thing in plan.things["user_account"].values() if thing.new]
    if names:
        rows = [{"name": name, "head": 0, "chain_seq": 0, "chain_hash": b""} for name in names]
        await work.session.execute(upsert(StreamHead).on_conflict_do_nothing(), rows)


async def _tell(work: Work, plan: Plan, before: list[Rota]) -> None:
    """Look for gaps, and tell whoever the file moved: of rotas that were there, for a new one moves nobody."""
    after = await read_rotas(work, [rota.schedule_id for rota in before])
    moves = (await duty_settled.compared(work, before, after)).moves
    facts = [*_rotas_told(plan), *duty_moves.facts_of(work, moves)]
    await duty_watch.after_compile(work, await duty_watch.to_look_at(work), facts)
    await duty_moves.notify(work, moves)


def _rotas_told(plan: Plan) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each rota that was published, for the chain of its hospital."""
    homes = {thing.row["id"]: thing.row["hospital_id"] for thing in plan.things["desk"].values()}
    for thing in plan.things["schedule"].values():
        if thing.new or thing.changed:
            desk_id = thing.row["desk_id"]
            hospital_id = homes[desk_id] if desk_id else thing.row["hospital_id"]
            fact = {"schedule": thing.row["id"], "desk": desk_id, "hospital": hospital_id}
            fact |= {"version": thing.row["version"], "reason": "network file"}
            yield f"hospital:{hospital_id}", "rota.published", fact

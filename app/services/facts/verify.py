"""Has anybody rewritten what happened? Every fact, chain, head and stream, recomputed from the rows as they stand.

What can be proved: data against `data_hash`; every other field of a fact, and its place, against `hash`, which runs
over the hash before it; the end of each chain against the head kept beside it (a cut tail shows); streams without gaps;
and what is shown of the discussion against the facts that it came from. Whoever can rewrite facts, hashes and heads
together leaves no trace here: keep a copy of the heads elsewhere.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.facts.events import FIRST_HASH, chain_hash

BATCH: Final = 1000
SHOWN: Final = 10_000
"""Findings kept; a database damaged beyond that is not told row by row."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that is not what it was, or is missing."""

    where: str
    """The chain or stream, `consultation:<id>`; for what is shown of a case its table."""
    seq: int | None
    """The place in it, from 1."""
    row: UUID | None
    what: str
    """Stable: data, fields, hash, link, missing, tail, head, owner, entry, shown."""
    words: str

    def __str__(self) -> str:
        """Say it in one line."""
        place = f" #{self.seq}" if self.seq is not None else ""
        named = f" ({self.row})" if self.row else ""
        return f"{self.where}{place}{named}: {self.what}: {self.words}"


@dataclass(slots=True)
class Report:
    """What was checked and what was found."""

    chains: int = 0
    facts: int = 0
    blanked: int = 0
    """Facts whose data are gone, as after their retention; their place in the chain was checked all the same."""
    entries: int = 0
    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    """Findings beyond those that are kept."""

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def add(self, finding: Finding) -> None:
        """Keep a finding, while there is room."""
        if len(self.findings) < SHOWN:
            self.findings.append(finding)
        else:
            self.more += 1

    def lines(self, *, quiet: bool = False) -> Iterator[str]:
        """Say it for the command line, worst first; `quiet`: only what is wrong."""
        for finding in self.findings:
            yield f"SAI / WRONG  {finding}"
        if self.more:
            yield f"… và {self.more} chỗ nữa / and {self.more} more"
        if quiet:
            return
        yield f"{self.facts} sự kiện, {self.chains} chuỗi, {self.entries} mục luồng / facts, chains, stream entries"
        if self.blanked:
            yield f"{self.blanked} sự kiện đã xóa nội dung / facts with their data blanked"
        yield "Nguyên vẹn / Sound" if self.sound else f"{len(self.findings) + self.more} chỗ sai / found wrong"


async def verify(session: AsyncSession) -> Report:
    """Recompute everything, in one snapshot of the database; writes nothing, and lets go of what the session did."""
    await session.rollback()
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    report = Report()
    await _chains(session, report)
    for statement, what, words in _CHECKS:
        async for row in _stream(session, statement):
            report.add(Finding(row.place, row.seq, row.id, what, words.format_map(row._mapping)))  # noqa: SLF001
    report.entries = (await session.execute(text("SELECT count(*) FROM stream_entry"))).scalar_one()
    return report


# --- Chains ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Walk:
    """Where the walk along one chain stands."""

    chain: str = ""
    seq: int = 0
    previous: bytes | None = FIRST_HASH
    """The stored hash before; None after a hole, where nothing can be linked."""
    instead: bytes | None = None
    """What that hash should have been: if the next fact follows from this, only the hash was changed."""
    suspect: Finding | None = None


async def _chains(session: AsyncSession, report: Report) -> None:
    walk = _Walk()
    async for row in _stream(session, _FACTS):
        if row.chain != walk.chain:
            _settle(walk, report)
            walk = _Walk(row.chain)
            report.chains += 1
        report.facts += 1
        report.blanked += row.body is None
        _step(walk, row, report)
    _settle(walk, report)


def _step(walk: _Walk, row: Row[Any], report: Report) -> None:
    if row.seq != walk.seq + 1:
        _settle(walk, report)
        first, last = walk.seq + 1, row.seq - 1
        span = f"#{first}" if first == last else f"#{first} to #{last}"
        report.add(Finding(row.chain, first, None, "missing", f"thiếu {span} / {span} missing before {row.id}"))
        walk.previous = None
    walk.seq = row.seq
    stored, data_hash = bytes(row.hash), bytes(row.data_hash)
    data_is_so = row.body is None or sha256(row.body.encode()).digest() == data_hash
    if walk.previous is None:
        expected, follows = None, True
    else:
        expected = _expected(walk.previous, row, data_hash)
        follows = expected == stored
        if not follows and walk.instead is not None and _expected(walk.instead, row, data_hash) == stored:
            # The one before has been told of already: its hash alone was changed.
            expected, follows = stored, True
            if walk.suspect is not None:
                walk.suspect = _again(walk.suspect, "hash", "mã băm của dòng này bị sửa / its hash was changed")
    _settle(walk, report)
    walk.previous, walk.instead = stored, None
    if data_is_so and follows:
        return
    walk.suspect = _suspect(row, data_is_so=data_is_so, follows=follows, walk=walk, expected=expected)


def _suspect(row: Row[Any], *, data_is_so: bool, follows: bool, walk: _Walk, expected: bytes | None) -> Finding:
    if follows:
        words = "nội dung không khớp mã băm / its data are not those that were hashed"
        return Finding(row.chain, row.seq, row.id, "data", words)
    walk.instead = expected
    if not data_is_so:
        words = "nội dung và mã băm bị sửa / its data or their hash were changed"
        return Finding(row.chain, row.seq, row.id, "fields", words)
    words = (
        "loại, giờ, người, vị trí hay mã băm bị sửa, hoặc dòng ngay trước bị viết lại cả mã băm / its type, time, "
        "actor, place or hash was changed, or the one before was rewritten together with its hashes"
    )
    return Finding(row.chain, row.seq, row.id, "link", words)


def _again(found: Finding, what: str, words: str) -> Finding:
    return Finding(found.where, found.seq, found.row, what, words)


def _settle(walk: _Walk, report: Report) -> None:
    if walk.suspect is not None:
        report.add(walk.suspect)
        walk.suspect = None


def _expected(previous: bytes, row: Row[Any], data_hash: bytes) -> bytes:
    return chain_hash(previous, row.chain, row.seq, row.id, row.type, row.at, (row.actor_id, row.actor_name), data_hash)


async def _stream(session: AsyncSession, statement: TextClause) -> AsyncIterator[Row[Any]]:
    """Read a batch at a time: the history of years does not fit into memory."""
    rows = await session.stream(statement, execution_options={"yield_per": BATCH})
    async for row in rows:
        yield row


_FACTS = text("""
SELECT id, chain, seq, type, at, actor_id, actor_name, CAST(data AS text) AS body, data_hash, hash
FROM event ORDER BY chain, seq
""")

# --- Everything else is one query each that returns only what is wrong ------------------------------------------------

# Chains end where their heads say. The owner of `consultation:<id>` is the case, of the others their counter row.
_HEADS = """
SELECT o.place, o.head, COALESCE(l.seq, 0) AS last, l.id, o.head AS seq
FROM (
  SELECT 'consultation:' || id AS place, version AS head, head_hash AS hash FROM consultation
  UNION ALL SELECT name, chain_seq, chain_hash FROM stream
) o LEFT JOIN LATERAL (
  SELECT e.seq, e.id, e.hash FROM event e WHERE e.chain = o.place ORDER BY e.seq DESC LIMIT 1
) l ON true
WHERE {wrong}
"""
_TAIL = text(_HEADS.format(wrong="o.head > COALESCE(l.seq, 0)"))
_AHEAD = text(_HEADS.format(wrong="o.head < COALESCE(l.seq, 0)"))
_HEAD_HASH = text(_HEADS.format(wrong="o.head = COALESCE(l.seq, 0) AND COALESCE(l.hash, ''::bytea) <> o.hash"))

_OWNER = text("""
SELECT e.chain AS place, e.seq, e.id FROM event e
LEFT JOIN consultation c ON e.chain = 'consultation:' || c.id LEFT JOIN stream s ON e.chain = s.name
WHERE (c.id IS NULL AND s.name IS NULL) OR e.consultation_id IS DISTINCT FROM c.id
""")

_HOLE = text("""
SELECT stream AS place, before + 1 AS seq, event_id AS id, seq AS next FROM (
  SELECT stream, seq, event_id, lag(seq, 1, CAST(0 AS bigint)) OVER (PARTITION BY stream ORDER BY seq) AS before
  FROM stream_entry
) s WHERE seq <> before + 1
""")

_ENTRY_HEAD = text("""
SELECT COALESCE(o.place, l.stream) AS place, GREATEST(o.head, l.last) AS seq, CAST(NULL AS uuid) AS id,
       COALESCE(o.head, 0) AS head, COALESCE(l.last, 0) AS last
FROM (
  SELECT 'consultation:' || id AS place, version AS head FROM consultation UNION ALL SELECT name, head FROM stream
) o FULL JOIN (SELECT stream, max(seq) AS last FROM stream_entry GROUP BY stream) l ON l.stream = o.place
WHERE o.head IS DISTINCT FROM COALESCE(l.last, 0)
""")

_ENTRY = text("""
SELECT s.stream AS place, s.seq, s.event_id AS id FROM stream_entry s LEFT JOIN event e ON e.id = s.event_id
WHERE e.id IS NULL OR (s.stream LIKE 'consultation:%' AND (e.chain <> s.stream OR e.seq <> s.seq))
""")

# What doctors read of the discussion stands in tables of its own; its words must be those of the facts.
_SHOWN = {
    "message": ("message", ("text", "opinion", "author_name")),
    "conclusion": ("conclusion", ("summary", "conclusion", "plan", "decision")),
    "read_back": ("read_back", ("understood", "text")),
    "outcome": ("outcome", ("result", "text")),
}


def _shown(table: str, key: str, columns: tuple[str, ...]) -> TextClause:
    differs = " OR ".join(f"t.{c}::text IS DISTINCT FROM (e.data -> '{key}' ->> '{c}')" for c in columns)
    return text(
        f"SELECT '{table}' AS place, e.seq, t.id FROM {table} t LEFT JOIN event e ON e.id = t.id "  # noqa: S608 (from here)
        f"WHERE e.id IS NULL OR (e.data IS NOT NULL AND ({differs}))"
    )


_CHECKS: Final[tuple[tuple[TextClause, str, str], ...]] = (
    (_TAIL, "tail", "chuỗi phải đến #{head}, chỉ còn đến #{last} / the chain must reach #{head}, it ends at #{last}"),
    (_AHEAD, "head", "chuỗi dài hơn đầu chuỗi (#{head}) / the chain goes on beyond its head, #{head}"),
    (_HEAD_HASH, "head", "mã băm cuối chuỗi không khớp / the last hash is not the one kept beside the chain"),
    (_OWNER, "owner", "không thuộc ca hay chuỗi nào của nó / belongs to no case or chain of its own"),
    (_HOLE, "missing", "luồng thiếu mục trước #{next} / the stream lacks entries before #{next}"),
    (_ENTRY_HEAD, "entry", "luồng đến #{last}, bộ đếm #{head} / the stream ends at #{last}, its counter says #{head}"),
    (_ENTRY, "entry", "mục luồng không trỏ đúng sự kiện / the entry does not point to its fact"),
    *(
        (_shown(table, key, columns), "shown", "khác với sự kiện đã ghi / differs from the fact that it came from")
        for table, (key, columns) in _SHOWN.items()
    ),
)

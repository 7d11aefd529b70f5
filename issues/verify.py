"""Reads every history through and names each place where the chain, its head, or the issue itself does not hold.

One statement reads it all, so that steps taken meanwhile cannot look like faults.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

from issues import chain, facts

# What is wrong, in words for the log and the audit trail.
CHANGED = "its content was changed"
NOT_NEXT = "it does not follow the step before it: one was removed, added or moved"
OUT_OF_ORDER = "it stands in another order than it was written"
HEAD = "the end of the history is not what the issue says: steps were removed from it or added"
NO_HISTORY = "it has no history"
STATE = "its state or unit is not where its history ends"
FACTS = "what it says is not what its history says: {names}"
FILES = "its files are not those its history names"
NO_ISSUE = "it belongs to no issue"

CHUNK = 5_000
MAX_FAULTS = 10_000  # kept and told; all are counted

ROWS = """
SELECT i.id, i.number, i.event_count, i.head_hash, i.state, i.unit_id,
       e.id, e.seq, e.previous_hash, e.hash, e.at, e.actor, e.by_id, e.by_unit_id, e.move, e.from_state, e.to_state,
       e.from_unit_id, e.to_unit_id, e.reason, e.note, e.detail,
       CASE WHEN e.seq = 1 THEN jsonb_build_object(
           'text', i.text, 'kind', i.kind, 'category', i.category_id, 'is_urgent', i.is_urgent, 'place', i.place_id,
           'household', i.household_id) END,
       CASE WHEN e.seq = 1 THEN (SELECT array_agg(a.sha256) FROM issues_attachment a WHERE a.issue_id = i.id) END
FROM issues_issue i LEFT JOIN issues_issueevent e ON e.issue_id = i.id
ORDER BY i.id, e.seq, e.id
"""
STRAYS = """
SELECT e.issue_id, e.seq FROM issues_issueevent e
WHERE NOT EXISTS (SELECT 1 FROM issues_issue i WHERE i.id = e.issue_id) ORDER BY e.issue_id, e.seq
"""


class Fault(NamedTuple):
    """One place that does not hold; `seq` is 0 where it is the issue as a whole."""

    issue: int
    number: str
    seq: int
    what: str

    def __str__(self) -> str:
        step = f", step {self.seq}" if self.seq else ""
        return f"issue {self.number or self.issue}{step}: {self.what}"


class Row(NamedTuple):
    """One line of ROWS: a step beside its issue; the step's columns are None where the issue has none."""

    issue: int
    number: str
    event_count: int
    head_hash: str
    state: str
    unit: int
    pk: int | None
    seq: int
    previous: str
    hash: str
    at: datetime
    actor: str
    by: int | None
    by_unit: int | None
    move: str
    from_state: str
    to_state: str
    from_unit: int | None
    to_unit: int | None
    reason: str
    note: str
    detail: str
    facts: str | None
    files: list[str] | None


@dataclass
class Reading:
    """What reading through came to. `heads` has, for each point asked for, the digest over the chains up to it."""

    heads: dict[int, chain.Heads] = field(default_factory=dict)
    issues: int = 0
    events: int = 0
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Count a fault, and keep it while there is room."""
        self.fault_count += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)


def read_through(*points: int) -> Reading:
    """Read all histories and return what does not hold. `points` are ids of events: for each, the digest over the heads
    the chains had when no later event was written."""
    reading = Reading(heads={point: chain.Heads() for point in points})
    for rows in histories():
        check(rows, reading)
    with connection.cursor() as cursor:
        cursor.execute(STRAYS)
        for issue, seq in cursor.fetchall():
            reading.add(Fault(issue, "", seq, NO_ISSUE))
    return reading


def histories() -> Iterator[list[Row]]:
    """Yield the rows of each issue, in the order of issues and steps, without holding more than CHUNK in memory."""
    with transaction.atomic():
        connection.ensure_connection()
        # a cursor that lives on the server: the rows of a whole district would not fit into memory
        cursor = connection.connection.cursor(name=f"histories_{uuid.uuid4().hex}")
        cursor.itersize = CHUNK
        try:
            cursor.execute(ROWS)
            rows: list[Row] = []
            for values in cursor:
                if rows and rows[0].issue != values[0]:
                    yield rows
                    rows = []
                rows.append(Row._make(values))
            if rows:
                yield rows
        finally:
            cursor.close()


def check(rows: list[Row], reading: Reading) -> None:
    """Check the history of one issue and add what it comes to."""
    first = rows[0]
    reading.issues += 1
    if first.pk is None:
        reading.add(Fault(first.issue, first.number, 0, NO_HISTORY))
        return
    reading.events += len(rows)
    previous, last_pk, sound = chain.GENESIS, 0, True
    for expected, row in enumerate(rows, 1):
        for what in step_faults(row, expected=expected, previous=previous, last_pk=last_pk):
            reading.add(Fault(row.issue, row.number, row.seq, what))
            sound = False
        previous, last_pk = row.hash, row.pk or 0
    last = rows[-1]
    if (last.seq, last.hash) != (last.event_count, last.head_hash) or len(rows) != last.event_count:
        reading.add(Fault(first.issue, first.number, 0, HEAD))
        sound = False
    if sound:  # else the history says nothing one could compare with
        for what in issue_faults(rows):
            reading.add(Fault(first.issue, first.number, 0, what))
    for point, heads in reading.heads.items():
        head = next((row for row in reversed(rows) if row.pk is not None and row.pk <= point), None)
        if head is not None:
            heads.add(head.number, head.seq, head.hash)


def step_faults(row: Row, *, expected: int, previous: str, last_pk: int) -> Iterator[str]:
    """Yield what is wrong with one step; `previous` and `last_pk` are of the step read before it."""
    text = chain.canonical(
        number=row.number,
        seq=row.seq,
        previous=row.previous,
        at=row.at,
        actor=row.actor,
        by=row.by,
        by_unit=row.by_unit,
        move=row.move,
        from_state=row.from_state,
        to_state=row.to_state,
        from_unit=row.from_unit,
        to_unit=row.to_unit,
        reason=row.reason,
        note=row.note,
        detail=json.loads(row.detail) if row.detail != "{}" else {},
    )
    if chain.digest(text) != row.hash:
        yield CHANGED
    if row.previous != previous or row.seq != expected:
        yield NOT_NEXT
    elif (row.pk or 0) <= last_pk:
        yield OUT_OF_ORDER


def issue_faults(rows: list[Row]) -> Iterator[str]:
    """Yield where the issue differs from what its sound history says."""
    last = rows[-1]
    if (last.state, last.unit) != (last.to_state, last.to_unit):
        yield STATE
    told: facts.Facts = {}
    files: set[str] = set()
    for row in rows:
        if row.detail != "{}":
            detail = json.loads(row.detail)
            told = facts.replay(told, detail)
            files.update(detail.get("files", ()))
    now = json.loads(rows[0].facts or "{}")
    if names := [name for name, value in told.items() if now.get(name) != value]:
        yield FACTS.format(names=", ".join(names))
    if files != set(rows[0].files or ()):
        yield FILES

"""Histories in bulk for the tests of the chain, and ways to falsify them behind the program's back."""

from __future__ import annotations

import random
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from issues import chain, facts
from issues.models import Category, Issue, IssueEvent

STEPS = [
    ("open", "", "new"),
    ("dispatch", "new", "assigned"),
    ("accept", "assigned", "accepted"),
    ("progress", "accepted", "accepted"),
    ("edit", "accepted", "accepted"),
    ("progress", "accepted", "accepted"),
    ("urge", "accepted", "accepted"),
]


def chained_issues(cast, count: int, *, shortest: int = 4) -> list[Issue]:
    """`count` issues, each with 4 to 7 steps, chained as append_event chains them (which would take ten times as
    long; test_chain checks that it writes the same)."""
    now = timezone.now() - timedelta(days=30)
    category = Category.objects.get(name="其他问题")
    issues = Issue.objects.bulk_create(
        Issue(
            number=f"2026{number:06}",
            kind="need",
            category=category,
            text=f"第{number}户门前路灯不亮",
            place=cast.shiqiao,
            state="accepted",
            unit=cast.roads,
            limit_workdays=7,
            due_on=now.date(),
            recorded_by=cast.visitor,
            recorded_at=now,
            dispatched_at=now,
            accepted_at=now,
        )
        for number in range(1, count + 1)
    )
    events = []
    for number, issue in enumerate(issues):
        previous = chain.GENESIS
        for seq, (move, before, after) in enumerate(STEPS[: shortest + number % (len(STEPS) - shortest + 1)], 1):
            event = IssueEvent(
                issue=issue,
                seq=seq,
                at=now + timedelta(hours=seq, microseconds=number),
                by=cast.visitor if seq == 1 else cast.department_handler,
                by_unit=cast.qingxi if seq == 1 else cast.roads,
                move=move,
                from_state=before,
                to_state=after,
                from_unit=None if seq == 1 else cast.roads,
                to_unit=cast.roads,
                note=f"第{seq}步，编号{number}" if move in ("progress", "urge") else "",
                detail={"facts": facts.of(issue)} if seq == 1 else {},
                previous_hash=previous,
            )
            previous = event.hash = chain.digest(event.canonical())
            events.append(event)
    IssueEvent.objects.bulk_create(events, batch_size=5000)
    return issues


@contextmanager
def behind_the_program():
    """No trigger and no foreign key stands in the way, as for somebody with the database's own password."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        try:
            yield cursor
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


def falsify(cursor, kind: str, events: list[IssueEvent], other: list[IssueEvent], draw: random.Random) -> None:
    """Falsify one history in one way; `other` is another issue's, for what takes two."""
    event = draw.choice(events)

    def update(sql: str, *values) -> None:
        cursor.execute(f"UPDATE issues_issueevent SET {sql} WHERE id = %s", [*values, event.pk])
        assert cursor.rowcount == 1

    match kind:
        case "note":
            update("note = note || %s", "，已答复")
        case "at":
            update("at = at - interval '1 second'")
        case "by":
            update("by_id = %s", other[0].by_id + 3)
        case "by_unit":
            update("by_unit_id = by_unit_id + 1")
        case "actor":
            update("actor = 'system', by_id = NULL, by_unit_id = NULL")
        case "move":
            update("move = 'finish'")
        case "from_state":
            update("from_state = 'done'")
        case "to_state":
            update("to_state = 'closed'")
        case "from_unit":
            update("from_unit_id = coalesce(from_unit_id, 0) + 1")
        case "to_unit":
            update("to_unit_id = to_unit_id + 1")
        case "reason":
            update("reason = 'funds'")
        case "detail":
            update("detail = detail || '{\"files\": []}'")
        case "previous_hash":
            update("previous_hash = md5(previous_hash)")
        case "hash":
            update("hash = md5(hash)")
        case "seq":
            update("seq = seq + 100")
        case "note and its own hash":
            event.note += "，已答复"
            update("note = %s, hash = %s", event.note, chain.digest(event.canonical()))
        case "issue":
            update("issue_id = %s, seq = 200", other[0].issue_id)
        case "deleted":
            cursor.execute("DELETE FROM issues_issueevent WHERE id = %s", [event.pk])
        case "first deleted":
            cursor.execute("DELETE FROM issues_issueevent WHERE id = %s", [events[0].pk])
        case "last deleted":
            cursor.execute("DELETE FROM issues_issueevent WHERE id = %s", [events[-1].pk])
        case "all deleted":
            cursor.execute("DELETE FROM issues_issueevent WHERE issue_id = %s", [event.issue_id])
        case "reordered":
            one, two = draw.sample(events, 2)
            swap(cursor, one, two, ["seq"])
        case "written in another order":
            one, two = draw.sample(events, 2)
            cursor.execute("UPDATE issues_issueevent SET id = -id WHERE id IN (%s, %s)", [one.pk, two.pk])
            cursor.execute("UPDATE issues_issueevent SET id = %s WHERE id = %s", [two.pk, -one.pk])
            cursor.execute("UPDATE issues_issueevent SET id = %s WHERE id = %s", [one.pk, -two.pk])
        case "swapped with another issue's":
            swap(cursor, events[1], other[1], ["issue_id", "seq"])
        case "added":
            cursor.execute(
                "INSERT INTO issues_issueevent (issue_id, seq, at, actor, by_id, by_unit_id, move, from_state, "
                "to_state, "
                "from_unit_id, to_unit_id, reason, note, detail, previous_hash, hash) SELECT issue_id, seq + 1, at,"
                " actor, by_id, by_unit_id, move, from_state, to_state, from_unit_id, to_unit_id, reason, note, detail,"
                " hash, md5(hash) FROM issues_issueevent WHERE id = %s",
                [events[-1].pk],
            )
        case _:
            raise ValueError(kind)


def swap(cursor, one: IssueEvent, two: IssueEvent, columns: list[str]) -> None:
    """Let two rows change places."""
    values = {name: (getattr(one, name), getattr(two, name)) for name in columns}
    cursor.execute("UPDATE issues_issueevent SET seq = seq + 10000 WHERE id IN (%s, %s)", [one.pk, two.pk])
    setting = ", ".join(f"{name} = %s" for name in columns)
    cursor.execute(
        f"UPDATE issues_issueevent SET {setting} WHERE id = %s", [*(pair[1] for pair in values.values()), one.pk]
    )
    cursor.execute(
        f"UPDATE issues_issueevent SET {setting} WHERE id = %s", [*(pair[0] for pair in values.values()), two.pk]
    )


KINDS = [
    *("note", "at", "by", "by_unit", "actor", "move", "from_state", "to_state", "from_unit", "to_unit", "reason"),
    *("detail", "previous_hash", "hash", "seq", "note and its own hash", "issue", "deleted", "first deleted"),
    *("last deleted", "all deleted", "reordered", "written in another order", "swapped with another issue's", "added"),
]
# What changes two histories at once.
PAIRS = {"issue", "swapped with another issue's"}

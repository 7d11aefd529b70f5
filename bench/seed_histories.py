"""What issues gathered on their way, by set-based SQL: the holding departments, steps, call-backs, news, look-backs.

Steps are not chained by hashes: for measuring counts only.
"""

from __future__ import annotations

from django.db import connection

from bench.seed import District, draw, insert
from issues.models import CallBack, HelpingUnit, Issue, IssueEvent, IssueSegment, LookBack, ResidentMessage
from outreach.models import Unit

DEPARTMENTS = 40


def add(district: District) -> None:
    """Add departments, which hold a third of the issues, and what each issue gathered. Triggers are off meanwhile, so
    count again afterwards."""
    add_departments(district.unit)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            hand_out()
            add_steps(district)
            add_beside(district)
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")
        for model in (Issue, IssueEvent, IssueSegment, CallBack, HelpingUnit, LookBack, ResidentMessage):
            cursor.execute(f"ANALYZE {model._meta.db_table}")


def add_departments(district: Unit) -> None:
    """Add the departments, in official order behind the townships."""
    insert(
        Unit,
        {
            "code": "'439900D' || lpad(n::text, 2, '0')",
            "name": "'第' || n || '局'",
            "kind": "'department'",
            "parent_id": "%(district)s",
            "sort_order": "1000 + n",
        },
        "FROM generate_series(1, %(departments)s) n",
        district=district.pk,
        departments=DEPARTMENTS,
    )


def hand_out() -> None:
    """Give every third issue to a department."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE issues_issue issue SET unit_id = department.id, solvability = 'solvable',
                    done_by_unit_id = CASE WHEN issue.done_by_unit_id IS NOT NULL THEN department.id END
                FROM outreach_unit department WHERE department.kind = 'department' AND issue.id %% %(each)s = 0
                    AND department.sort_order = 1001 + {draw("issue.id", 31, DEPARTMENTS)}""",
            {"each": 3},
        )
        cursor.execute(
            """UPDATE issues_issuesegment part SET unit_id = issue.unit_id FROM issues_issue issue
               WHERE issue.id = part.issue_id AND issue.id %% %(each)s = 0""",
            {"each": 3},
        )


def add_steps(district: District) -> None:
    """Add four steps to an ended issue and two to an open one; one in twelve was sent back first, and again."""
    sent_back = f"{draw('issue.id', 32, 12)} = 0"
    insert(
        IssueEvent,
        {
            "issue_id": "issue.id",
            "seq": "step.seq",
            "at": "step.at",
            "actor": "'staff'",
            "by_id": "%(person)s",
            "by_unit_id": "issue.unit_id",
            "move": "step.move",
            "from_state": "step.from_state",
            "to_state": "step.to_state",
            "from_unit_id": "CASE WHEN step.seq > 1 THEN issue.unit_id END",
            "to_unit_id": "issue.unit_id",
            "hash": "repeat('0', 64)",
            "previous_hash": "''",
            "detail": "'{}'::jsonb",
        },
        f"""FROM issues_issue issue CROSS JOIN LATERAL (VALUES
            (1, 'open', '', 'assigned', issue.dispatched_at, true),
            (2, 'return', 'assigned', 'returned', issue.dispatched_at + interval '3 hours', {sent_back}),
            (3, 'dispatch', 'returned', 'assigned', issue.dispatched_at + interval '5 hours', {sent_back}),
            (4, 'accept', 'assigned', 'accepted',
             issue.dispatched_at + interval '1 hour' * (6 + {draw("issue.id", 33, 70)}), true),
            (5, 'finish', 'accepted', 'done', issue.done_at, issue.done_at IS NOT NULL),
            (6, 'close', 'done', 'closed', issue.closed_at, issue.closed_at IS NOT NULL)
        ) step (seq, move, from_state, to_state, at, taken) WHERE step.taken""",
        person=district.visitor.pk,
    )


def add_beside(district: District) -> None:
    """Add call-backs and news to what ended, look-backs to each tenth of it, and helping units to each fifteenth."""
    people = {"person": district.leader.pk, "unit": district.unit.pk}
    insert(
        CallBack,
        {
            "issue_id": "issue.id",
            "round": "0",
            "channel": "'phone'",
            "reached": "CASE WHEN answer.was_reached THEN 'reached' ELSE 'no_answer' END",
            "contacted": f"CASE WHEN answer.was_reached THEN {draw('issue.id', 35, 20)} > 0 END",
            "solved": f"CASE WHEN answer.was_reached THEN {draw('issue.id', 36, 8)} > 0 END",
            "content": "CASE WHEN answer.was_reached THEN (ARRAY['content', 'content', 'content', 'mostly', "
            f"'not_content'])[1 + {draw('issue.id', 37, 5)}] ELSE '' END",
            "at": "issue.done_at + interval '20 hours'",
            "by_id": "%(person)s",
            "by_unit_id": "%(unit)s",
        },
        f"""FROM issues_issue issue CROSS JOIN LATERAL (SELECT {draw("issue.id", 34, 5)} > 0) answer (was_reached)
            WHERE issue.done_at IS NOT NULL""",
        **people,
    )
    insert(
        ResidentMessage,
        {
            "issue_id": "event.issue_id",
            "event_id": "event.id",
            "kind": "'end'",
            "state": f"CASE WHEN {draw('event.issue_id', 38, 10)} > 0 THEN 'sent' ELSE 'by_hand' END",
            "made_at": "event.at",
        },
        "FROM issues_issueevent event WHERE event.move = 'finish'",
    )
    insert(
        LookBack,
        {
            "issue_id": "issue.id",
            "closed_at": "issue.closed_at",
            "months": "1",
            "result": f"CASE WHEN {draw('issue.id', 39, 12)} > 0 THEN 'holds' ELSE 'relapsed' END",
            "done_at": "issue.closed_at + interval '30 days'",
            "done_by_id": "%(person)s",
            "done_by_unit_id": "%(unit)s",
        },
        "FROM issues_issue issue WHERE issue.closed_at IS NOT NULL AND issue.id %% 10 = 0",
        **people,
    )
    insert(
        HelpingUnit,
        {
            "issue_id": "issue.id",
            "unit_id": "department.id",
            "asked_at": "issue.dispatched_at + interval '1 day'",
            "asked_by_id": "%(person)s",
            "answered_at": "CASE WHEN issue.id %% 4 > 0 THEN issue.dispatched_at + interval '3 days' END",
            "answered_by_id": "CASE WHEN issue.id %% 4 > 0 THEN %(person)s END",
            "question": "'请协助'",
        },
        f"""FROM issues_issue issue JOIN outreach_unit department ON department.kind = 'department'
            AND department.sort_order = 1001 + {draw("issue.id", 40, DEPARTMENTS)}
            WHERE issue.id %% 15 = 0""",
        **people,
    )

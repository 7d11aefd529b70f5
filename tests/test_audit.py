"""The audit trail: written by actions, append-only, and every tampering is found."""

import pytest
from django.core.management import CommandError, call_command
from django.db import Error, connection, transaction

from outreach import audit
from outreach.models import AuditEvent


@pytest.fixture
def chain(cast):
    return [audit.record(f"test.{n}", f"thing:{n}", by=cast.system_admin, n=n).pk for n in range(1, 5)]


def test_audit_events_form_a_chain(chain, cast):
    first, second = AuditEvent.objects.order_by("pk")[:2]
    assert (first.previous_hash, second.previous_hash) == ("", first.hash)
    assert (first.actor, first.unit_code, first.detail) == ("褚系统 (X001)", "439900", {"n": 1})
    assert list(audit.broken_events()) == []


def test_audit_event_ends_with_the_transaction_of_its_act(cast):
    with pytest.raises(RuntimeError), transaction.atomic():
        audit.record("test", "thing", by=cast.leader)
        raise RuntimeError
    assert not AuditEvent.objects.exists()


def test_audit_event_without_a_person_is_the_systems(db):
    event = audit.record("test", "thing", by=None)
    assert (event.actor_id, event.actor, event.unit_code) == (None, "system", "")


@pytest.mark.parametrize("attempt", ["UPDATE outreach_auditevent SET actor = 'x'", "DELETE FROM outreach_auditevent"])
def test_audit_event_refuses_change(chain, attempt):
    with pytest.raises(Error, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attempt)
    assert list(AuditEvent.objects.order_by("pk").values_list("pk", flat=True)) == chain


def tamper(statement, *values):
    """Change the table as the database's superuser can, past the triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        assert cursor.rowcount
        cursor.execute("SET LOCAL session_replication_role = origin")


def findings():
    return list(audit.broken_events())


CONTENT = "its content was changed"
PLACE = "does not follow the event before it: one was removed, added or moved"


@pytest.mark.parametrize(
    "change",
    [
        "actor = '别人'",
        "actor_id = 1",
        "action = 'x'",
        "target = 'x'",
        "unit_code = ''",
        "detail = '{}'",
        "at = at + interval '1 second'",
    ],
)
def test_changed_event_is_found(chain, change):
    tamper(f"UPDATE outreach_auditevent SET {change} WHERE id = %s", chain[1])
    assert findings() == [(chain[1], CONTENT)]


def test_event_changed_with_a_fitting_hash_is_found_at_the_next(chain):
    event = AuditEvent.objects.get(pk=chain[1])
    event.actor = "别人"
    tamper("UPDATE outreach_auditevent SET actor = '别人', hash = %s WHERE id = %s", audit.digest(event), event.pk)
    assert findings() == [(chain[2], PLACE)]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_removed_event_is_found(chain, position):
    tamper("DELETE FROM outreach_auditevent WHERE id = %s", chain[position])
    assert findings() == [(chain[position + 1], PLACE)]


def test_swapped_events_are_found(chain):
    tamper(
        "UPDATE outreach_auditevent SET id = CASE id WHEN %s THEN %s + 1000000 ELSE %s END WHERE id IN (%s, %s)",
        *(chain[1], chain[2], chain[1], chain[1], chain[2]),
    )
    assert PLACE in dict(findings()).values()


def test_added_event_is_found(chain):
    tamper(
        "INSERT INTO outreach_auditevent (at, actor, action, unit_code, target, detail, previous_hash, hash)"
        " VALUES (now(), 'x', 'x', '', 'x', '{}', '', 'x')"
    )
    assert {fault for _pk, fault in findings()} == {CONTENT, PLACE}


def test_command_says_that_the_chain_holds_and_prints_its_head(chain, capsys):
    call_command("verify_audit")
    head = AuditEvent.objects.get(pk=chain[-1]).hash
    assert capsys.readouterr().out.strip() == f"4 audit events hold; head {head}"


def test_command_names_each_break_and_fails(chain, capsys):
    tamper("UPDATE outreach_auditevent SET actor = '别人' WHERE id = %s", chain[1])
    with pytest.raises(CommandError) as failure:
        call_command("verify_audit")
    assert failure.value.returncode == 1
    assert f"audit event {chain[1]}: {CONTENT}" in capsys.readouterr().err


def test_trail_cut_off_at_the_end_is_found_by_the_head_noted_before(chain):
    head = AuditEvent.objects.get(pk=chain[-1]).hash
    call_command("verify_audit", head=head)
    tamper("DELETE FROM outreach_auditevent WHERE id = %s", chain[-1])
    with pytest.raises(CommandError, match="cut off"):
        call_command("verify_audit", head=head)

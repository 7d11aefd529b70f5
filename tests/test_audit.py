"""The audit trail: written by actions, append-only, and every tampering is found."""

import pytest
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


@pytest.mark.parametrize("attempt", ["UPDATE outreach_auditevent SET actor = 'x'", "DELETE FROM outreach_auditevent"])
def test_audit_event_refuses_change(chain, attempt):
    with pytest.raises(Error, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attempt)
    assert list(AuditEvent.objects.order_by("pk").values_list("pk", flat=True)) == chain

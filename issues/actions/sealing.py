"""The nightly proof of all histories: read through, then sealed into the audit chain."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from issues import verify
from outreach import audit
from outreach.models import AuditEvent

SEALED, BROKEN = "issue.seal", "issue.verify_failed"
TOLD_FAULTS = 20  # in the audit trail; the log has all that were kept
LOCK_SECONDS = 30


@dataclass
class Proof:
    """What a run came to. `sealed_differs`: the chains of the last seal are not there any more as they were."""

    reading: verify.Reading
    sealed_differs: bool
    digest: str = ""

    @property
    def holds(self) -> bool:
        """Nothing was found."""
        return not self.reading.fault_count and not self.sealed_differs

    def lines(self) -> list[str]:
        """What was found, for the log and the terminal."""
        seal = ["the histories of the last seal are not what they were"] if self.sealed_differs else []
        return [*seal, *map(str, self.reading.faults)]


def prove_histories(*, seal_anew_because: str = "") -> Proof:
    """Read every history through; seal the heads into the audit chain where all holds, else record what does not, which
    raises the alarm. Running it again does no harm.

    A seal is a digest over the heads of all issues: whoever cuts a history off and puts the issue's head right has to
    rewrite the audit chain as well. After a backup was put back, the seal of a later night cannot hold:
    `seal_anew_because` then seals what is there, with the reason, if everything else holds.
    """
    sealed = AuditEvent.objects.filter(action=SEALED).order_by("-pk").first()
    sealed_point = int(sealed.detail["up_to"]) if sealed else 0
    point = settled_point()
    reading = verify.read_through(*{sealed_point, point})
    differs = sealed is not None and (
        reading.heads[sealed_point].hexdigest() != sealed.detail["digest"] or point < sealed_point
    )
    proof = Proof(reading, differs and not seal_anew_because, reading.heads[point].hexdigest())
    if proof.holds:
        reason = {"reason": seal_anew_because} if seal_anew_because else {}
        counts = {"issues": reading.heads[point].count, "events": reading.events}
        audit.record(SEALED, "issues", by=None, up_to=point, digest=proof.digest, **counts, **reason)
    else:
        audit.record(BROKEN, "issues", by=None, faults=len(proof.lines()), first=proof.lines()[:TOLD_FAULTS])
    return proof


def settled_point() -> int:
    """Return the id of an event below which no event can appear any more.

    Ids are given before the commit, so the highest one in sight is no such point; the lock waits for those who are
    writing, and lets go at once. Raises OperationalError where somebody writes for longer than LOCK_SECONDS.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        cursor.execute("LOCK TABLE issues_issueevent IN SHARE MODE")
        cursor.execute("SELECT coalesce(max(id), 0) FROM issues_issueevent")
        return int(cursor.fetchone()[0])


def last_proof_failed() -> bool:
    """Say whether the last run found something: the alarm."""
    last = AuditEvent.objects.filter(action__in=[SEALED, BROKEN]).order_by("-pk").values_list("action", flat=True)
    return last.first() == BROKEN

"""Asking the resident: each attempt is kept, with what it leads to in the same step. Content may close the issue, not
content sends it back. And looking again a month and three months later (回头看)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from issues import workflow
from issues.actions.moving import ConflictError, demand_right, demand_version, lock, move_issue
from issues.models import CallBack, CallClaim, CallScript, Issue, LookBack
from issues.workflow import State
from outreach import access, audit
from outreach.access import Permission
from outreach.models import Unit, User

CLAIM_TIME = timedelta(minutes=15)
MAX_SCRIPT = 1000
LOOK_BACK_MONTHS = ((1, 30), (3, 90))  # months as people say it, days as they are counted


@transaction.atomic
def record_call_back(
    *,
    issue: Issue,
    by: User,
    version: int,
    channel: str,
    reached: str,
    contacted: bool | None = None,
    solved: bool | None = None,
    content: str = "",
    words: str = "",
    call_again_at: datetime | None = None,
    and_close: bool = False,
) -> CallBack:
    """Keep one attempt to ask the resident about an issue that was verified. Where the answer is "not solved" or "not
    content" the issue is redone in the same transaction, or goes one level up; where it is content and `and_close` is
    set it is signed off, unless something else is still open.

    Whoever may sign the issue off may ask: never the unit that handled it. Raises PermissionDenied, ConflictError for a
    stale version or where somebody else is asking just now, ValidationError for answers that do not fit the result or
    a state in which nobody is asked.
    """
    locked = lock(issue)
    demand_asker(locked, by)
    demand_version(locked, version)
    if locked.state != State.VERIFIED:
        raise ValidationError(_("The resident is asked after the result was verified."))
    if (other := claimed_by_other(locked, by)) is not None:
        raise ConflictError(_("%(name)s is calling this resident just now. Nothing was saved.") % {"name": other.name})
    post = access.post_of(by)
    assert post is not None
    call = CallBack(
        issue=locked,
        round=locked.redos,
        channel=channel,
        reached=reached,
        contacted=contacted,
        solved=solved,
        content=content,
        words=words.strip(),
        call_again_at=call_again_at,
        by=by,
        by_unit=post.unit,
    )
    call.full_clean()
    if channel == CallBack.Channel.PAGE:
        raise ValidationError(_("Only the resident answers on the page."))
    call.save()
    CallClaim.objects.filter(issue=locked).delete()
    locked.version += 1
    locked.save(update_fields=["version"])
    is_unhappy = call.is_valid and not call.satisfies(locked.outcome)
    # after that a person decides: once more, or signed off as not accepted
    if is_unhappy and locked.redos <= workflow.REDOS_BEFORE_GOING_UP:
        send_back(locked, by=by, note=call.words or _("The resident is not content."))
    elif call.is_valid and not is_unhappy and and_close:
        fresh = lock(locked)  # the facts the guards read have changed with the answer
        if fresh.refusal(workflow.BY_NAME["close"], by) is None:
            move_issue(issue=fresh, move="close", by=by, version=fresh.version, note=call.words)
    return call


def demand_asker(issue: Issue, user: User) -> None:
    """Raise PermissionDenied unless `user` may judge the result: the handling unit never asks about its own."""
    demand_right(issue.refusal(workflow.BY_NAME["redo"], user))


def claimed_by_other(issue: Issue, user: User) -> User | None:
    """Return who else is asking about `issue` just now, or None."""
    claim = CallClaim.objects.filter(issue=issue, until__gt=timezone.now()).select_related("user").first()
    return claim.user if claim is not None and claim.user_id != user.pk else None


@transaction.atomic
def claim_call(*, issue: Issue, by: User) -> CallClaim:
    """Note that `by` is about to call the resident of `issue`, for CLAIM_TIME; doing it again gives the time anew.

    Raises PermissionDenied as record_call_back does, ConflictError where somebody else was faster.
    """
    locked = lock(issue)
    demand_asker(locked, by)
    if (other := claimed_by_other(locked, by)) is not None:
        raise ConflictError(_("%(name)s is calling this resident just now. Take the next one.") % {"name": other.name})
    until = timezone.now() + CLAIM_TIME
    return CallClaim.objects.update_or_create(issue=locked, defaults={"user": by, "until": until})[0]


def send_back(
    issue: Issue, *, by: User | None, note: str, actor: str = workflow.Actor.STAFF, reason: str = ""
) -> Issue:
    """Have `issue` redone because the resident is not content: by the same unit, or the second time one level up."""
    up = workflow.GOES_UP.holds(issue.facts)
    return move_issue(
        issue=issue,
        move="redo_up" if up else "redo",
        by=by,
        actor=actor,
        version=issue.version,
        reason=reason or workflow.RedoReason.NOT_CONTENT,
        note=note,
    )


@transaction.atomic
def save_script(*, district: Unit, text: str, by: User) -> None:
    """Keep what is said when residents are called back, on record; empty goes back to the default text."""
    access.demand(by, Permission.ISSUE_SETUP)
    text = text.strip()
    if len(text) > MAX_SCRIPT or "\x00" in text:
        raise ValidationError({"text": _("Write at most %(count)d characters.") % {"count": MAX_SCRIPT}})
    if text:
        CallScript.objects.update_or_create(district=district, defaults={"text": text})
    else:
        CallScript.objects.filter(district=district).delete()
    audit.record("call_script.save", district, by=by)


def draw_look_backs(*, share: int, now: datetime | None = None) -> int:
    """Draw `share` per cent of the issues closed a month and three months ago, to be looked at again; return how many
    are new. Who is drawn follows from the number alone, so anyone can repeat it, and running it twice draws none twice.
    """
    now = now or timezone.now()
    drawn = 0
    with connection.cursor() as cursor:
        for months, days in LOOK_BACK_MONTHS:
            cursor.execute(
                """INSERT INTO issues_lookback (issue_id, closed_at, months, drawn_at, result, words)
                   SELECT id, closed_at, %(months)s, %(now)s, '', '' FROM issues_issue
                   WHERE closed_at BETWEEN %(from)s AND %(until)s AND state = 'closed'
                     AND ('x' || left(md5(number || ':' || %(months)s), 4))::bit(16)::int %% 100 < %(share)s
                   ON CONFLICT (issue_id, closed_at, months) DO NOTHING""",
                {
                    "months": months,
                    "now": now,
                    # a month's grace: what was not drawn in time because nothing ran is drawn later
                    "from": now - timedelta(days=days + 30),
                    "until": now - timedelta(days=days),
                    "share": share,
                },
            )
            drawn += cursor.rowcount
    return drawn


@transaction.atomic
def record_look_back(*, look_back: LookBack, result: str, words: str, by: User) -> LookBack:
    """Keep what looking again found. A relapse has the issue redone in the same transaction, or goes one level up.

    Raises PermissionDenied for the unit that handled it, ValidationError where it was looked at already or the result
    does not fit.
    """
    locked_issue = lock(look_back.issue)
    locked = LookBack.objects.select_for_update().get(pk=look_back.pk)
    demand_asker(locked_issue, by)
    words = words.strip()
    if locked.result:
        raise ValidationError(_("Somebody has looked at it already."))
    if result not in LookBack.Result.values:
        raise ValidationError({"result": _("Choose one of the answers.")})
    if len(words) > 500 or "\x00" in words or (result == LookBack.Result.RELAPSED and not words):
        raise ValidationError({"words": _("Say what was found, in at most 500 characters.")})
    post = access.post_of(by)
    assert post is not None
    locked.result, locked.words = result, words
    locked.done_at, locked.done_by, locked.done_by_unit = timezone.now(), by, post.unit
    locked.save()
    if result == LookBack.Result.RELAPSED and locked_issue.state == State.CLOSED:
        send_back(locked_issue, by=by, note=words, reason=workflow.RedoReason.RELAPSE)
    return locked

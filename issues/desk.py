"""The call-back desk's queue and figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from issues.models import CallBack, CallClaim, CallScript, Issue, IssueQuerySet, LookBack
from issues.workflow import State
from outreach import access
from outreach.access import Permission
from outreach.models import User

FIGURE_DAYS = 30
CONTENT_WEIGHT = {CallBack.Content.CONTENT: 1.0, CallBack.Content.MOSTLY: 0.9, CallBack.Content.NOT_CONTENT: 0.0}


def judged_by(user: User) -> IssueQuerySet:
    """The issues whose result `user` may judge: in the area of the post, handled neither by its unit nor by himself."""
    post = access.post_of(user)
    if post is None or not access.has_permission(user, Permission.ISSUE_CLOSE):
        return Issue.objects.none()
    code = post.unit.code
    return (
        Issue.objects.visible_to(user)
        .filter(Q(place__code__startswith=code) | Q(unit__code__startswith=code))
        .exclude(unit=post.unit)
        .exclude(done_by_unit=post.unit)
        .exclude(done_by=user)
    )


@dataclass(frozen=True)
class Asked:
    """How far asking about an issue has come in this round."""

    attempts: int
    last: str
    call_again_at: datetime | None
    claimed_by: str
    claimed_by_id: int | None
    has_answer: bool


def asked(issues: Iterable[Issue]) -> dict[int, Asked]:
    """Return how far asking has come, by issue; two queries for any number."""
    rows = list(issues)
    calls: dict[int, list[CallBack]] = {}
    for call in CallBack.objects.filter(issue__in=rows, round=F("issue__redos")).order_by("pk"):
        calls.setdefault(call.issue_id, []).append(call)
    claims = {
        claim.issue_id: claim.user
        for claim in CallClaim.objects.filter(issue__in=rows, until__gt=timezone.now()).select_related("user")
    }
    found = {}
    for issue in rows:
        own, claimer = calls.get(issue.pk, []), claims.get(issue.pk)
        found[issue.pk] = Asked(
            attempts=len(own),
            last=own[-1].reached if own else "",
            call_again_at=own[-1].call_again_at if own else None,
            claimed_by=claimer.name if claimer else "",
            claimed_by_id=claimer.pk if claimer else None,
            has_answer=any(call.channel == CallBack.Channel.PAGE for call in own),
        )
    return found


def queue(user: User) -> IssueQuerySet:
    """The issues to call back, those verified first at the top."""
    return judged_by(user).filter(state=State.VERIFIED).with_names().order_by("verified_at", "pk")


@dataclass(frozen=True)
class Figures:
    """What the calls of the last days came to. Rates count valid ones alone, the last of each round of an issue."""

    called: int
    valid: int
    contacted: int
    solved: int
    content: float


def figures(user: User) -> Figures:
    """Count the calls of the last FIGURE_DAYS days about the issues the user judges, by phone, visit and page."""
    since = timezone.now() - timedelta(days=FIGURE_DAYS)
    calls = CallBack.objects.filter(at__gte=since, issue__in=judged_by(user).values("pk"))
    valid = calls.filter(reached=CallBack.Reached.REACHED)
    last = valid.filter(
        pk=Subquery(
            CallBack.objects.filter(issue=OuterRef("issue"), round=OuterRef("round"), reached=CallBack.Reached.REACHED)
            .order_by("-pk")
            .values("pk")[:1]
        )
    )
    counts = last.aggregate(
        n=Count("pk"),
        were_contacted=Count("pk", filter=Q(contacted=True)),
        were_solved=Count("pk", filter=Q(solved=True)),
        were_content=Count("pk", filter=Q(content=CallBack.Content.CONTENT)),
        were_mostly=Count("pk", filter=Q(content=CallBack.Content.MOSTLY)),
    )
    content = counts["were_content"] + CONTENT_WEIGHT[CallBack.Content.MOSTLY] * counts["were_mostly"]
    return Figures(calls.count(), counts["n"], counts["were_contacted"], counts["were_solved"], content)


def look_backs_of(user: User) -> list[int]:
    """The ids of what is still to be looked at again, of the issues the user judges, oldest first."""
    waiting = LookBack.objects.filter(result="", issue__in=judged_by(user).filter(state=State.CLOSED).values("pk"))
    return list(waiting.order_by("pk").values_list("pk", flat=True)[:300])


def script_of(user: User) -> str:
    """What is said at call-backs in the user's district."""
    post = access.post_of(user)
    code = post.unit.district_code if post else ""
    own = CallScript.objects.filter(district__code=code).values_list("text", flat=True).first()
    return own or default_script()


def default_script() -> str:
    """The text shipped: neutral, without a hint at the answer one would like."""
    return _(
        "Hello, this is the district's mass-work office. You brought up an issue, and we would like to hear from you "
        "how it was handled. It takes a minute; you need not answer.\n"
        "1. Did the unit that handles it get in touch with you?\n"
        "2. Is what you brought up solved?\n"
        "3. How content are you with how it was handled: content, mostly content, or not content?\n"
        "What else would you like to say? Thank you."
    )

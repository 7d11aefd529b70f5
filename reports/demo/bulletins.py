"""A bulletin of the demo: issued on the newest published scores, confirmed by one township, answered by another."""

from __future__ import annotations

from decimal import Decimal

from outreach.models import User
from reports.actions import bulletins as actions
from reports.bulletins.content import Rules
from reports.models import Bulletin, Snapshot

ANSWER = "已召开专题会，明确分管负责同志逐户补访，三个工作日内办结超期问题，结果另行书面报告。"


def add_bulletin(staff: dict[str, User]) -> None:
    """Issue a bulletin as the office would, where there are published scores; leave a draft of the week beside it."""
    snapshot = Snapshot.objects.published().select_related("campaign__district").order_by("-last", "-pk").first()
    if snapshot is None:
        return
    office = staff["O001"]
    setup = actions.setup_of(snapshot.campaign.district)
    rules = Rules(lowest=1, coverage_floor=Decimal(60))
    made = actions.draft_bulletin(
        snapshot=snapshot, kind=Bulletin.Kind.CIRCULAR, rules=rules, requests=setup.requests, by=office
    )
    actions.issue_bulletin(bulletin=made, version=made.version, by=office)
    for number in ("A101", "A201"):
        _confirm(made, staff[number])
    actions.draft_bulletin(
        snapshot=snapshot, kind=Bulletin.Kind.WEEKLY, rules=rules, requests=setup.requests, by=office
    )


def _confirm(bulletin: Bulletin, by: User) -> None:
    """Confirm for the person's township, and answer where it is named."""
    assert by.post is not None
    receipt = bulletin.receipts.filter(unit=by.post.unit_id).first()
    if receipt is None:
        return
    actions.receive_bulletin(bulletin=bulletin, by=by)
    if receipt.reasons:
        actions.answer_bulletin(bulletin=bulletin, answer=ANSWER, by=by)

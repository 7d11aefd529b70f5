"""The demo district 星河区, put together stage by stage."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random

from django.db import transaction

from issues.defaults import create_default_rules
from outreach import actions
from outreach.access import Role
from outreach.models import Membership, Unit, User
from reports import facts
from reports.demo import boards, bulletins, calls, instructions, plans, roster, schemes, scores, special, surveys, work
from reports.demo.people import Registry
from reports.demo.staff import create_staff
from visits.actions.campaigns import close_campaign

UNITS = Path(__file__).parent / "units_xinghe.csv"
SEED = 439900
STAGES = {"empty": None, "midway": work.MIDWAY, "full": work.FULL}


@transaction.atomic
def seed(*, stage: str, today: date) -> None:
    """Fill an empty database with the district at a stage: the same rows for the same day every time."""
    random = Random(SEED)
    with UNITS.open("rb") as file:
        actions.import_units(file=file, filename=UNITS.name, by=None)
    create_default_rules(Unit.objects.districts().get(code="439900"))
    staff = create_staff(random)
    plan = STAGES[stage]
    if plan is None:
        return
    registry = Registry(random, today)
    households = roster.create_households(random, registry)
    visitors = _visitors_by_township()
    roster.add_wishes(random, households, staff["C101"])
    roster.add_pairings(random, households, visitors)
    campaign = work.Work(random, plan, today, staff).run(visitors)
    roster.add_corrections(random, households, registry, staff["V101"])
    special.add_clues(staff)
    instructions.add_instructions(staff)
    plans.add_plans(campaign, staff, today)
    if plan.is_over:
        close_campaign(campaign=campaign, by=staff["O001"])
    facts.recount_all()
    schemes.add_schemes(campaign, staff, today)
    scores.add_scores(campaign, staff, today)
    bulletins.add_bulletin(staff)
    boards.add_boards(staff, campaign, today)
    surveys.add_surveys(random, staff, today)
    calls.add_calls(random, staff)


def _visitors_by_township() -> dict[str, list[User]]:
    """The people whose first post is that of a visitor, by the code of their township."""
    found: dict[str, list[User]] = {}
    posts = Membership.objects.filter(role=Role.VISITOR, user__staff_number__startswith="V")
    for post in posts.select_related("user", "unit").order_by("user__staff_number"):
        found.setdefault(post.unit.code, []).append(post.user)
    return found


def is_empty() -> bool:
    """Say whether nobody has put anything into the database yet."""
    return not Unit.objects.exists() and not User.objects.exists()

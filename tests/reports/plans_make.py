"""Makes plans, tasks and owners for tests, through the actions that write them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.utils import timezone

from outreach.models import Campaign, Membership, Unit, User
from reports.actions.plans import TaskContent, add_tasks, save_plan
from reports.models import WorkPlan, WorkTask
from tests.cast import Cast


def post_of(user: User) -> Membership:
    """The first post of a person, its unit loaded."""
    return user.memberships.select_related("unit", "user").order_by("pk")[0]


def make_plan(cast: Cast, campaign: Campaign | None = None, title: str = "平安建设方案") -> WorkPlan:
    """A plan of the district that began 20 days ago and ends in 40."""
    today = timezone.localdate()
    return save_plan(
        by=cast.district_office,
        title=title,
        summary="",
        campaign=campaign,
        starts_on=today - timedelta(days=20),
        ends_on=today + timedelta(days=40),
    )


def content(person: Membership, **values: object) -> TaskContent:
    """A task that is done or not, due in 20 days."""
    due: date = timezone.localdate() + timedelta(days=20)
    return TaskContent(**{"title": "排查隐患", "person": person, "due_on": due, **values})  # type: ignore[arg-type]


def make_task(cast: Cast, plan: WorkPlan, person: Membership, **values: object) -> WorkTask:
    """Hand one task out."""
    [task] = add_tasks(plan=plan, by=cast.district_office, contents=[content(person, **values)])
    return task


def counted(cast: Cast, plan: WorkPlan) -> WorkTask:
    """A task of the roads department: 40 places."""
    return make_task(cast, plan, post_of(cast.department_head), measure="count", target=Decimal(40), target_unit="处")


def second_office(cast: Cast) -> User:
    """A second person of the office; nobody else of it is in the cast."""
    user = User.objects.create(staff_number="O009", name="郝群办")
    Membership.objects.create(user=user, unit=Unit.objects.get(pk=cast.district.pk), role="district_office")
    return user

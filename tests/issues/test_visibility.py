"""One predicate: whatever the tree, list, detail, count, search and export show the same issues to the same person."""

from __future__ import annotations

import io

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from households.models import Household, Pairing
from issues.models import HelpingUnit, Issue, RoutingRule
from issues.workflow import State
from outreach.access import Permission, Role, has_permission
from outreach.models import Unit, User
from tests.cast import make_user
from tests.issues.make import category

pytestmark = pytest.mark.django_db


def independent(issue, user):
    """Who sees an issue, said a second time and without a query: by codes."""
    post = user.post
    if not has_permission(user, Permission.ISSUE_VIEW):
        return False
    if issue.recorded_by_id == user.pk:
        return True
    if post.role == Role.VISITOR:
        return (
            issue.household_id is not None
            and Pairing.objects.filter(household=issue.household_id, user=user, ended_on=None).exists()
        )
    helpers = [row.unit.code for row in issue.helping_units.all()]
    return (
        any(code.startswith(post.unit.code) for code in [issue.place.code, issue.unit.code, *helpers])
        # every issue of the test has the one category: it is in the line of the department a rule sends it to
        or RoutingRule.objects.filter(unit=post.unit, unit__kind="department").exists()
    )


def random_world(draw, cast):
    """Up to 12 more units anywhere in the tree, up to 4 people, up to 9 issues between them."""
    units = list(Unit.objects.all())
    for number in range(draw(st.integers(0, 4))):
        township = Unit.objects.create(
            code=f"4399002{number:02}", name=f"乡{number}", kind="township", parent=cast.district
        )
        units.append(township)
        for place in range(draw(st.integers(0, 2))):
            units.append(
                Unit.objects.create(
                    code=f"{township.code}20{place}", name=f"村{number}{place}", kind="village", parent=township
                )
            )
    roles = st.sampled_from([role for role in Role if role != Role.SYSTEM_ADMIN])
    people = [
        make_user(f"R{number:03}", f"某{number}", draw(roles), draw(st.sampled_from(units)))
        for number in range(draw(st.integers(2, 4)))
    ]
    places = [unit for unit in units if unit.kind != "department"]
    villages = [unit for unit in units if unit.kind == "village"]
    for number in range(draw(st.integers(1, 9))):
        place = draw(st.sampled_from(places))
        household = None
        if place in villages and draw(st.booleans()):
            household = Household.objects.create(village=place, head_name=f"户主{number}", number=f"r{number}")
            if draw(st.booleans()):
                Pairing.objects.create(household=household, user=draw(st.sampled_from(people)))
        issue = Issue.objects.create(
            number=f"R{number:05}",
            kind="need",
            category=category("其他问题"),
            text="路灯不亮",
            place=place,
            household=household,
            state=State.NEW,
            limit_workdays=5,
            unit=draw(st.sampled_from(units)),
            due_on="2026-12-01",
            recorded_by=draw(st.sampled_from(people)),
        )
        for helper in draw(st.sets(st.sampled_from(units), max_size=2)):
            HelpingUnit.objects.create(issue=issue, unit=helper, asked_by=people[0], question="请协助")
    for unit in draw(st.sets(st.sampled_from(units), max_size=2)):
        RoutingRule.objects.create(category=category("其他问题"), unit=unit)
    return people


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_list_detail_count_search_and_export_agree_for_any_tree(cast, login, data):
    with transaction.atomic():
        people = random_world(data.draw, cast)
        issues = list(Issue.objects.select_related("place", "unit"))
        for person in User.objects.filter(pk__in=[user.pk for user in people]):
            wanted = {issue.number for issue in issues if independent(issue, person)}
            check(login(person), person, issues, wanted)
        transaction.set_rollback(True)


def check(client, person, issues, wanted):
    assert {issue.number for issue in Issue.objects.visible_to(person)} == wanted
    assert Issue.objects.visible_to(person).count() == len(wanted)
    known = {issue.number for issue in Issue.objects.visible_to(person).resident_known_to(person)}
    assert known == {issue.number for issue in issues if issue.number in wanted and issue.shows_resident_to(person)}
    if not has_permission(person, Permission.ISSUE_VIEW):
        assert client.get("/issues/").status_code == 403
        return
    page = client.get("/issues/?state=all")
    assert {row["issue"].number for row in page.context["rows"]} == wanted
    assert {row["issue"].number for row in client.get("/issues/?state=all&q=路灯").context["rows"]} == wanted
    tabs = {tab["count"] for tab in page.context["tabs"] if tab["count"] and "state=new" in tab["url"]}
    assert tabs == ({len(wanted)} if wanted else set())
    for issue in issues:
        expected = 200 if issue.number in wanted else 404
        assert client.get(f"/issues/{issue.pk}/").status_code == expected
    if has_permission(person, Permission.ISSUE_EXPORT):
        book = load_workbook(io.BytesIO(client.post("/issues/export/?state=all").content))
        rows = list(book.active.iter_rows(min_row=4, values_only=True))[:-1]
        assert {row[1] for row in rows} == wanted
        assert {row[1] for row in rows if row[4]} == {
            issue.number for issue in issues if issue.household_id and issue.number in known
        }

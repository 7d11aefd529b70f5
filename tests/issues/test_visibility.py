"""One predicate: whatever the tree, the posts and the issues, every door shows the same issues to the same person.

`sees` and `knows` say a second time, in plain Python and from the words of domain.md (§3, §7), who sees an issue and
who may know whose it is. They ask no query of the program's and share no line with it.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field

import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from households.models import Household, Pairing
from issues import clusters
from issues.actions import append_event
from issues.models import Attachment, HelpingUnit, Issue
from issues.workflow import State
from outreach.access import ROLE_PERMISSIONS, Permission, Role
from outreach.models import Unit, User
from outreach.pinyin import initials
from tests.cast import make_user
from tests.issues.make import category
from tests.scenery import make_campaign
from visits.models import Assignment

pytestmark = pytest.mark.django_db

LIST = reverse("issues:list")


@dataclass
class World:
    """What was drawn, as plain as it was drawn: who is where, which household is whose duty, who helps with what."""

    people: list[User] = field(default_factory=list)
    posts: dict[int, tuple[str, str]] = field(default_factory=dict)  # person → role, code of the unit
    duties: set[tuple[int, int]] = field(default_factory=set)  # person, household
    helpers: dict[int, set[str]] = field(default_factory=dict)  # issue → codes of the units asked to help
    issues: list[Issue] = field(default_factory=list)


def sees(world, person, issue):
    """Whoever recorded it; a visitor, besides, what concerns a household that is his duty; everybody else what happened
    in their unit or below, what is held there, and what a unit there was asked to help with."""
    role, code = world.posts[person.pk]
    if Permission.ISSUE_VIEW not in ROLE_PERMISSIONS[role]:
        return False
    if issue.recorded_by_id == person.pk:
        return True
    if role == Role.VISITOR:
        return (person.pk, issue.household_id) in world.duties
    concerned = {issue.place.code, issue.unit.code, *world.helpers.get(issue.pk, ())}
    return any(unit.startswith(code) for unit in concerned)


def knows(world, person, issue):
    """Of what one sees: whoever recorded it, who keeps the roster of the place or has the household for a duty, and who
    handles it at the very unit that holds it."""
    role, code = world.posts[person.pk]
    if not sees(world, person, issue):
        return False
    if issue.recorded_by_id == person.pk or role == Role.VISITOR:
        return True
    may = ROLE_PERMISSIONS[role]
    keeps_roster = Permission.HOUSEHOLD_VIEW in may and issue.place.code.startswith(code)
    return keeps_roster or (Permission.ISSUE_HANDLE in may and issue.unit.code == code)


def random_world(draw, cast):
    """Up to 16 more units anywhere in the tree, up to 4 people of any role, up to 9 issues between them."""
    units = list(Unit.objects.all())
    for number in range(draw(st.integers(0, 3))):
        township = Unit.objects.create(
            code=f"4399002{number:02}", name=f"乡{number}", kind="township", parent=cast.district
        )
        units.append(township)
        for place in range(draw(st.integers(0, 2))):
            code = f"{township.code}20{place}"
            units.append(Unit.objects.create(code=code, name=f"村{number}{place}", kind="village", parent=township))
    if draw(st.booleans()):
        units.append(Unit.objects.create(code="439900D0801", name="公路站", kind="department", parent=cast.roads))
    county = Unit.objects.create(code="439800", name="邻县", kind="district", sort_order=90)
    units.append(county)
    world = World()
    for number in range(draw(st.integers(2, 4))):
        role, unit = draw(st.sampled_from(list(Role))), draw(st.sampled_from(units))
        person = make_user(f"R{number:03}", f"某{number}", role, unit)
        world.people.append(person)
        world.posts[person.pk] = role, unit.code
    campaign = make_campaign(cast.district, [cast.qingxi, cast.bailu], cast.district_office)
    places = [unit for unit in units if unit.kind != "department"]
    holders = [unit for unit in units if unit.kind != "district"]
    for number in range(draw(st.integers(1, 9))):
        place = draw(st.sampled_from(places))
        household = None
        if place.kind == "village" and draw(st.booleans()):
            household = a_household(world, place, number, draw, campaign)
        issue = an_issue(number, place, household, draw(st.sampled_from(holders)), draw(st.sampled_from(world.people)))
        world.issues.append(issue)
        for unit in draw(st.lists(st.sampled_from(holders), max_size=1)):
            HelpingUnit.objects.create(issue=issue, unit=unit, asked_by=cast.district_office, question="协助")
            world.helpers.setdefault(issue.pk, set()).add(unit.code)
    return world


def a_household(world, place, number, draw, campaign):
    name = f"罗{'甲乙丙丁戊己庚辛壬'[number]}大"
    household = Household.objects.create(
        village=place,
        head_name=name,
        head_pinyin=initials(name),
        number=f"r{number}",
        phone=f"1390000880{number}",
        address=f"大枫树{number}号院",
    )
    duty = draw(st.sampled_from(["", "pairing", "assignment"]))
    person = draw(st.sampled_from(world.people))
    if duty == "pairing":
        Pairing.objects.create(household=household, user=person)
    elif duty == "assignment":
        Assignment.objects.create(campaign=campaign, household=household, visitor=person)
    if duty:
        world.duties.add((person.pk, household.pk))
    return household


def an_issue(number, place, household, holder, recorder):
    issue = Issue.objects.create(
        number=f"R{number:05}",
        kind="need",
        category=category("其他问题"),
        text="路灯不亮",
        place=place,
        household=household,
        state=State.ASSIGNED,
        unit=holder,
        limit_workdays=7,
        due_on=timezone.localdate(),
        dispatched_at=timezone.now(),
        recorded_by=recorder,
    )
    event = append_event(issue, "open", by=recorder, at=timezone.now(), from_state="", from_unit=None, note="")
    Attachment.objects.create(
        issue=issue,
        event=event,
        file=ContentFile(b"x", name=f"{number}.jpg"),
        content_type="image/jpeg",
        sha256=str(number) * 64,
        size=1,
        added_by=recorder,
    )
    return issue


# not shrunk: that walks all doors some hundred times more, and a draw here is small enough to read
@settings(
    max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_every_door_shows_the_same_issues_for_any_tree(cast, login, data):
    with transaction.atomic():
        world = random_world(data.draw, cast)
        for person in world.people:
            seen = [issue for issue in world.issues if sees(world, person, issue)]
            known = [issue for issue in world.issues if knows(world, person, issue)]
            person = User.objects.get(pk=person.pk)
            check_queries(person, world, seen, known)
            check_doors(login(person), world, person, seen, known)
        transaction.set_rollback(True)


def numbers(issues):
    return {issue.number for issue in issues}


def check_queries(person, world, seen, known):
    assert numbers(Issue.objects.visible_to(person)) == numbers(seen)
    assert Issue.objects.visible_to(person).count() == len(seen)
    assert numbers(Issue.objects.visible_to(person).resident_known_to(person)) == numbers(known)
    assert numbers(issue for issue in seen if issue.shows_resident_to(person)) == numbers(known)


def check_doors(client, world, person, seen, known):
    if Permission.ISSUE_VIEW not in ROLE_PERMISSIONS[world.posts[person.pk][0]]:
        assert client.get(LIST).status_code == 403
        return
    page = client.get(LIST, {"state": "all"})
    assert numbers(row["issue"] for row in page.context["rows"]) == numbers(seen)
    counts = {tab["name"]: tab["count"] for tab in page.context["tabs"] if tab["name"] in State.values}
    assert counts[State.ASSIGNED] == sum(counts.values()) == len(seen)
    content = page.content.decode()
    for issue in world.issues:
        if issue.household_id is not None:
            assert (issue.household.head_name in content) == (issue in known), issue.number
    check_searches(client, world, seen, known)
    check_pages(client, world, seen, known)
    check_export(client, world, person, seen, known)
    check_clusters(client, seen)
    check_line(client, world, person, seen)
    if Permission.ISSUE_OPEN in ROLE_PERMISSIONS[world.posts[person.pk][0]]:
        check_lookalikes(client, world, seen)


def searched(client, words):
    return numbers(row["issue"] for row in client.get(LIST, {"q": words}).context["rows"])


def check_searches(client, world, seen, known):
    assert searched(client, "路灯") == numbers(seen)
    at_home = [issue for issue in known if issue.household_id is not None]
    for words in ("罗", "大枫树"):
        assert searched(client, words) == numbers(at_home), words
    one = world.issues[-1]
    assert searched(client, one.number) == ({one.number} & numbers(seen))
    if home := one.household:
        for words in (home.head_name, home.head_pinyin, home.phone[-6:], home.address):
            assert (one.number in searched(client, words)) == (one in known), words


def check_pages(client, world, seen, known):
    for issue in world.issues:
        page = client.get(reverse("issues:detail", args=[issue.pk]))
        assert page.status_code == (200 if issue in seen else 404), issue.number
        if issue.household_id is not None and issue in seen:
            assert (issue.household.head_name in page.content.decode()) == (issue in known), issue.number
        photo = issue.attachments.get()
        status = client.get(reverse("issues:attachment", args=[issue.pk, photo.pk])).status_code
        assert status == (200 if issue in seen else 404), issue.number


def check_export(client, world, person, seen, known):
    if Permission.ISSUE_EXPORT not in ROLE_PERMISSIONS[world.posts[person.pk][0]]:
        return
    book = load_workbook(io.BytesIO(client.post(reverse("issues:export") + "?state=all").content))
    cells = [str(value) for row in book.worksheets[0].iter_rows(values_only=True) for value in row if value]
    assert {issue.number for issue in world.issues if issue.number in cells} == numbers(seen)
    heads = {issue.household.head_name for issue in world.issues if issue.household_id is not None}
    assert heads & set(cells) == {issue.household.head_name for issue in known if issue.household_id is not None}


def check_lookalikes(client, world, seen):
    for place in {issue.place_id for issue in world.issues}:
        fields = {"place": place, "category": category("其他问题").pk, "text": "路灯不亮"}
        page = client.post(reverse("issues:lookalikes"), fields).content.decode()
        assert not any(issue.number in page for issue in world.issues if issue not in seen)


def check_clusters(client, seen):
    page = client.get(reverse("issues:clusters")).context
    places = Counter(issue.place.code for issue in seen)
    expected = {code: count for code, count in places.items() if count >= clusters.LEAST}
    assert {row["cluster"].place.code: row["cluster"].count for row in page["rows"]} == expected
    # all say the same: what a township sees of it in more than one place is one group
    towns = {issue.place.code[:9] for issue in seen}
    groups = {town: [issue for issue in seen if issue.place.code[:9] == town] for town in towns}
    large = [some for some in groups.values() if len(some) >= clusters.LEAST and len({i.place_id for i in some}) > 1]
    assert sorted(sorted(numbers(some)) for some in large) == sorted(
        sorted(numbers(row["group"].issues)) for row in page["alike"]
    )


def check_line(client, world, person, seen):
    """Of no department's line are these issues: its page counts what it holds or helps with, of what the reader sees
    in his own district."""
    _role, code = world.posts[person.pk]
    own = Unit.objects.get(code=code)
    departments = [own] if own.kind == "department" else list(Unit.objects.filter(kind="department"))
    for department in departments:
        if department.code[:6] != code[:6]:
            continue
        total = client.get(reverse("issues:line"), {"unit": department.pk}).context["total"][-1]["number"]
        concerned = [i for i in seen if department.code in {i.unit.code, *world.helpers.get(i.pk, ())}]
        assert total == sum(issue.place.code[:6] == code[:6] for issue in concerned), department

"""One issue above many: who may put an issue under another, what cannot be, and what the page shows of the others."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from households.models import Household
from issues import actions
from issues.models import Issue
from outreach.models import Notification
from tests.issues.make import category, issue_at, move

pytestmark = pytest.mark.django_db

FAMILY = reverse("issues:cluster_family")


def put(issue, parent, by):
    return actions.set_parent(issue=issue, parent=parent, by=by, version=issue.version)


def page(client, issue):
    return client.get(reverse("issues:detail", args=[issue.pk]))


def moves(issue):
    return list(issue.events.order_by("seq").values_list("move", "note"))


def test_an_issue_put_under_another_is_written_in_both_histories_and_holds_it_back(cast):
    child, parent = issue_at(cast), issue_at(cast, "accepted", holder=cast.qingxi)
    after = put(child, parent, cast.township_admin)
    assert (after.parent, after.version, after.state) == (parent, child.version + 1, child.state)
    assert moves(child)[-1] == ("set_parent", parent.number)
    assert moves(parent)[-1] == ("child_here", child.number)
    parent.refresh_from_db()
    with pytest.raises(ValidationError):
        move(parent, "finish", cast.township_admin, note="已办", outcome="solved")


def test_taking_it_out_again_is_written_too_and_saying_the_same_twice_is_not(cast):
    child, parent = issue_at(cast), issue_at(cast)
    child = put(child, parent, cast.district_office)
    same = put(child, parent, cast.district_office)
    assert same.version == child.version
    after = put(same, None, cast.district_office)
    assert after.parent is None
    assert [name for name, _note in moves(child)[-2:]] == ["set_parent", "clear_parent"]
    assert [name for name, _note in moves(parent)[-2:]] == ["child_here", "child_left"]


def test_there_are_no_circles_and_only_one_level(cast):
    top, middle, low = (issue_at(cast) for _n in range(3))
    for issue, parent in [(top, top)]:
        with pytest.raises(ValidationError):
            put(issue, parent, cast.district_office)
    middle = put(middle, top, cast.district_office)
    top.refresh_from_db()
    for issue, parent in [(top, middle), (low, middle), (top, low)]:
        with pytest.raises(ValidationError):
            put(issue, parent, cast.district_office)
    assert set(Issue.objects.exclude(parent=None)) == {middle}


@pytest.mark.parametrize("state", ["closed", "merged", "refused"])
def test_what_has_ended_stands_above_nothing_and_is_put_under_nothing(cast, state):
    ended, other = issue_at(cast, state), issue_at(cast)
    for issue, parent in [(other, ended), (ended, other)]:
        with pytest.raises(ValidationError):
            put(issue, parent, cast.district_office)


@pytest.mark.parametrize("person", ["outside_admin", "department_handler", "supervisor", "village_clerk", "visitor"])
def test_only_those_who_dispatch_in_the_area_set_a_parent(cast, person):
    child, parent = issue_at(cast), issue_at(cast)
    with pytest.raises(PermissionDenied):
        put(child, parent, getattr(cast, person))
    assert not Issue.objects.exclude(parent=None).exists()


def test_a_stale_version_saves_nothing(cast):
    child, parent = issue_at(cast), issue_at(cast)
    with pytest.raises(actions.ConflictError):
        actions.set_parent(issue=child, parent=parent, by=cast.district_office, version=child.version + 1)
    assert Issue.objects.get(pk=child.pk).parent is None


def test_the_page_takes_a_number_and_says_what_is_wrong_with_it(cast, login):
    child, parent = issue_at(cast), issue_at(cast)
    far = issue_at(cast, place=cast.luzhou)
    client, url = login(cast.township_admin), reverse("issues:parent_set", args=[child.pk])
    for number in ("没有", far.number, "\x00"):
        assert client.post(url, {"parent": number, "version": child.version}).status_code == 422
    assert client.post(url, {"parent": parent.number, "version": child.version + 9}).status_code == 409
    assert client.post(url, {"parent": parent.number}).status_code == 422
    assert client.post(url, {"parent": parent.number, "version": child.version}).status_code == 302
    child.refresh_from_db()
    assert child.parent == parent
    assert login(cast.outside_admin).post(url, {}).status_code == 404


def test_the_card_names_the_others_without_their_residents_and_links_only_what_one_sees(cast, login):
    home = Household.objects.create(village=cast.luzhou, head_name="罗大树", number="1")
    main, far = issue_at(cast), issue_at(cast, place=cast.luzhou, household=home, holder=cast.water)
    gone = issue_at(cast)
    move(gone, "merge", cast.district_office, main=main, note="同一件")
    put(far, main, cast.district_office)
    response = page(login(cast.township_admin), main)
    groups = [[(r.issue, bool(r.url)) for r in rows] for _title, rows in response.context["relatives"]]
    assert groups == [[(gone, True)], [(far, False)]]
    text = response.content.decode()
    assert far.number in text and "鹭洲村" in text and "罗大树" not in text
    assert [[r.issue for r in rows] for _t, rows in page(login(cast.leader), gone).context["relatives"]] == [[main]]
    assert [[r.issue for r in rows] for _t, rows in page(login(cast.leader), far).context["relatives"]] == [[main]]


def test_the_page_costs_the_same_queries_for_1_and_60_below(cast, login, connection_queries):
    parent, client, counts = issue_at(cast), login(cast.district_office), []
    client.get(reverse("issues:list"))
    for size in (1, 60):
        for _n in range(parent.children.count(), size):
            child = issue_at(cast, "new")
            Issue.objects.filter(pk=child.pk).update(parent=parent)
        counts.append(connection_queries(lambda: page(client, parent)))
    assert counts[0] == counts[1]


def test_a_cluster_gets_one_issue_above_the_chosen_ones(cast, login):
    issues = [issue_at(cast) for _n in range(3)]
    other, ended = issue_at(cast, category=category("路灯照明")), issue_at(cast, "closed")
    client = login(cast.township_admin)
    [row] = client.get(reverse("issues:clusters")).context["rows"]
    url = row["family_url"]
    rows = client.get(url).context["rows"]
    assert [r["issue"] for r in rows] == issues
    response = client.post(url, {"text": "全村路灯年久失修", "rows": [r["key"] for r in rows[:2]]})
    parent = Issue.objects.get(text="全村路灯年久失修")
    assert response["Location"] == reverse("issues:detail", args=[parent.pk])
    assert (parent.category, parent.place, set(parent.children.all())) == (
        issues[0].category,
        cast.shiqiao,
        set(issues[:2]),
    )
    assert not {other.pk, ended.pk, issues[2].pk} & set(parent.children.values_list("pk", flat=True))
    assert [r["issue"] for r in client.get(url).context["rows"]] == [issues[2]]


def test_a_cluster_with_one_changed_meanwhile_or_none_chosen_opens_nothing(cast, login):
    issues = [issue_at(cast) for _n in range(3)]
    client = login(cast.township_admin)
    url = client.get(reverse("issues:clusters")).context["rows"][0]["family_url"]
    before = Issue.objects.count()
    for rows in (["1.1", "x", "\x00"], [], [f"{issues[0].pk}.{issues[0].version + 1}"]):
        assert client.post(url, {"text": "路灯", "rows": rows}).status_code == 422
    keys = [f"{issue.pk}.{issue.version}" for issue in issues]
    assert client.post(url, {"text": "", "rows": keys}).status_code == 422
    assert Issue.objects.count() == before and not Issue.objects.exclude(parent=None).exists()
    for query in ("", "?category=abc&place=1", f"?category={'9' * 40}&place=-1"):
        assert client.get(FAMILY + query).status_code == 302
    assert login(cast.supervisor).get(url).status_code == 403


def test_the_units_that_hold_both_issues_hear_of_the_new_parent_and_of_its_end(cast):
    issue, parent = issue_at(cast, "accepted"), issue_at(cast, "accepted", cast.water)
    put(issue, parent, cast.township_admin)
    issue.refresh_from_db()
    put(issue, None, cast.township_admin)
    told = Notification.objects.filter(key__startswith="family:").order_by("pk")
    roads, water = (
        [row.title for row in told if row.user == who] for who in (cast.department_handler, cast.outside_handler)
    )
    assert roads == [f"问题{issue.number}已归入上级问题{parent.number}", f"问题{issue.number}已不再归入其他问题"]
    assert water == roads[:1]
    assert cast.township_admin not in {row.user for row in told}

"""While an issue is recorded: what looks like it is shown, by reach; it is added to that or recorded all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from households.models import Household
from issues import duplicates
from issues.models import Issue
from tests.issues.make import category, issue_at, move

pytestmark = pytest.mark.django_db

NEW = reverse("issues:new")
LOOK = reverse("issues:lookalikes")


def home(cast, number="1", **fields):
    return Household.objects.create(
        **{"village": cast.shiqiao, "number": number, "head_name": "罗大树", "phone": "13900009999", **fields}
    )


def like(user, cast, text, *, place=None, household=None, name="其他问题"):
    found = duplicates.find(
        Issue.objects.visible_to(user),
        user=user,
        category=category(name),
        text=text,
        place=place or cast.shiqiao,
        household=household,
    )
    return [(row.issue.pk, row.reason.value, row.must_look) for row in found]


def fields(cast, **more):
    return {"category": category("其他问题").pk, "place": cast.shiqiao.pk, "text": "村口的路灯不亮了", **more}


def test_the_same_place_and_category_said_alike_must_be_looked_at(cast):
    issue = issue_at(cast, text="村口路灯不亮")
    issue_at(cast, text="河堤垮了一段")
    assert like(cast.township_admin, cast, "村口的路灯不亮了") == [(issue.pk, "place", True)]


def test_the_same_household_is_named_first_whatever_was_said(cast):
    household = home(cast)
    mine = issue_at(cast, text="井水发黄", household=household)
    alike = issue_at(cast, text="村口路灯不亮")
    found = like(cast.township_admin, cast, "村口的路灯不亮了", household=household)
    assert found == [(mine.pk, "household", True), (alike.pk, "place", True)]


def test_another_village_of_the_township_is_suggested_by_text_alone_but_need_not_be_looked_at(cast):
    issue = issue_at(cast, text="镇上到县城的班车停了", place=cast.liutang)
    assert like(cast.township_admin, cast, "镇上到县城的班车停了好久") == [(issue.pk, "text", False)]


def test_what_ended_long_ago_is_another_matter(cast):
    issue = issue_at(cast, "closed", text="村口路灯不亮")
    assert like(cast.district_office, cast, "村口路灯不亮") == [(issue.pk, "place", True)]
    Issue.objects.filter(pk=issue.pk).update(closed_at=timezone.now() - timedelta(days=91))
    assert like(cast.district_office, cast, "村口路灯不亮") == []


def test_nothing_is_suggested_that_the_user_may_not_see(cast):
    issue_at(cast, text="村口路灯不亮")
    assert like(cast.outside_admin, cast, "村口路灯不亮") == []
    assert like(cast.visitor, cast, "村口路灯不亮") == []


def test_the_fragment_shows_likenesses_and_writes_nothing(cast, login):
    issue = issue_at(cast, text="村口路灯不亮", household=home(cast))
    page = login(cast.township_admin).post(LOOK, fields(cast))
    assert page.status_code == 200
    content = page.content.decode()
    assert issue.number in content and "罗大树" in content and f'value="{issue.pk}"' in content
    assert Issue.objects.count() == 1
    assert issue.number not in login(cast.outside_admin).post(LOOK, fields(cast)).content.decode()


def test_the_fragment_hides_the_resident_from_who_may_not_know_them(cast, login):
    issue_at(cast, text="村口路灯不亮", household=home(cast), by=cast.village_clerk)
    for user in (cast.second_visitor, cast.outside_visitor):
        assert "罗大树" not in login(user).post(LOOK, fields(cast)).content.decode()


def test_a_likeness_is_shown_once_before_saving_and_then_saved(cast, login):
    old = issue_at(cast, text="村口路灯不亮")
    client = login(cast.township_admin)
    page = client.post(NEW, fields(cast))
    assert page.status_code == 409
    assert old.number in page.content.decode() and "村口的路灯不亮了" in page.content.decode()
    assert Issue.objects.count() == 1
    assert client.post(NEW, fields(cast, seen=str(old.pk))).status_code == 302
    assert Issue.objects.count() == 2


def test_what_looks_like_nothing_is_saved_at_once(cast, login):
    issue_at(cast, text="河堤垮了一段")
    assert login(cast.township_admin).post(NEW, fields(cast)).status_code == 302
    assert Issue.objects.count() == 2


def test_adding_to_an_issue_appends_what_was_said_and_opens_none(cast, login):
    old = issue_at(cast, text="村口路灯不亮")
    answer = login(cast.township_admin).post(NEW, fields(cast, add_to=str(old.pk)))
    assert answer.status_code == 302 and answer["Location"] == reverse("issues:detail", args=[old.pk])
    last = old.events.order_by("pk").last()
    assert (last.move, last.note, last.by) == ("remark", "村口的路灯不亮了", cast.township_admin)
    assert (last.from_state, last.to_state, last.to_unit) == (old.state, old.state, old.unit)
    now = Issue.objects.get()
    assert (now.version, now.state, now.text) == (old.version + 1, old.state, old.text)


def test_adding_to_an_issue_out_of_reach_or_ended_adds_nothing_and_keeps_the_form(cast, login):
    hidden = issue_at(cast, text="井水发黄", place=cast.luzhou)
    ended = issue_at(cast, "closed", text="井水发黄")
    events = {issue.pk: issue.events.count() for issue in (hidden, ended)}
    for target in (str(hidden.pk), str(ended.pk), "abc", "9" * 30):
        page = login(cast.township_admin).post(NEW, fields(cast, add_to=target))
        assert page.status_code == 422 and "村口的路灯不亮了" in page.content.decode(), target
    assert events == {issue.pk: issue.events.count() for issue in (hidden, ended)}
    assert Issue.objects.count() == 2


def test_the_likenesses_cost_the_same_queries_whatever_there_is(cast, login, connection_queries):
    client = login(cast.township_admin)
    counts = []
    for size in (1, 30):
        for _n in range(Issue.objects.count(), size):
            issue_at(cast, text="村口路灯不亮")
        counts.append(connection_queries(lambda: client.post(LOOK, fields(cast))))
    assert counts[0] == counts[1]


def test_a_leader_may_not_add(cast):
    issue = issue_at(cast)
    with pytest.raises(PermissionDenied):
        move(issue, "remark", cast.leader, note="路灯")


def test_a_merger_stands_in_both_histories_and_so_does_its_end(cast):
    main, other = issue_at(cast, "accepted"), issue_at(cast)
    other = move(other, "merge", cast.district_office, main=main, note="同一盏灯")
    entry = main.events.order_by("pk").last()
    assert (entry.move, entry.note, entry.by) == ("merged_here", other.number, cast.district_office)
    assert (entry.from_state, entry.to_state) == ("accepted", "accepted")
    assert main.number in other.events.order_by("pk").last().note
    move(other, "unmerge", cast.district_office, note="不是同一盏")
    assert main.events.order_by("pk").last().move == "unmerged_here"
    main.refresh_from_db()
    assert main.state == "accepted" and not main.merged_issues.exists()


def test_what_to_merge_into_is_suggested_searched_and_chosen(cast, login):
    issue = issue_at(cast, "new", text="村口路灯不亮")
    alike = issue_at(cast, text="村口的路灯不亮了")
    other = issue_at(cast, text="河堤垮了一段")
    ended = issue_at(cast, "closed", text="村口路灯不亮")
    client, url = login(cast.township_admin), reverse("issues:merge_choose", args=[issue.pk])
    assert url in client.get(reverse("issues:detail", args=[issue.pk])).content.decode()
    assert [row["issue"].pk for row in client.get(url).context["rows"]] == [alike.pk]
    assert [row["issue"].pk for row in client.get(url, {"q": "河堤"}).context["rows"]] == [other.pk]
    assert [row["issue"].pk for row in client.get(url, {"q": issue.number}).context["rows"]] == []
    assert ended.pk not in {row["issue"].pk for row in client.get(url, {"q": "路灯"}).context["rows"]}
    sent = {"main": other.number, "note": "同一段路", "version": issue.version}
    assert client.post(reverse("issues:move", args=[issue.pk, "merge"]), sent).status_code == 302
    issue.refresh_from_db()
    assert (issue.state, issue.merged_into) == ("merged", other)
    assert client.get(url)["Location"] == reverse("issues:detail", args=[issue.pk])


def test_nothing_out_of_reach_is_offered_for_a_merger(cast, login):
    issue = issue_at(cast, "new", text="村口路灯不亮")
    hidden = issue_at(cast, text="村口路灯不亮", place=cast.luzhou)
    client, url = login(cast.township_admin), reverse("issues:merge_choose", args=[issue.pk])
    for query in ({}, {"q": "路灯"}, {"q": hidden.number}, {"q": "\x00" * 9}, {"q": "灯" * 5000}):
        response = client.get(url, query)
        assert response.status_code == 200
        assert hidden.pk not in {row["issue"].pk for row in response.context["rows"]}

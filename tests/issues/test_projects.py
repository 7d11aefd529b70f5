"""Special projects: the whole path, who may run and read one, what is counted, what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone

from issues import actions
from issues.models import Issue, ProjectNote, SpecialProject
from outreach.models import Notification
from tests.issues.make import category, issue_at, move

pytestmark = pytest.mark.django_db

LIST = reverse("issues:project_list")


def begin(cast, issue, by=None, **fields):
    values = {
        "title": "路灯专项整治",
        "unit": cast.roads,
        "lead": "周局长",
        "measures": "逐村更换",
        "places": "全镇各村",
        "due_on": timezone.localdate() + timedelta(days=60),
    }
    return actions.open_project(issue=issue, by=by or cast.township_admin, **{**values, **fields})


def url(name, thing):
    return reverse(f"issues:project_{name}", args=[thing.pk])


def test_the_whole_path_from_a_cluster_to_the_counts_after(cast, login):
    issues = [issue_at(cast) for _n in range(3)] + [issue_at(cast, "closed")]
    client = login(cast.township_admin)
    family = client.get(reverse("issues:clusters")).context["rows"][0]["family_url"]
    rows = client.get(family).context["rows"]
    parent_url = client.post(family, {"text": "路灯年久失修", "rows": [row["key"] for row in rows]})["Location"]
    parent = Issue.objects.get(text="路灯年久失修")
    assert url("new", parent) in client.get(parent_url).content.decode()
    sent = {
        "title": "路灯专项整治",
        "unit": cast.roads.pk,
        "lead": "周局长",
        "measures": "逐村更换",
        "places": "全镇各村",
        "due_on": timezone.localdate() + timedelta(days=60),
    }
    response = client.post(url("new", parent), sent)
    project = SpecialProject.objects.get()
    assert response["Location"] == url("detail", project)
    assert (project.recorded_before, project.open_before, project.is_running) == (4, 3, True)
    assert client.post(url("note", project), {"text": "已换十盏"}).status_code == 302
    move(Issue.objects.get(pk=issues[0].pk), "merge", cast.district_office, main=issues[1], note="同一盏")
    Issue.objects.filter(pk=issues[2].pk).update(recorded_at=timezone.now() - timedelta(days=31))
    assert client.post(url("close", project), {"result": "全部更换"}).status_code == 302
    project.refresh_from_db()
    assert (project.recorded_before, project.recorded_after, project.open_after) == (4, 2, 1)
    assert (project.closed_by, project.result, project.is_running) == (cast.township_admin, "全部更换", False)
    page = client.get(url("detail", project)).content.decode()
    assert "已换十盏" in page and "全部更换" in page and issues[1].number in page
    steps = list(parent.events.order_by("seq").values_list("move", flat=True))
    assert steps[0] == "open" and steps[-2:] == ["project_open", "project_close"]


def test_only_its_category_and_place_count_and_not_the_issue_itself(cast):
    parent = issue_at(cast)
    issue_at(cast)
    issue_at(cast, category=category("路灯照明"))
    issue_at(cast, place=cast.liutang)
    project = begin(cast, parent)
    assert (project.recorded_before, project.open_before) == (1, 1)
    wider = begin(cast, issue_at(cast, place=cast.qingxi))
    assert wider.recorded_before == 3


@pytest.mark.parametrize("person", ["outside_admin", "department_handler", "supervisor", "village_clerk", "leader"])
def test_only_those_who_dispatch_in_the_area_run_one(cast, login, person):
    user, issue = getattr(cast, person), issue_at(cast)
    with pytest.raises(PermissionDenied):
        begin(cast, issue, by=user)
    project = begin(cast, issue)
    with pytest.raises(PermissionDenied):
        actions.note_project(project=project, by=user, text="已换十盏")
    with pytest.raises(PermissionDenied):
        actions.close_project(project=project, by=user, result="全部更换")
    for name in ("note", "close"):
        assert login(user).post(url(name, project), {}).status_code in (403, 404)
    project.refresh_from_db()
    assert project.is_running and not ProjectNote.objects.exists()


def test_who_sees_the_issue_reads_the_project_and_nobody_else_finds_it(cast, login):
    project = begin(cast, issue_at(cast))
    for person in ("leader", "supervisor", "village_clerk", "department_handler", "district_office"):
        client = login(getattr(cast, person))
        response = client.get(url("detail", project))
        assert response.status_code == 200, person
        assert [row["project"] for row in client.get(LIST).context["rows"]] == [project]
        assert (response.context["close_form"] is not None) == (person == "district_office")
    client = login(cast.outside_admin)
    assert client.get(url("detail", project)).status_code == 404
    assert client.get(LIST).context["rows"] == []


def test_what_cannot_be_is_refused_and_nothing_is_kept(cast, login):
    issue, today = issue_at(cast), timezone.localdate()
    faults = [{"title": " "}, {"lead": "周" * 61}, {"measures": "\x00"}, {"due_on": today - timedelta(days=1)}]
    for fault in faults:
        with pytest.raises(ValidationError):
            begin(cast, issue, **fault)
    with pytest.raises(ValidationError):
        begin(cast, issue_at(cast, "closed"))
    assert login(cast.township_admin).post(url("new", issue), {"title": "x", "due_on": "哪天"}).status_code == 422
    assert not SpecialProject.objects.exists()
    project = begin(cast, issue)
    with pytest.raises(ValidationError):
        begin(cast, issue)
    client = login(cast.township_admin)
    assert client.get(url("new", issue))["Location"] == url("detail", project)
    for name in ("note", "close"):
        assert client.post(url(name, project), {"text": " ", "result": "\x00"}).status_code == 422
    actions.close_project(project=project, by=cast.township_admin, result="全部更换")
    for name in ("note", "close"):
        assert client.post(url(name, project), {"text": "又换", "result": "又换"}).status_code == 422
    assert not project.notes.exists()


def test_list_and_page_cost_the_same_queries_for_1_and_60(cast, login, connection_queries):
    project = begin(cast, issue_at(cast))
    client, lists, pages = login(cast.district_office), [], []
    client.get(LIST)
    for size in (1, 60):
        for _n in range(project.notes.count(), size):
            child = issue_at(cast, "new")
            Issue.objects.filter(pk=child.pk).update(parent=project.issue)
            actions.note_project(project=project, by=cast.district_office, text="已换十盏")
            if size == 60:
                begin(cast, child, by=cast.district_office)
        lists.append(connection_queries(lambda: client.get(LIST)))
        pages.append(connection_queries(lambda: client.get(url("detail", project))))
    assert lists[0] == lists[1]
    assert pages[0] == pages[1]


def test_the_units_concerned_hear_of_beginning_and_end_and_can_open_what_they_are_told_of(cast, login):
    parent, child = issue_at(cast, "accepted"), issue_at(cast, "accepted", cast.water)
    Issue.objects.filter(pk=child.pk).update(parent=parent)
    leading = cast.bailu
    project = begin(cast, parent, unit=leading)
    told = {row.user: row for row in Notification.objects.filter(key__startswith="project:")}
    assert set(told) == {cast.outside_admin, cast.department_handler, cast.department_head, cast.outside_handler}
    assert all("白鹭镇牵头" in row.title and project.title not in row.title for row in told.values())
    for person, row in told.items():
        assert login(person).get(row.url).status_code == 200, person
    assert login(cast.outside_admin).get(reverse("issues:detail", args=[parent.pk])).status_code == 404
    actions.close_project(project=project, by=cast.township_admin, result="全部更换")
    assert Notification.objects.filter(key__startswith="project:", user=cast.outside_admin).count() == 2

"""Appeals: filed by the unit in time, decided outside it, working through a revision alone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from outreach.access import Permission, Role
from outreach.models import AuditEvent, Notification
from reports.actions import appeals, snapshots
from reports.models import Appeal
from tests.cast import make_user
from tests.issues.papers import pdf
from tests.reports.frozen import make_scheme, make_work, publish, take

D = Decimal
pytestmark = pytest.mark.django_db


@pytest.fixture
def snapshot(cast):
    return publish(cast, take(cast, make_scheme(cast, make_work(cast))))


def file_one(cast, snapshot, **other):
    fields = {
        "snapshot": snapshot,
        "unit": cast.qingxi,
        "line": "solution",
        "statement": "一件已按期办结",
        "files": [],
        "by": cast.township_admin,
        "today": timezone.localdate(),
        **other,
    }
    return appeals.file_appeal(**fields)


def test_unit_appeals_with_statement_and_file_and_the_deciders_are_told(cast, login, snapshot):
    client = login(cast.township_admin)
    url = reverse("reports:appeal_new", args=[snapshot.pk, "439900101", "solution"])
    assert url in client.get(reverse("reports:score_unit", args=[snapshot.pk, "439900101"])).content.decode()
    assert client.get(url).status_code == 200
    response = client.post(
        url, {"statement": "一件已按期办结", "evidence": SimpleUploadedFile("说明.pdf", pdf(), "application/pdf")}
    )
    appeal = Appeal.objects.get()
    assert response["Location"] == reverse("reports:appeal_detail", args=[appeal.pk])
    assert (appeal.unit, appeal.line, appeal.filed_by, appeal.state) == (
        cast.qingxi,
        "solution",
        cast.township_admin,
        "filed",
    )
    stored = appeal.files.get()
    assert stored.name == "说明.pdf"
    file_url = reverse("reports:appeal_file", args=[appeal.pk, stored.pk])
    assert client.get(file_url).content == pdf()
    assert login(cast.outside_admin).get(file_url).status_code == 404
    told = Notification.objects.filter(key=f"appeal:{appeal.pk}:filed")
    assert {row.user for row in told} == {cast.district_office, cast.supervisor}
    assert AuditEvent.objects.filter(action="appeal.file").count() == 1
    assert login(cast.supervisor).get(reverse("reports:appeal_list")).context["page"].object_list[0] == appeal


def test_appeal_without_a_statement_is_given_back_and_nothing_is_kept(cast, login, snapshot):
    url = reverse("reports:appeal_new", args=[snapshot.pk, "439900101", "solution"])
    response = login(cast.township_admin).post(url, {"statement": "  "})
    assert response.status_code == 422
    bad = SimpleUploadedFile("a.exe", b"MZ", "application/octet-stream")
    response = login(cast.township_admin).post(url, {"statement": "有误", "evidence": bad})
    assert response.status_code == 422 and "有误" in response.content.decode()
    assert not Appeal.objects.exists()


def test_appeals_end_with_their_last_day_and_with_the_scores(cast, snapshot):
    with pytest.raises(ValidationError):
        file_one(cast, snapshot, today=snapshot.appeals_until + timedelta(days=1))
    file_one(cast, snapshot, today=snapshot.appeals_until)
    snapshots.withdraw(snapshot=snapshot, why="期间取错", by=cast.leader)
    with pytest.raises(ValidationError):
        file_one(cast, snapshot, line="coverage")
    assert Appeal.objects.count() == 1


def test_only_the_unit_itself_appeals_against_lines_it_has_and_once(cast, snapshot):
    for other in (
        {"by": cast.outside_admin},
        {"unit": cast.bailu},
        {"line": "nothing"},
        {"line": "=solution"},
        {"statement": " "},
    ):
        with pytest.raises(ValidationError):
            file_one(cast, snapshot, **other)
    with pytest.raises(PermissionDenied):
        file_one(cast, snapshot, by=cast.district_office)
    file_one(cast, snapshot)
    with pytest.raises(ValidationError):
        file_one(cast, snapshot)
    assert Appeal.objects.count() == 1


def test_decision_is_taken_outside_the_unit(cast, snapshot):
    appeal = file_one(cast, snapshot)
    insider = make_user("A002", "许镇管", Role.TOWNSHIP_ADMIN, cast.qingxi)
    post = insider.memberships.get()
    post.grants = [Permission.SCORE_DECIDE.value]
    post.save()
    fields = {"granted": True, "decision": "属实", "points": D("0.5"), "carries": False}
    with pytest.raises(ValidationError):
        appeals.decide_appeal(appeal=appeal, by=insider, **fields)
    with pytest.raises(PermissionDenied):
        appeals.decide_appeal(appeal=appeal, by=cast.leader, **fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        Appeal.objects.filter(pk=appeal.pk).update(
            state="refused", decision="不予采纳", decided_at=timezone.now(), decided_by=insider, decided_in=cast.qingxi
        )
    appeal.refresh_from_db()
    assert appeal.state == "filed"


@pytest.mark.parametrize("points", [None, D(0), D("0.005"), D(101)])
def test_granting_needs_marks_with_two_decimals(cast, snapshot, points):
    appeal = file_one(cast, snapshot)
    with pytest.raises(ValidationError):
        appeals.decide_appeal(
            appeal=appeal, granted=True, decision="属实", points=points, carries=False, by=cast.supervisor
        )


def test_granted_appeal_tells_the_unit_and_leaves_the_published_scores_alone(cast, login, snapshot):
    appeal = file_one(cast, snapshot)
    client = login(cast.supervisor)
    url = reverse("reports:appeal_detail", args=[appeal.pk])
    assert client.post(url, {"outcome": "granted", "decision": "属实"}).status_code == 422
    assert client.post(url, {"outcome": "granted", "points": "0.80", "decision": "属实"}).status_code == 302
    appeal.refresh_from_db()
    assert (appeal.state, appeal.points, appeal.decided_by, appeal.decided_in) == (
        "granted",
        D("0.80"),
        cast.supervisor,
        cast.district,
    )
    told = Notification.objects.filter(key=f"appeal:{appeal.pk}:decided")
    assert [row.user for row in told] == [cast.township_admin]
    before = snapshot.result
    snapshot.refresh_from_db()
    assert snapshot.result == before
    assert client.post(url, {"outcome": "refused", "decision": "不"}).status_code == 422
    with pytest.raises(DatabaseError), transaction.atomic():
        Appeal.objects.filter(pk=appeal.pk).update(points=D(9))
    with pytest.raises(DatabaseError), transaction.atomic():
        Appeal.objects.filter(pk=appeal.pk).delete()


def test_revision_made_in_the_browser_shows_what_changed(cast, login, snapshot):
    appeal = file_one(cast, snapshot)
    appeals.decide_appeal(
        appeal=appeal, granted=True, decision="属实", points=D("0.80"), carries=False, by=cast.supervisor
    )
    office = login(cast.district_office)
    act = reverse("reports:snapshot_act", args=[snapshot.pk, "revise"])
    assert office.post(act).status_code == 422
    response = office.post(act, {"why": "采纳申诉"})
    revision = snapshot.revisions.get()
    assert response["Location"] == reverse("reports:snapshot_detail", args=[revision.pk])
    page = office.get(response["Location"])
    assert [(each["unit"]["name"], each["unit"]["total"]) for each in page.context["changes"]] == [("青溪镇", "50.8")]
    assert page.context["waits_for_another"] and not page.context["may_approve"]
    assert office.post(reverse("reports:snapshot_act", args=[revision.pk, "approve"])).status_code == 409
    leader = login(cast.leader)
    for name in ("approve", "publish"):
        assert leader.post(reverse("reports:snapshot_act", args=[revision.pk, name])).status_code == 302
    revision.refresh_from_db()
    assert revision.state == "published"


def test_appeals_show_to_the_unit_and_the_deciders_alone(cast, snapshot):
    appeal = file_one(cast, snapshot)
    for person in (cast.township_admin, cast.district_office, cast.supervisor, cast.leader):
        assert appeal in Appeal.objects.visible_to(person)
    for person in (cast.outside_admin, cast.village_clerk, cast.department_head, cast.publicity, cast.visitor):
        assert appeal not in Appeal.objects.visible_to(person)

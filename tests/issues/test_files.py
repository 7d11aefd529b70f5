from __future__ import annotations

import os
import time

import pytest
from django.core.exceptions import PermissionDenied

from issues import actions, files, tasks
from issues.models import Attachment
from outreach.models import AuditEvent
from tests.issues.chains import behind_the_program
from tests.issues.make import issue_at, move
from tests.issues.papers import pdf, upload
from tests.issues.test_attachments import picture

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def test_evidence_comes_with_its_step_and_papers_are_only_downloaded(cast, login):
    issue = issue_at(cast, "accepted")
    client = login(cast.department_handler)
    response = client.post(
        f"/issues/{issue.pk}/move/finish/",
        {
            "version": issue.version,
            "outcome": "solved",
            "note": "已修好",
            "evidence": [picture(), upload(pdf(), "验收.pdf")],
        },
    )
    assert response.status_code == 302
    photo, paper = Attachment.objects.order_by("pk")
    assert photo.event == paper.event == issue.events.get(move="finish") and paper.added_by == cast.department_handler
    answer = client.get(f"/issues/{issue.pk}/photos/{paper.pk}/")
    assert answer.content == pdf() and answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff" and "sandbox" in answer["Content-Security-Policy"]
    assert "验收.pdf" in client.get(f"/issues/{issue.pk}/").content.decode()
    assert login(cast.outside_handler).get(f"/issues/{issue.pk}/photos/{paper.pk}/").status_code == 404


def test_a_refused_file_refuses_the_step_and_keeps_what_was_typed(cast, login):
    issue = issue_at(cast, "accepted")
    bad = upload(b"<html><script>alert(1)</script></html>", "说明.pdf")
    values = {"version": issue.version, "outcome": "solved", "note": "已修好第三盏灯", "evidence": [bad]}
    response = login(cast.department_handler).post(f"/issues/{issue.pk}/move/finish/", values)
    assert response.status_code == 422 and "已修好第三盏灯" in response.content.decode()
    issue.refresh_from_db()
    assert issue.state == "accepted" and not Attachment.objects.exists()


def test_a_removed_file_is_out_of_sight_but_row_bytes_and_reason_stay(cast, login):
    issue = issue_at(cast, "accepted")
    move(issue, "progress", cast.department_handler, note="进展", evidence=[upload(pdf(), "旧.pdf")])
    paper = Attachment.objects.get()
    for person in (cast.department_head, cast.supervisor):
        with pytest.raises(PermissionDenied):
            actions.remove_file(attachment=paper, by=person, why="不该传")
    url = f"/issues/{issue.pk}/photos/{paper.pk}/"
    client = login(cast.department_handler)
    assert client.post(f"{url}remove/", {"why": ""}).status_code == 302
    paper.refresh_from_db()
    assert paper.removed_at is None, "a reason is needed"
    assert client.post(f"{url}remove/", {"why": "传错了"}).status_code == 302
    paper.refresh_from_db()
    assert (paper.removed_by, paper.removed_why) == (cast.department_handler, "传错了")
    assert issue.events.get(move="remove_file").detail == {"removed": [paper.sha256]}
    assert client.get(url).status_code == 404 and login(cast.supervisor).get(url).status_code == 200
    page = client.get(f"/issues/{issue.pk}/").content.decode()
    assert "传错了" in page and url not in page


def test_files_without_a_row_are_swept_after_a_day_and_rows_without_a_file_reported(cast, media):
    issue_at(cast, photos=[picture()])
    kept = media / Attachment.objects.get().file.name
    old, young = kept.parent / "old.jpg", kept.parent / "young.jpg"
    for path in (old, young):
        path.write_bytes(b"x")
    for path in (old, kept):
        os.utime(path, (time.time() - 90_000,) * 2)
    assert [name.rpartition("/")[2] for name in files.sweep_orphans()] == ["old.jpg"]
    assert kept.exists() and young.exists() and not old.exists()
    assert files.sweep_orphans() == [] and list(files.missing_files()) == []
    kept.unlink()
    assert [row.file.name for row in files.missing_files()] == [str(kept.relative_to(media))]


def test_the_nightly_proof_seals_and_where_it_fails_raises_the_alarm(cast, login):
    issue = issue_at(cast, "accepted")
    tasks.prove_histories()
    assert AuditEvent.objects.filter(action="issue.seal").count() == 1
    client = login(cast.district_office)
    assert "verify_issues" not in client.get("/issues/").content.decode()
    with behind_the_program() as cursor:
        cursor.execute("UPDATE issues_issueevent SET note = 'x' WHERE issue_id = %s AND seq = 2", [issue.pk])
    tasks.prove_histories()
    assert "verify_issues" in client.get("/issues/").content.decode()
    assert "verify_issues" not in login(cast.visitor).get("/issues/").content.decode()

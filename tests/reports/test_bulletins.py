"""Bulletins as records: who drafts, edits, issues, receives and reads them."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from docx import Document

from outreach.models import AuditEvent, Notification
from reports.actions import bulletins as actions
from reports.bulletins.content import SECTIONS, Rules
from reports.models import Bulletin, BulletinReceipt, BulletinSetup, BulletinVersion, Snapshot
from reports.tasks import offer_bulletins
from tests.reports.bulletin_scores import LAST, frozen

pytestmark = pytest.mark.django_db
RULES = {
    "lowest": "3",
    "overdue": "1",
    "fallen": "3",
    "coverage_floor": "60",
    "solution_floor": "",
    "content_floor": "",
}


def draft(cast, **more) -> Bulletin:
    snapshot = more.pop("snapshot", None) or frozen(cast, **more)
    return actions.draft_bulletin(
        snapshot=snapshot, kind="circular", rules=Rules(), requests="抓紧入户。\n抓紧办结。", by=cast.district_office
    )


def issued(cast, **more) -> Bulletin:
    made = draft(cast, **more)
    return actions.issue_bulletin(bulletin=made, version=made.version, by=cast.district_office)


def typed(bulletin, **other) -> dict:
    return {"version": bulletin.version, "title": bulletin.title, **bulletin.sections, **RULES, **other}


def url(name, bulletin) -> str:
    return reverse(f"reports:bulletin_{name}", args=[bulletin.pk])


def test_the_office_draws_a_bulletin_up_from_approved_scores(cast, login):
    before = frozen(cast, last=LAST - timedelta(days=7))
    snapshot = frozen(cast, state="approved")
    data = {"snapshot": snapshot.pk, "kind": "circular", "requests": "抓紧入户。\n抓紧办结。", **RULES}
    response = login(cast.district_office).post(reverse("reports:bulletin_new"), data)
    made = Bulletin.objects.get()
    assert response["Location"] == url("edit", made)
    assert (made.state, made.version, made.compared_with, made.created_by) == ("draft", 1, before, cast.district_office)
    assert "白鹭镇入户率41.57%（应访1210户、已访503户）" in made.sections["problems"]
    assert made.sections["demands"] == "（一）抓紧入户。\n（二）抓紧办结。"
    assert set(made.sections) == set(SECTIONS)
    assert made.versions.get().saved_by == cast.district_office
    assert AuditEvent.objects.filter(action="bulletin.draft").count() == 1


@pytest.mark.parametrize("state", ["draft", "withdrawn"])
def test_scores_nobody_approved_make_no_bulletin(cast, login, state):
    snapshot = frozen(cast, state="draft")
    if state == "withdrawn":
        Snapshot.objects.filter(pk=snapshot.pk).update(
            state=state, withdrawn_at=timezone.now(), withdrawn_by=cast.leader, withdrawn_why="错"
        )
    data = {"snapshot": snapshot.pk, "kind": "circular", "requests": "抓紧。", **RULES}
    assert login(cast.district_office).post(reverse("reports:bulletin_new"), data).status_code == 422
    assert not Bulletin.objects.exists()


def test_every_save_is_a_version_with_its_author(cast, login):
    made = draft(cast)
    client = login(cast.supervisor)
    response = client.post(url("edit", made), typed(made, overview="（一）走访入户。改写。"))
    assert response.status_code == 302
    made.refresh_from_db()
    assert (made.version, made.edited_by, made.sections["overview"]) == (2, cast.supervisor, "（一）走访入户。改写。")
    assert [(row.number, row.saved_by) for row in made.versions.all()] == [
        (2, cast.supervisor),
        (1, cast.district_office),
    ]
    client.post(url("edit", made), typed(made))  # the same again adds nothing
    assert made.versions.count() == 2


def test_two_who_edit_one_draft_are_told_and_lose_nothing(cast, login):
    made = draft(cast)
    mine = typed(made, demands="（一）我的要求。")
    login(cast.supervisor).post(url("edit", made), typed(made, demands="（一）别人的要求。"))
    response = login(cast.district_office).post(url("edit", made), mine)
    page = response.content.decode()
    assert response.status_code == 409 and "（一）我的要求。" in page and "（一）别人的要求。" in page
    made.refresh_from_db()
    assert made.sections["demands"] == "（一）别人的要求。"
    # having seen both, what was typed can be saved on top
    again = login(cast.district_office).post(url("edit", made), {**mine, "version": "2"})
    assert again.status_code == 302
    made.refresh_from_db()
    assert made.sections["demands"] == "（一）我的要求。" and made.version == 3


def test_the_third_part_is_written_anew_by_other_rules_and_not_saved(cast, login):
    made = draft(cast)
    data = typed(made, overview="改过的。", problems="手写的。", again="1", coverage_floor="90")
    response = login(cast.district_office).post(url("edit", made), data)
    page = response.content.decode()
    assert response.status_code == 200 and "低于90%" in page and "改过的。" in page and "手写的。" not in page
    made.refresh_from_db()
    assert made.version == 1


def test_the_preview_shows_what_is_typed_and_points_out_strange_numbers(cast, login):
    made = draft(cast)
    data = typed(made, overview="（一）走访入户。已访9999户。<script>", title="标题\x00")
    response = login(cast.district_office).post(url("preview", made), data)
    page = response.content.decode()
    assert "已访9999户" in page and "<script>" not in page and "9999</p>" in page
    made.refresh_from_db()
    assert made.version == 1


def test_an_issued_bulletin_keeps_its_file_and_tells_every_unit(cast, login, run_tasks):
    made = draft(cast)
    response = login(cast.district_office).post(url("issue", made), {"version": made.version})
    assert response.status_code == 302
    made.refresh_from_db()
    assert (made.state, made.issued_by) == ("issued", cast.district_office)
    with default_storage.open(f"bulletins/{made.sha256}") as file:
        assert hashlib.sha256(file.read()).hexdigest() == made.sha256
    assert {row.unit for row in made.receipts.all()} == {cast.qingxi, cast.bailu, cast.roads, cast.water}
    assert made.receipts.get(unit=cast.water).reasons == [
        "部分问题超期未办结：区水利局1件（问题编号439900-2026-00017）"
    ]
    told = Notification.objects.filter(kind="bulletin")
    assert {row.user for row in told} >= {cast.township_admin, cast.outside_admin, cast.department_head}
    assert all(made.heading in row.title for row in told)
    first = login(cast.district_office).post(url("download", made), {"part": "docx"}).content
    again = login(cast.township_admin).post(url("download", made), {"part": "docx"}).content
    assert first == again and hashlib.sha256(first).hexdigest() == made.sha256
    assert AuditEvent.objects.filter(action="bulletin.download").count() == 2


def test_what_was_issued_does_not_change(cast, login):
    made = issued(cast)
    response = login(cast.district_office).post(url("edit", made), typed(made, overview="改。"))
    assert response.status_code == 409 and "改。" in response.content.decode()
    for change in ({"title": "别的"}, {"sections": {}}, {"sha256": "0" * 64}, {"state": "draft"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Bulletin.objects.filter(pk=made.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Bulletin.objects.filter(pk=made.pk).delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        BulletinVersion.objects.update(title="别的")
    assert login(cast.district_office).post(url("issue", made), {"version": made.version}).status_code == 409
    assert login(cast.district_office).post(url("discard", made)).status_code == 409


def test_a_version_nobody_saw_is_not_issued(cast, login):
    made = draft(cast)
    login(cast.supervisor).post(url("edit", made), typed(made, overview="改。"))
    assert login(cast.district_office).post(url("issue", made), {"version": "1"}).status_code == 409
    made.refresh_from_db()
    assert made.is_draft and not made.receipts.exists()


def test_scores_withdrawn_since_stop_the_bulletin(cast, login):
    made = draft(cast)
    Snapshot.objects.update(
        state="withdrawn", withdrawn_at=timezone.now(), withdrawn_by=cast.leader, withdrawn_why="错"
    )
    assert login(cast.district_office).post(url("issue", made), {"version": made.version}).status_code == 422
    made.refresh_from_db()
    assert made.is_draft


def test_a_file_changed_on_the_disk_is_not_handed_out(cast, login):
    made = issued(cast)
    path = default_storage.path(f"bulletins/{made.sha256}")
    with open(path, "ab") as file:
        file.write(b"x")
    response = login(cast.district_office).post(url("download", made), {"part": "docx"})
    assert response.status_code == 409 and "text/html" in response["Content-Type"]
    default_storage.delete(f"bulletins/{made.sha256}")
    assert login(cast.district_office).post(url("download", made), {"part": "docx"}).status_code == 409


def test_a_unit_confirms_and_a_named_one_answers(cast, login):
    made = issued(cast)
    assert login(cast.township_admin).post(url("receive", made)).status_code == 302
    login(cast.township_admin).post(url("receive", made))
    row = made.receipts.get(unit=cast.qingxi)
    assert row.received_by == cast.township_admin
    answer = {"answer": "已约谈\x00承办人，三日内办结。"}
    response = login(cast.outside_handler).post(url("answer", made), {"answer": "已约谈承办人，三日内办结。"})
    assert response.status_code == 302
    row = made.receipts.get(unit=cast.water)
    assert (row.answered_by, row.answer) == (cast.outside_handler, "已约谈承办人，三日内办结。")
    assert row.received_by == cast.outside_handler
    assert login(cast.outside_handler).post(url("answer", made), {"answer": "再说。"}).status_code == 409
    assert login(cast.outside_handler).post(url("answer", made), answer).status_code == 422
    assert login(cast.township_admin).post(url("answer", made), {"answer": "没被点名。"}).status_code == 403
    page = login(cast.district_office).get(url("detail", made)).content.decode()
    assert "已约谈承办人，三日内办结。" in page and "2" in page


def test_who_was_not_sent_it_confirms_nothing(cast, login):
    made = issued(cast)
    for user in (cast.village_clerk, cast.leader, cast.publicity):
        assert login(user).post(url("receive", made)).status_code == 403
    assert not BulletinReceipt.objects.exclude(received_at=None).exists()


def test_a_withdrawn_bulletin_stays_readable_and_says_why(cast, login):
    made = issued(cast)
    client = login(cast.district_office)
    assert client.post(url("withdraw", made), {"why": " "}).status_code == 422
    assert client.post(url("withdraw", made), {"why": "数据有误"}).status_code == 302
    made.refresh_from_db()
    assert (made.state, made.withdrawn_why) == ("withdrawn", "数据有误")
    assert "数据有误" in login(cast.township_admin).get(url("detail", made)).content.decode()
    assert login(cast.township_admin).post(url("receive", made)).status_code == 403
    assert client.post(url("withdraw", made), {"why": "再撤"}).status_code == 409
    assert Notification.objects.filter(kind="bulletin", user=cast.township_admin).count() == 2


def test_drafts_show_to_those_who_write_them_alone(cast, login):
    made = draft(cast)
    for user in (cast.township_admin, cast.leader, cast.publicity, cast.department_head):
        assert login(user).get(url("detail", made)).status_code == 404
        assert made.heading not in login(user).get(reverse("reports:bulletins") + "?tab=draft").content.decode()
    assert login(cast.supervisor).get(url("detail", made)).status_code == 200
    assert login(cast.township_admin).get(url("edit", made)).status_code == 403


def test_the_beat_offers_a_draft_once_and_sends_nothing(cast):
    snapshot = frozen(cast, kind="daily", state="approved", last=timezone.localdate() - timedelta(days=1))
    frozen(cast, kind="weekly", state="draft", last=timezone.localdate() - timedelta(days=2))
    frozen(cast, kind="weekly", state="published", last=timezone.localdate() - timedelta(days=30))
    frozen(cast, kind="manual", state="published", last=timezone.localdate() - timedelta(days=2))
    offer_bulletins()
    offer_bulletins()
    made = Bulletin.objects.get()
    assert (made.snapshot, made.kind, made.state, made.created_by) == (snapshot, "daily", "draft", None)
    assert not Notification.objects.exists() and not made.receipts.exists()
    actions.discard_bulletin(bulletin=made, by=cast.district_office)
    offer_bulletins()
    assert Bulletin.objects.get().state == "discarded"
    assert not Bulletin.objects.visible_to(cast.district_office).exists()


def test_new_bulletins_begin_with_the_district_s_own_requests_and_rules(cast, login):
    client, page = login(cast.district_office), reverse("reports:bulletin_setup")
    data = {**RULES, "version": "0", "requests": "第一条。\n\n第二条。", "lowest": "0"}
    assert client.post(page, data).status_code == 302
    setup = BulletinSetup.objects.get()
    assert (setup.requests, setup.rules["lowest"], setup.saved_by) == ("第一条。\n第二条。", 0, cast.district_office)
    response = client.post(page, {**data, "requests": "我的。"})
    assert response.status_code == 409 and "我的。" in response.content.decode()
    frozen(cast)
    new = client.get(reverse("reports:bulletin_new")).content.decode()
    assert "第一条。\n第二条。" in new


def test_hostile_text_goes_through_editor_and_file(cast, login):
    made = draft(cast)
    evil = "=1+1\u202e<script>alert(1)</script>\x07" + "长" * 3000
    response = login(cast.district_office).post(
        url("edit", made), typed(made, overview=evil, title="=cmd|' /C calc'!A0")
    )
    assert response.status_code == 302
    made.refresh_from_db()
    assert "\u202e" not in made.sections["overview"] and "\x07" not in made.sections["overview"]
    page = login(cast.district_office).get(url("detail", made)).content.decode()
    assert "<script>alert" not in page
    content = login(cast.district_office).post(url("download", made), {"part": "docx"}).content
    assert any("<script>alert(1)" in row.text for row in Document(io.BytesIO(content)).paragraphs)
    assert login(cast.district_office).post(url("download", made), {"part": "exe"}).status_code == 404


def test_a_bulletin_names_no_person(cast, login):
    made = issued(cast)
    content = login(cast.leader).post(url("download", made), {"part": "docx"}).content
    document = Document(io.BytesIO(content))
    text = "\n".join(row.text for row in document.paragraphs)
    text += "\n".join(cell.text for table in document.tables for cell in table._cells)
    assert not [user.name for user in cast.people().values() if user.name in text]
    assert document.core_properties.author == ""


def test_the_list_costs_the_same_for_one_bulletin_and_for_many(cast, login):
    client, page = login(cast.township_admin), reverse("reports:bulletins")
    snapshot = frozen(cast)
    issued(cast, snapshot=snapshot)
    client.get(page)
    with CaptureQueriesContext(
        connection,
    ) as one:
        client.get(page)
    for _number in range(5):
        issued(cast, snapshot=snapshot)
    with CaptureQueriesContext(connection) as many:
        assert client.get(page).content.decode().count("<tr>") == 7
    assert len(many) == len(one)

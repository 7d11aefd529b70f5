"""Disputes: the record of the mediation, who reads it, what it takes to call one solved, and whether it is kept."""

from __future__ import annotations

import io
from datetime import timedelta

import docx
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from issues.actions import disputes
from issues.models import DisputeParty, Issue, Mediation, MediationSession, Risk
from outreach.models import AuditEvent, Notification, Unit
from tests.issues.make import issue_at, move

pytestmark = pytest.mark.django_db


def dispute(cast, state="accepted", **fields) -> Issue:
    return issue_at(cast, state, **{"kind": "dispute", "text": "两家争地界", **fields})


def add_parties(issue, by) -> None:
    for side, name in (("applicant", "张甲方"), ("respondent", "李乙方")):
        disputes.add_party(issue=issue, by=by, side=side, name=name, contact="13900001111", household=None)


def hold_session(issue, by, **fields) -> MediationSession:
    values = {
        "held_at": timezone.now() - timedelta(hours=2),
        "place": "村部",
        "mediators": "赵村官",
        "attended": "双方当事人",
        "said": "双方愿意各退一尺",
        "result": "agreed",
    }
    return disputes.record_session(issue=issue, by=by, **{**values, **fields})


def agree(issue, by, **fields) -> Mediation:
    today = timezone.localdate()
    values = {"agreement": "各退一尺，立界石", "agreed_on": today, "signed_by": "张甲方、李乙方", "perform_by": today}
    return disputes.record_agreement(issue=issue, by=by, **{**values, **fields})


def settled(cast, **fields) -> Issue:
    issue = dispute(cast)
    add_parties(issue, cast.department_handler)
    hold_session(issue, cast.department_handler)
    agree(issue, cast.department_handler, **fields)
    return issue


def test_a_dispute_without_an_agreement_is_not_solved(cast):
    issue = dispute(cast)
    with pytest.raises(ValidationError) as refused:
        move(issue, "finish", cast.department_handler, note="调解好了", outcome="solved")
    assert set(refused.value.message_dict) == {"outcome"}
    issue.refresh_from_db()
    assert issue.state == "accepted"


def test_it_may_still_end_unsolved(cast):
    issue = dispute(cast)
    done = move(issue, "finish", cast.department_handler, note="不愿调解", outcome="not_accepted", solvability="policy")
    assert (done.state, done.outcome) == ("done", "not_accepted")


def test_with_an_agreement_it_is_solved(cast):
    issue = settled(cast)
    assert move(issue, "finish", cast.department_handler, note="已达成协议", outcome="solved").state == "done"


def test_other_kinds_need_no_agreement(cast):
    issue = issue_at(cast, "accepted")
    assert move(issue, "finish", cast.department_handler, note="修好了", outcome="solved").state == "done"


def test_an_agreement_needs_both_parties_and_a_session(cast):
    issue = dispute(cast)
    with pytest.raises(ValidationError):
        agree(issue, cast.department_handler)
    add_parties(issue, cast.department_handler)
    with pytest.raises(ValidationError):
        agree(issue, cast.department_handler)
    hold_session(issue, cast.department_handler)
    tomorrow = timezone.localdate() + timedelta(days=1)
    for wrong in ({"agreed_on": tomorrow}, {"perform_by": timezone.localdate() - timedelta(days=1)}):
        with pytest.raises(ValidationError):
            agree(issue, cast.department_handler, **wrong)
    assert not Mediation.objects.exclude(agreement="").exists()
    assert agree(issue, cast.department_handler).has_agreement


def test_a_session_to_come_is_not_recorded(cast):
    issue = dispute(cast)
    with pytest.raises(ValidationError):
        hold_session(issue, cast.department_handler, held_at=timezone.now() + timedelta(hours=1))
    assert not MediationSession.objects.exists()


def test_high_risk_needs_its_signs_and_shows_in_words_to_the_supervisor(cast, login):
    issue = dispute(cast)
    with pytest.raises(ValidationError):
        disputes.rate_risk(issue=issue, risk=Risk.HIGH, note=" ", by=cast.department_handler)
    disputes.rate_risk(issue=issue, risk=Risk.HIGH, note="扬言动刀", by=cast.village_clerk)
    page = login(cast.supervisor).get(f"{reverse('issues:disputes')}?tab=high").content.decode()
    assert issue.number in page and "高风险" in page
    assert "高风险" in login(cast.supervisor).get(reverse("issues:detail", args=[issue.pk])).content.decode()
    [event] = issue.events.filter(move="risk")
    assert (event.by, "扬言" in event.note) == (cast.village_clerk, False)


def test_the_place_s_mediators_write_too_and_strangers_do_not(cast):
    issue = dispute(cast)
    hold_session(issue, cast.village_clerk)
    hold_session(issue, cast.township_admin)
    for stranger in (cast.outside_handler, cast.outside_admin, cast.supervisor, cast.leader, cast.visitor):
        with pytest.raises(PermissionDenied):
            hold_session(issue, stranger)
    assert issue.sessions.count() == 2


def test_who_may_not_know_the_resident_sees_no_word_of_the_parties(cast, login):
    issue = settled(cast)
    disputes.rate_risk(issue=issue, risk=Risk.HIGH, note="扬言动刀", by=cast.department_handler)
    url = reverse("issues:dispute_detail", args=[issue.pk])
    words = ("张甲方", "各退一尺，立界石", "双方愿意各退一尺", "扬言动刀", "13900001111")
    page = login(cast.department_handler).get(url).content.decode()
    assert [word for word in words if word not in page] == []
    # a department above the office that holds it sees the issue, and not whose it is
    office = Unit.objects.create(code="439900D0801", name="路政所", kind="department", parent=cast.roads, sort_order=99)
    Issue.objects.filter(pk=issue.pk).update(unit=office)
    above = login(cast.department_head)
    page = above.get(url).content.decode()
    assert [word for word in words if word in page] == []
    assert "高风险" in page
    page = above.get(reverse("issues:detail", args=[issue.pk])).content.decode()
    assert [word for word in words if word in page] == []
    paper = above.post(reverse("issues:dispute_paper", args=[issue.pk, "agreement"]))
    assert paper.status_code == 403
    assert login(cast.outside_admin).get(url).status_code == 404


def test_history_says_that_there_was_a_session_and_not_what_was_said(cast):
    issue = settled(cast)
    disputes.record_performance(issue=issue, by=cast.village_clerk, is_performed=True, note="界石已立，双方在场")
    notes = "".join(issue.events.values_list("note", flat=True))
    assert list(
        issue.events.filter(move__in=["session", "agreement", "performance"]).values_list("move", flat=True)
    ) == [
        "session",
        "agreement",
        "performance",
    ]
    for word in ("各退一尺", "张甲方", "界石"):
        assert word not in notes


def test_performance_is_followed_up_after_sign_off_too(cast, login):
    today = timezone.localdate()
    issue = settled(cast, perform_by=today)
    issue = move(issue, "finish", cast.department_handler, note="已达成协议", outcome="solved")
    assert [row.issue for row in Mediation.objects.performance_due(today)] == [issue]
    assert not Mediation.objects.performance_due(today - timedelta(days=1)).exists()
    page = login(cast.supervisor).get(f"{reverse('issues:disputes')}?tab=due").content.decode()
    assert issue.number in page and "今日应履行" in page
    with pytest.raises(ValidationError):
        disputes.record_performance(issue=issue, by=cast.supervisor, is_performed=False, note="")
    disputes.record_performance(issue=issue, by=cast.supervisor, is_performed=False, note="未立界石，再次约谈")
    assert not Mediation.objects.performance_due(today).exists()
    page = login(cast.supervisor).get(f"{reverse('issues:disputes')}?tab=broken").content.decode()
    assert issue.number in page


def test_a_party_goes_only_before_the_agreement(cast, login):
    issue = dispute(cast)
    add_parties(issue, cast.department_handler)
    party = issue.parties.first()
    client = login(cast.department_handler)
    url = reverse("issues:dispute_party_remove", args=[issue.pk, party.pk])
    assert client.post(url).status_code == 302
    assert issue.parties.count() == 1
    disputes.add_party(issue=issue, by=cast.department_handler, side="other", name="王", contact="", household=None)
    hold_session(issue, cast.department_handler)
    agree(issue, cast.department_handler)
    left = issue.parties.first()
    client.post(reverse("issues:dispute_party_remove", args=[issue.pk, left.pk]))
    assert issue.parties.count() == 2
    elsewhere = DisputeParty.objects.create(issue=dispute(cast), side="other", name="外", added_by=cast.visitor)
    assert client.post(reverse("issues:dispute_party_remove", args=[issue.pk, elsewhere.pk])).status_code == 404


def test_the_papers_hold_what_was_recorded_and_blanks_for_the_rest(cast, login):
    issue = settled(cast)
    client = login(cast.department_handler)
    for paper, words in (
        ("agreement", ["代拟稿", "人民调解协议书", "张甲方", "李乙方", "各退一尺，立界石", "身份证号：＿"]),
        ("record", ["代拟稿", "人民调解记录", "双方愿意各退一尺", "赵村官", "达成协议"]),
    ):
        response = client.post(reverse("issues:dispute_paper", args=[issue.pk, paper]))
        assert response.status_code == 200
        text = "\n".join(row.text for row in docx.Document(io.BytesIO(response.content)).paragraphs)
        assert [word for word in words if word not in text] == []
    assert AuditEvent.objects.filter(action="issue.mediation_paper", actor_id=cast.department_handler.pk).count() == 2
    assert client.post(reverse("issues:dispute_paper", args=[issue.pk, "nonsense"])).status_code == 404


def test_the_forms_write_the_record_and_keep_what_was_refused(cast, login):
    issue = dispute(cast)
    client = login(cast.department_handler)

    def write(part, **values):
        return client.post(reverse("issues:dispute_write", args=[issue.pk, part]), values)

    assert write("risk", risk="medium", note="").status_code == 302
    assert write("party", side="applicant", name="张甲方").status_code == 302
    assert write("party", side="respondent", name="李乙方").status_code == 302
    told = {"mediators": "赵", "attended": "双", "said": "谈"}
    refused = write("session", held_at="2999-01-01T10:00", place="村部大院", result="again", **told)
    assert refused.status_code == 422 and "村部大院" in refused.content.decode()
    held = timezone.localtime() - timedelta(hours=1)
    recorded = write("session", held_at=f"{held:%Y-%m-%dT%H:%M}", place="村部", result="agreed", **told)
    assert recorded.status_code == 302
    day = timezone.localdate().isoformat()
    assert write("agreement", agreement="各退一尺", agreed_on=day, signed_by="双方", perform_by=day).status_code == 302
    assert write("performance", is_performed="yes", note="").status_code == 302
    mediation = Mediation.objects.get(issue=issue)
    assert (mediation.risk, mediation.agreement, mediation.is_performed) == ("medium", "各退一尺", True)
    assert client.get(reverse("issues:dispute_detail", args=[issue.pk])).status_code == 200
    assert write("nonsense").status_code == 404
    assert login(cast.leader).post(reverse("issues:dispute_write", args=[issue.pk, "session"])).status_code == 403


def test_an_issue_of_another_kind_has_no_mediation(cast, login):
    issue = issue_at(cast, "accepted")
    assert login(cast.department_handler).get(reverse("issues:dispute_detail", args=[issue.pk])).status_code == 404


def test_the_database_refuses_an_agreement_without_a_day_or_signature(cast):
    mediation = Mediation.objects.create(issue=dispute(cast))
    for wrong in ({"agreement": "协议"}, {"signed_by": "双方"}, {"is_performed": True}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Mediation.objects.filter(pk=mediation.pk).update(**wrong)


def test_the_list_costs_the_same_for_one_dispute_and_for_ten(cast, login, connection_queries):
    client = login(cast.supervisor)
    settled(cast)
    url = f"{reverse('issues:disputes')}?tab=all"
    client.get(url)
    one = connection_queries(lambda: client.get(url))
    for _number in range(9):
        settled(cast)
    assert connection_queries(lambda: client.get(url)) == one


@pytest.mark.parametrize("query", ["tab=nonsense", "page=abc", "tab=%00&page=" + "9" * 40])
def test_junk_in_the_query_is_no_fault(cast, login, query):
    assert login(cast.supervisor).get(f"{reverse('issues:disputes')}?{query}").status_code == 200


def test_high_risk_is_told_to_township_and_office_once_and_marks_the_ledger_s_row(cast, login):
    issue = dispute(cast)
    badge, ledger = "icons.svg#flame", reverse("issues:list") + "?state=open"
    client = login(cast.township_admin)
    assert badge not in client.get(ledger).content.decode()
    for note in ("扬言报复", "已持刀"):
        disputes.rate_risk(issue=issue, risk=Risk.HIGH, note=note, by=cast.village_clerk)
    told = Notification.objects.filter(kind="issue.risk")
    assert {row.user for row in told} == {cast.township_admin, cast.district_office}
    assert told.count() == 2 and all(row.is_urgent for row in told)
    assert not any("扬言" in row.title + row.text or "争地界" in row.title + row.text for row in told)
    assert client.get(told[0].url).status_code == 200
    assert badge in client.get(ledger).content.decode()
    disputes.rate_risk(issue=issue, risk=Risk.LOW, note="", by=cast.village_clerk)
    assert badge not in client.get(ledger).content.decode()

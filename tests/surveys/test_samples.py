"""Samples and the phone desk: drawn once and replayable, one case at a time, and no way from a case to its answers."""

from __future__ import annotations

import io
import json
import re
import threading
import uuid
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone
from openpyxl import Workbook

from households.models import Household, Resident
from issues.models import Category, Issue
from outreach.models import AuditEvent
from surveys import calls
from surveys.actions import asking, calling, drawing
from surveys.actions.drawing import Wanted
from surveys.models import CallAttempt, CallResult, CallTally, Draw, Drawn, Receipt, Response, SampleList, Waiting
from tests.surveys.make import NOT_SAFE, SAFE, open_round
from visits.actions import wishes
from visits.models import FollowUp

pytestmark = pytest.mark.django_db
STRATIFIED = Wanted(method="stratified", source="roster", size=12)


def make_households(cast, each: int = 10) -> None:
    for village in (cast.shiqiao, cast.liutang, cast.luzhou):
        for number in range(each):
            house = Household.objects.create(
                village=village,
                number=str(number),
                head_name=f"张{number}",
                phone=f"139{village.code[-5:]}{number:03d}",
            )
            Resident.objects.create(
                household=house, name=f"张{number}", relation="01", birth_on=date(1970, 3, 1), phone="13811110000"
            )
            Resident.objects.create(household=house, name=f"李{number}", relation="10", birth_on=date(1972, 9, 1))


@pytest.fixture
def sample(cast):
    make_households(cast)
    survey_round = open_round(cast)
    return drawing.draw_sample(survey_round=survey_round, wanted=STRATIFIED, by=cast.district_office, seed="2026")


def lease(draw, by):
    return calling.next_case(survey_round=draw.round, by=by)


def answer(by, given=SAFE, number=None):
    calling.take_call(number=number or uuid.uuid4(), given=given, by=by)
    return wishes.end_call(by=by, wish=None)


# ---- drawing


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(method="simple", source="roster", size=7),
        STRATIFIED,
        Wanted(method="stratified", source="roster", size=8, equal=True),
        Wanted(method="clusters", source="roster", clusters=2, members=4),
    ],
)
def test_a_sample_is_the_same_when_drawn_again_though_the_roster_has_changed(cast, wanted):
    make_households(cast)
    draw = drawing.draw_sample(survey_round=open_round(cast), wanted=wanted, by=cast.district_office)
    assert draw.frame_size == 30
    assert draw.drawn.count() == (wanted.size or 8)
    Household.objects.filter(village=cast.shiqiao).delete()
    assert drawing.replay(draw) == []
    call_command("replay_draws", check=True, stdout=io.StringIO())
    assert AuditEvent.objects.filter(action="draw.make").count() == 1


def test_a_draw_that_does_not_agree_is_told_and_nothing_of_it_can_be_changed(cast, sample):
    for row in (sample, sample.drawn.first(), sample.frame):
        with pytest.raises(DatabaseError, match="kept as it is"), transaction.atomic():
            type(row).objects.filter(pk=row.pk)._raw_delete("default")
    for model, change in ((Draw, {"seed": "other"}), (Drawn, {"probability": 0.5}), (Drawn, {"stratum": "x"})):
        with pytest.raises(DatabaseError, match="kept as it is"), transaction.atomic():
            model.objects.update(**change)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE surveys_draw DISABLE TRIGGER USER")
        cursor.execute("UPDATE surveys_draw SET seed = 'forged'")
        cursor.execute("ALTER TABLE surveys_draw ENABLE TRIGGER USER")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("replay_draws", check=True, stdout=out)
    assert "would be drawn that were not" in out.getvalue()


def test_a_sample_is_drawn_once_by_the_office_alone_and_only_from_what_there_is(cast, sample):
    with pytest.raises(ValidationError, match=r"once|一次"):
        drawing.draw_sample(survey_round=sample.round, wanted=STRATIFIED, by=cast.district_office)
    other = open_round(cast, version=sample.round.version, name="第二轮")
    with pytest.raises(PermissionDenied):
        drawing.draw_sample(survey_round=other, wanted=STRATIFIED, by=cast.supervisor)
    for wanted in (Wanted(method="simple", source="roster", size=31), Wanted(method="simple", source="list", size=1)):
        with pytest.raises(ValidationError):
            drawing.draw_sample(survey_round=other, wanted=wanted, by=cast.district_office)
    assert Draw.objects.count() == 1


def test_who_asked_not_to_be_visited_and_other_places_are_not_drawn_from(cast):
    make_households(cast)
    Household.objects.filter(village=cast.shiqiao).update(
        do_not_visit_at=timezone.now(), do_not_visit_by=cast.district_office.pk, do_not_visit_reason="不便"
    )
    silent = Household.objects.filter(village=cast.liutang, number="0").get()
    Household.objects.filter(pk=silent.pk).update(phone="")
    silent.residents.update(phone="")
    wanted = Wanted(method="simple", source="roster", size=9, areas=(cast.qingxi.code,), only_with_phone=True)
    frame = drawing.frame_of(open_round(cast), wanted)
    assert frame.by_stratum() == {cast.qingxi.code: 9}


def workbook(rows) -> SimpleUploadedFile:
    book, content = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(content)
    return SimpleUploadedFile("名单.xlsx", content.getvalue())


LIST = [
    ["电话测评名单", "", "", ""],
    ["姓名", "镇街", "村", "联系电话"],
    ["王一", "青溪镇", "石桥村", "13900001111"],
    ["王二", "青溪镇", "", "13900002222、13900003333"],
    ["王三", "白鹭镇", "石桥村", "13900004444"],
    ["王四", "白鹭镇", "鹭洲村", "不详"],
    ["王五", "青溪镇", "柳塘村", "13900001111"],
]


def test_a_list_is_checked_row_by_row_sealed_and_forgotten_after_the_round(cast, login):
    survey_round = open_round(cast)
    client = login(cast.district_office)
    response = client.post(
        reverse("surveys:round_sample_list", args=[survey_round.pk]), {"file": workbook(LIST)}, follow=True
    )
    kept = SampleList.objects.get()
    assert (kept.row_count, [row for row, _text in kept.faults]) == (2, [5, 6, 7])
    assert "13900001111" not in kept.sealed and "13900001111" not in response.content.decode()
    assert response.status_code == 200
    draw = drawing.draw_sample(
        survey_round=survey_round, wanted=Wanted("simple", "list", size=2), by=cast.district_office
    )
    kept.refresh_from_db()
    assert kept.sealed == ""
    case = lease(draw, cast.supervisor)
    contact = calling.contact_of(case, timezone.localdate())
    assert contact.name in ("王一", "王二") and contact.phones[0].startswith("1390000")
    assert not any("1390000" in one.contact for one in Drawn.objects.all())
    asking.close_round(survey_round=survey_round, by=cast.district_office)
    calling.forget_contacts()
    assert set(Drawn.objects.values_list("contact", "leased_by")) == {("", None)}
    assert drawing.replay(draw) == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"%PDF-1.4", "没有表头".encode()])
def test_a_file_that_is_no_list_is_refused_with_a_sentence(cast, login, content):
    url = reverse("surveys:round_sample_list", args=[open_round(cast).pk])
    response = login(cast.district_office).post(url, {"file": SimpleUploadedFile("x.xlsx", content)})
    assert response.status_code in (302, 422)
    assert not SampleList.objects.filter(row_count__gt=0).exists()


def test_the_office_tries_first_then_draws_and_sees_townships_only(cast, login):
    make_households(cast)
    survey_round = open_round(cast)
    client, url = login(cast.district_office), reverse("surveys:round_draw", args=[survey_round.pk])
    form = {"source": "roster", "method": "stratified", "size": "12"}
    assert "30" in client.post(url, form).content.decode()
    assert not Draw.objects.exists()
    assert client.post(url, form | {"draw": "1", "seed": "abc"}).status_code == 302
    page = client.get(url).content.decode()
    assert Draw.objects.get().seed == "abc" and "青溪镇" in page
    assert "石桥村" not in page and "张" not in re.sub(r"<header.*?</header>", "", page, flags=re.S)
    assert client.post(url, form | {"draw": "1"}).status_code == 302 and Draw.objects.count() == 1


# ---- calling


def test_two_callers_never_get_the_same_case_and_a_caller_holds_one(cast, sample):
    mine, other = lease(sample, cast.supervisor), lease(sample, cast.district_office)
    assert mine.pk != other.pk
    assert lease(sample, cast.supervisor).pk == mine.pk
    assert list(Drawn.objects.visible_to(cast.supervisor)) == [mine]
    calling.give_back(by=cast.supervisor)
    assert not Drawn.objects.visible_to(cast.supervisor).exists()
    Drawn.objects.filter(pk=other.pk).update(leased_until=timezone.now() - timedelta(minutes=1))
    with pytest.raises(ValidationError):
        calling.give_back(by=cast.district_office)


@pytest.mark.django_db(transaction=True)
def test_callers_at_the_same_moment_get_different_cases(cast):
    make_households(cast)
    draw = drawing.draw_sample(survey_round=open_round(cast), wanted=STRATIFIED, by=cast.district_office)
    got, gate = [], threading.Barrier(2)

    def take(user):
        gate.wait()
        got.append(lease(draw, user).pk)
        connection.close()

    threads = [threading.Thread(target=take, args=(user,)) for user in (cast.supervisor, cast.district_office)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 2


def test_townships_and_villages_learn_nothing_of_a_sample(cast, sample, login):
    for user in (cast.township_admin, cast.village_clerk, cast.visitor):
        assert not Draw.objects.visible_to(user).exists()
        for name in ("calls:desk", "calls:current"):
            assert login(user).get(reverse(name)).status_code == 403
        post = user.post
        post.grants = ["survey.call"]
        post.save()
        assert not Draw.objects.visible_to(user).exists()


def test_results_lead_to_another_call_or_to_the_end(cast, sample):
    case = lease(sample, cast.supervisor)
    assert not calling.record_call(result="3.13", phone_number=1, by=cast.supervisor)
    case.refresh_from_db()
    assert (case.state, case.calls, case.leased_by) == ("open", 1, None) and case.call_after > timezone.now()
    assert lease(sample, cast.supervisor).pk != case.pk
    soon = timezone.now() + timedelta(hours=1)
    with pytest.raises(ValidationError):
        calling.record_call(result="2.21", phone_number=1, by=cast.supervisor)
    assert not calling.record_call(result="2.21", phone_number=1, by=cast.supervisor, call_again_at=soon)
    promised = Drawn.objects.get(has_appointment=True)
    Drawn.objects.filter(pk=promised.pk).update(call_after=timezone.now())
    assert lease(sample, cast.supervisor).pk == promised.pk
    assert calling.record_call(result="2.11", phone_number=1, by=cast.supervisor)
    promised.refresh_from_db()
    assert promised.state == "over"
    assert CallTally.objects.get().result == CallResult.REFUSED


def test_a_case_is_over_after_five_calls_or_when_no_number_is_in_service(cast, sample):
    case = lease(sample, cast.supervisor)
    for number in range(1, 6):
        assert lease(sample, cast.supervisor).pk == case.pk
        assert calling.record_call(result="3.12", phone_number=1, by=cast.supervisor) == (number == 5)
        Drawn.objects.exclude(pk=case.pk).filter(state="open").update(call_after=timezone.now() + timedelta(days=1))
        Drawn.objects.filter(pk=case.pk, state="open").update(call_after=timezone.now())
    Drawn.objects.filter(state="open").update(call_after=timezone.now())
    second = lease(sample, cast.supervisor)
    assert calling.contact_of(second, timezone.localdate()).phones[1] == "13811110000"
    assert not calling.record_call(result="4.32", phone_number=1, by=cast.supervisor)
    assert lease(sample, cast.supervisor).pk  # another one may come first; take the second again
    calling.give_back(by=cast.supervisor)
    Drawn.objects.exclude(pk=second.pk).filter(state="open").update(call_after=timezone.now() + timedelta(days=1))
    assert lease(sample, cast.supervisor).pk == second.pk
    assert calling.record_call(result="4.32", phone_number=2, by=cast.supervisor)
    assert calling.counts_by_result(sample) == {"3.12": 1, "4.32": 1}


def test_the_next_birthday_chooses_only_where_all_adults_birthdays_are_known(cast, sample):
    case = lease(sample, cast.supervisor)
    assert calling.contact_of(case, date(2026, 4, 1)).person.startswith("李")
    assert calling.contact_of(case, date(2026, 1, 1)).person.startswith("张")
    case.household.residents.filter(relation="10").update(birth_on=None)
    assert calling.contact_of(case, date(2026, 4, 1)).person == ""


def test_rates_follow_the_standard_definitions():
    counts = {"1.0": 50, "2.11": 20, "2.21": 5, "2.32": 5, "3.13": 20, "4.32": 20}
    found = calls.outcome(counts, still_open=7)
    assert (found.over, found.eligible, found.open) == (120, 80, 7)
    assert found.rr1 == pytest.approx(0.5)
    assert found.rr3 == pytest.approx(50 / (80 + 0.8 * 20))
    assert found.cooperation == pytest.approx(50 / 75)
    assert found.contact == pytest.approx(75 / 100)
    assert calls.outcome({}, 3).rr1 is None


def test_answers_carry_how_the_case_was_drawn_and_the_case_only_that_it_is_over(cast, sample):
    case = lease(sample, cast.supervisor)
    answer(cast.supervisor)
    kept = Waiting.objects.get()
    assert (kept.channel, kept.is_assisted, kept.stratum, kept.cluster) == ("phone", True, case.stratum, "")
    assert kept.weight == pytest.approx(1 / case.probability)
    case.refresh_from_db()
    assert (case.state, case.calls, case.leased_by, case.leased_until) == ("over", 0, None, None)
    assert not CallAttempt.objects.exists()
    assert CallTally.objects.get().count == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_stored_leads_from_a_case_to_its_answers(cast):
    """An attacker with the whole database: which of the cases that are over answered, and what?"""
    make_households(cast, each=20)
    draw = drawing.draw_sample(
        survey_round=open_round(cast), wanted=Wanted("stratified", "roster", size=30), by=cast.district_office
    )
    audited = AuditEvent.objects.count()
    answered = []
    for position in range(24):
        case = lease(draw, cast.supervisor)
        if position % 4 == 3:
            calling.record_call(result="2.11", phone_number=1, by=cast.supervisor)
        else:
            answered.append(case.pk)
            answer(cast.supervisor, SAFE if position % 2 else NOT_SAFE)
    asking.store_all_waiting()
    asking.close_round(survey_round=draw.round, by=cast.district_office)
    # those that answered and those that refused look alike
    rows = Drawn.objects.filter(state="over").values(
        "calls", "call_after", "has_appointment", "leased_by", "leased_until", "contact", "pk"
    )
    assert len(rows) == 24
    alike = {tuple(value for name, value in row.items() if name not in ("pk", "call_after")) for row in rows}
    assert len(alike) == 1
    # no table holds the key of a response, and no response shares a transaction with a case
    keys = [str(key) for key in Response.objects.values_list("pk", flat=True)]
    assert len(keys) == 18
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT xmin::text FROM surveys_response")
        stored = {row[0] for row in cursor.fetchall()}
        for table in ("surveys_drawn", "surveys_calltally", "surveys_callattempt", "surveys_receipt"):
            cursor.execute(f"SELECT DISTINCT xmin::text FROM {table}")
            assert not stored & {row[0] for row in cursor.fetchall()}, table
            cursor.execute(f"SELECT t::text FROM {table} t")
            text = " ".join(row[0] for row in cursor.fetchall())
            assert not any(key in text for key in keys), table
    # calling leaves no trail in the audit
    assert AuditEvent.objects.count() == audited + 1  # the end of the round
    # the order of storing is not that of calling
    assert Response.objects.filter(household__isnull=False).count() == 0
    assert Receipt.objects.count() == 18


def test_the_addresses_of_the_desk_name_no_case():
    from visits.call_urls import urlpatterns

    arguments = {name: sorted(entry.pattern.converters) for entry in urlpatterns if (name := entry.name)}
    assert {name: found for name, found in arguments.items() if found} == {"round_next": ["pk"]}


# ---- the pages


def post_answers(client, **sending):
    body = {"number": str(uuid.uuid4()), "answers": NOT_SAFE, "seconds": {}} | sending
    return client.post(reverse("calls:answers"), json.dumps(body), content_type="application/json")


def test_a_caller_takes_a_case_asks_and_records_what_they_want(cast, sample, login):
    category = Category.objects.create(code="light", name="路灯")
    client = login(cast.district_office)
    assert client.get(reverse("calls:current")).status_code == 302
    client.post(reverse("calls:round_next", args=[sample.round_id]))
    case = Drawn.objects.get(leased_by=cast.district_office)
    page = client.get(reverse("calls:current")).content.decode()
    assert case.household.phone in page and '"code": "light"' in page
    refused = post_answers(client, answers={"lives_here": "yes"})
    assert refused.status_code == 422 and "safe" in refused.json()["problems"]
    sent = post_answers(client, wish={"consent": True, "category": category.code, "text": "门口路灯不亮"})
    issue = Issue.objects.get()
    assert sent.status_code == 200 and issue.number in sent.json()["message"]
    assert (issue.household, issue.text, issue.place) == (case.household, "门口路灯不亮", case.unit)
    assert Waiting.objects.get().answers == NOT_SAFE
    case.refresh_from_db()
    assert case.state == "over"
    assert post_answers(client).status_code == 422  # no case is held any more
    assert Waiting.objects.count() == 1


@pytest.mark.parametrize(
    "wish",
    [
        {"category": "light", "text": "路灯"},
        {"consent": "yes", "category": "light", "text": "路灯"},
        {"consent": True, "category": "light", "text": " "},
        {"consent": True, "category": "light", "text": "长" * 501},
        {"consent": True, "category": "light", "text": "a\x00b"},
        {"consent": True, "category": "none", "text": "路灯"},
        {"consent": True, "category": ["light"], "text": "路灯"},
        [],
    ],
)
def test_without_consent_or_a_clear_wish_nothing_is_recorded_and_the_answers_can_be_sent_again(
    cast, sample, login, wish
):
    Category.objects.create(code="light", name="路灯")
    client = login(cast.district_office)
    client.post(reverse("calls:round_next", args=[sample.round_id]))
    response = post_answers(client, wish=wish)
    assert response.status_code == 422 and response.json()["wish"] is False
    assert not Issue.objects.exists() and not Waiting.objects.exists() and not CallTally.objects.exists()
    assert post_answers(client).status_code == 200


def test_an_issue_and_the_end_of_its_case_are_written_together_or_not_at_all(cast, sample, monkeypatch):
    case = lease(sample, cast.district_office)
    number = uuid.uuid4()
    calling.take_call(number=number, given=NOT_SAFE, by=cast.district_office)
    Household.objects.filter(pk=case.household_id).update(
        do_not_visit_at=timezone.now(), do_not_visit_by=cast.district_office.pk, do_not_visit_reason="不便"
    )
    wish = wishes.Wish("想请人来看看", None)
    with pytest.raises(ValidationError):
        wishes.end_call(by=cast.district_office, wish=wish)
    case.refresh_from_db()
    assert case.state == "open" and not CallTally.objects.exists() and not FollowUp.objects.exists()
    # the second sending takes nothing twice and ends the case
    assert calling.take_call(number=number, given=NOT_SAFE, by=cast.district_office) == asking.Taken.ALREADY
    wishes.end_call(by=cast.district_office, wish=None)
    assert Waiting.objects.count() == 1 and CallTally.objects.get().count == 1


def test_a_result_typed_wrong_is_told_and_one_that_fits_is_kept(cast, sample, login):
    client = login(cast.supervisor)
    client.post(reverse("calls:round_next", args=[sample.round_id]))
    url = reverse("calls:result")
    for values in ({}, {"result": "1.0", "phone_number": "1"}, {"result": "2.21", "phone_number": "1"}):
        assert client.post(url, values).status_code == 422
    assert client.post(url, {"result": "2.11", "phone_number": "1"}).status_code == 302
    assert CallTally.objects.get().result == "2.11"
    assert client.post(url, {"result": "2.11", "phone_number": "1"}).status_code == 302
    assert CallTally.objects.get().count == 1


def test_the_desk_costs_the_same_for_one_round_and_for_many(cast, sample, login, django_assert_max_num_queries):
    from django.test.utils import CaptureQueriesContext

    client, url = login(cast.supervisor), reverse("calls:desk")
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as one:
        assert client.get(url).status_code == 200
    for number in range(4):
        survey_round = open_round(cast, version=sample.round.version, name=f"第{number + 5}轮")
        drawing.draw_sample(survey_round=survey_round, wanted=STRATIFIED, by=cast.district_office)
    with CaptureQueriesContext(connection) as many:
        assert client.get(url).status_code == 200
    assert len(one) == len(many)

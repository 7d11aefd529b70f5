"""The resident's side: codes, the page without a login, what may be done there, and what it never shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import time, timedelta

import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError

from households.models import Household, Resident
from issues import actions, codes, limiter
from issues.actions import texting
from issues.actions.resident_codes import code_of_issue
from issues.models import Attachment, CallBack, Issue, LookBack, ResidentCode, ResidentMessage
from outreach import sealing
from outreach.models import AuditEvent, Channel, MessageHours
from tests.gateway import Gateway
from tests.issues.make import answer, issue_at, move
from tests.issues.test_attachments import picture

pytestmark = pytest.mark.django_db
ALL_YES = {"contacted": "yes", "solved": "yes", "content": "content", "words": ""}


@pytest.fixture
def home(cast) -> Household:
    household = Household.objects.create(village=cast.shiqiao, head_name="罗大树", phone="13900009999")
    Resident.objects.create(household=household, name="罗大树", relation="01")
    return household


def enter(issue_or_code, client: Client | None = None) -> Client:
    """A browser that has entered the code of an issue."""
    client = client or Client()
    code = issue_or_code if isinstance(issue_or_code, str) else code_of_issue(issue_or_code).spoken
    response = client.post("/r/", {"code": code})
    assert response.status_code == 302, response.content.decode()[:500]
    return client


bodies = st.text(alphabet=codes.ALPHABET, min_size=codes.RANDOM_CHARACTERS, max_size=codes.RANDOM_CHARACTERS)


@given(body=bodies, place=st.integers(0, codes.LENGTH - 1), other=st.sampled_from(codes.ALPHABET))
def test_the_check_character_finds_every_single_error(body, place, other):
    code = body + codes.check_character(body)
    assert codes.is_valid(code)
    wrong = code[:place] + other + code[place + 1 :]
    assert codes.is_valid(wrong) == (wrong == code)


@given(body=bodies, one=st.integers(0, codes.LENGTH - 1), two=st.integers(0, codes.LENGTH - 1))
def test_the_check_character_finds_every_swap_of_any_two_places(body, one, two):
    code = body + codes.check_character(body)
    swapped = list(code)
    swapped[one], swapped[two] = swapped[two], swapped[one]
    assert codes.is_valid("".join(swapped)) == ("".join(swapped) == code)


@given(body=bodies)
def test_a_code_is_understood_however_it_is_typed(body):
    code = body + codes.check_character(body)
    full_width = "".join(chr(ord(character) + 0xFEE0) for character in codes.spoken(code).lower())
    for typed in (codes.spoken(code), code.lower(), f"  {codes.spoken(code).replace('-', ' ')} ", full_width):
        assert codes.clean(typed) == code


@given(junk=st.text(max_size=200))
def test_junk_is_no_code_and_no_fault(junk):
    assert len(codes.clean(junk)) <= codes.MAX_TYPED * 18  # NFKC may unfold a character
    codes.is_valid(codes.clean(junk))


def test_codes_are_long_and_the_database_does_not_give_them_away(cast, home):
    assert codes.RANDOM_CHARACTERS * 4.95 > 60 and not set("01OIL") & set(codes.ALPHABET)
    issue = issue_at(cast, household=home)
    row = ResidentCode.objects.get(issue=issue)  # made with the issue
    code = row.spoken.replace("-", "")
    assert codes.is_valid(code)
    assert code not in f"{row.digest} {row.sealed}" and row.digest != row.sealed
    assert len({codes.make() for _time in range(2000)}) == 2000


def test_the_page_tells_how_the_issue_stands_in_plain_words(cast, home):
    issue = issue_at(cast, "accepted", household=home)
    page = enter(issue).get("/r/issues/", follow=True).content.decode()
    assert "区交通运输局" in page and issue.number in page and "村口路灯不亮" in page
    assert f"{issue.due_on:%Y-%m-%d}" in page


def test_the_page_reveals_nothing_about_anybody_else(cast, home):
    other = Household.objects.create(village=cast.shiqiao, head_name="邻家大伯", phone="13911112222")
    Resident.objects.create(household=other, name="邻家阿婆", relation="10")
    theirs = issue_at(cast, household=other, text="邻家的秘密诉求")
    mine = issue_at(cast, "new", household=home)
    mine = move(mine, "merge", cast.district_office, note="邻家大伯也反映过", main=theirs)
    theirs = move(Issue.objects.get(pk=theirs.pk), "accept", cast.department_handler)
    text = "已与邻家阿婆、邻家大伯商定，联系13911112222，身份证439900199001010019"
    move(theirs, "finish", cast.department_handler, note=text, outcome="solved")
    client = enter(mine)
    page = client.get(f"/r/issues/{mine.pk}/").content.decode()
    assert "商定" in page
    for secret in ("邻家", "13911112222", "439900199001010019", theirs.number, cast.department_handler.name):
        assert secret not in page, secret
    for person in cast.people().values():
        assert person.name not in page and (not person.phone or person.phone not in page)
    assert client.get(f"/r/issues/{theirs.pk}/")["Location"] == "/r/"
    assert client.post(f"/r/issues/{theirs.pk}/answer/", ALL_YES)["Location"] == "/r/"
    assert not CallBack.objects.exists()


def test_a_household_s_card_shows_its_issues_but_no_dispute_and_no_words(cast, home):
    shown = issue_at(cast, household=home, text="水费的心里话")
    dispute = issue_at(cast, household=home, kind="dispute", text="家里的矛盾")
    code = actions.print_household_codes(households=[home], by=cast.village_clerk)[home.pk]
    client = enter(code.spoken)
    page = client.get("/r/issues/").content.decode() + client.get(f"/r/issues/{shown.pk}/").content.decode()
    assert shown.number in page and "心里话" not in page and "矛盾" not in page.replace("矛盾纠纷", "")
    assert client.get(f"/r/issues/{dispute.pk}/")["Location"] == "/r/"
    assert AuditEvent.objects.filter(action="resident_code.print").count() == 1


def test_wrong_withdrawn_and_unknown_codes_get_the_same_answer(cast, home):
    issue = issue_at(cast, household=home)
    old = code_of_issue(issue).spoken
    actions.renew_issue_code(issue=issue, by=cast.district_office)
    pages = set()
    for code in (old, codes.spoken(codes.make()), "ABCDE-ABCDE-ABCDE"):
        response = Client().post("/r/", {"code": code})
        assert response.status_code == 422 and "resident_code" not in response.cookies
        body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
        pages.add(body.replace(code, "").replace(codes.clean(code), ""))
    assert len(pages) == 1
    enter(issue)


def test_a_withdrawn_code_ends_what_was_opened_with_it(cast, home):
    issue = issue_at(cast, household=home)
    client = enter(issue)
    assert client.get(f"/r/issues/{issue.pk}/").status_code == 200
    actions.renew_issue_code(issue=issue, by=cast.district_office)
    assert client.get(f"/r/issues/{issue.pk}/")["Location"] == "/r/"


def test_the_pages_are_kept_by_nobody_and_the_code_stands_in_no_address(cast, home):
    issue = issue_at(cast, household=home)
    client = Client()
    response = client.post("/r/", {"code": code_of_issue(issue).spoken})
    assert code_of_issue(issue).spoken not in response["Location"]
    cookie = response.cookies["resident_code"]
    assert cookie["httponly"] and cookie["path"] == "/r/" and code_of_issue(issue).spoken not in cookie.value
    page = client.get(f"/r/issues/{issue.pk}/")
    assert "noindex" in page["X-Robots-Tag"] and page["Referrer-Policy"] == "same-origin"
    assert "no-store" in page["Cache-Control"]
    assert code_of_issue(issue).spoken not in page.content.decode()
    assert client.post("/r/leave/")["Location"] == "/r/"
    assert client.get(f"/r/issues/{issue.pk}/")["Location"] == "/r/"


def test_guessing_is_stopped_by_address_even_where_the_last_guess_is_right(cast, home):
    issue = issue_at(cast, household=home)
    client = Client()
    for _try in range(limiter.WRONG_OF_ADDRESS[0][2]):
        assert client.post("/r/", {"code": codes.make()}).status_code == 422
    locked = client.post("/r/", {"code": code_of_issue(issue).spoken})
    assert locked.status_code == 429 and "resident_code" not in locked.cookies
    other = Client(REMOTE_ADDR="10.9.8.7").post("/r/", {"code": code_of_issue(issue).spoken})
    assert other.status_code == 302


def test_one_code_is_tried_only_so_often_from_wherever(cast, home):
    issue = issue_at(cast, household=home)
    code = code_of_issue(issue).spoken
    for number in range(limiter.TRIES_OF_CODE[0][2]):
        assert Client(REMOTE_ADDR=f"10.0.0.{number}").post("/r/", {"code": code}).status_code == 302
    assert Client(REMOTE_ADDR="10.1.0.1").post("/r/", {"code": code}).status_code == 429


def test_nobody_gets_in_while_nobody_counts(cast, home, settings):
    issue = issue_at(cast, household=home)
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"},
    }
    response = Client().post("/r/", {"code": code_of_issue(issue).spoken})
    assert response.status_code == 503 and "resident_code" not in response.cookies
    with pytest.raises((limiter.UncountedError, RedisConnectionError)):
        limiter.check(address="1", digest="2")
    settings.CACHES = {"default": {**settings.CACHES["default"]}}


def test_content_answered_on_the_page_lets_the_supervisor_close(cast, home):
    issue = issue_at(cast, "verified", household=home)
    assert enter(issue).post(f"/r/issues/{issue.pk}/answer/", ALL_YES).status_code == 302
    issue = Issue.objects.get(pk=issue.pk)
    call = CallBack.objects.get(issue=issue)
    assert (call.channel, call.by, call.content, call.contacted, call.solved) == ("page", None, "content", True, True)
    assert move(issue, "close", cast.supervisor).state == "closed"


def test_answers_are_given_once_a_round_and_a_redo_opens_a_new_one(cast, home):
    issue = issue_at(cast, "done", household=home)
    client = enter(issue)
    no = {"contacted": "yes", "solved": "no", "content": "not_content", "words": "还是不亮"}
    assert client.post(f"/r/issues/{issue.pk}/answer/", no).status_code == 302
    issue = Issue.objects.get(pk=issue.pk)
    assert (issue.state, issue.redos) == ("accepted", 1)
    last = issue.events.order_by("-pk").first()
    assert (last.move, last.actor, last.by, last.note) == ("redo", "resident", None, "还是不亮")
    assert client.post(f"/r/issues/{issue.pk}/answer/", ALL_YES).status_code == 422  # not reported done
    issue = move(issue, "finish", cast.department_handler, note="换了灯头", outcome="solved")
    assert client.post(f"/r/issues/{issue.pk}/answer/", ALL_YES).status_code == 302
    again = client.post(f"/r/issues/{issue.pk}/answer/", no)
    assert again.status_code == 422
    assert list(CallBack.objects.order_by("pk").values_list("round", "content")) == [(0, "not_content"), (1, "content")]
    assert Issue.objects.get(pk=issue.pk).state == "done"


def test_not_content_a_second_time_goes_one_level_up(cast, home):
    issue = issue_at(cast, "closed", household=home)
    no = {"contacted": True, "solved": False, "content": "not_content"}
    actions.answer_questions(issue=issue, **no)
    issue = move(Issue.objects.get(pk=issue.pk), "finish", cast.department_handler, note="又修", outcome="solved")
    actions.answer_questions(issue=issue, **no)
    issue = Issue.objects.get(pk=issue.pk)
    assert (issue.state, issue.unit) == ("arbitration", cast.district)


def test_staff_who_are_logged_in_do_not_answer_for_the_resident(cast, home, login):
    issue = issue_at(cast, "verified", household=home)
    client = enter(issue, login(cast.department_handler))
    assert client.post(f"/r/issues/{issue.pk}/answer/", ALL_YES).status_code == 422
    assert not CallBack.objects.exists()


def test_what_the_resident_adds_stands_in_the_history_with_its_photos(cast, home, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    issue = issue_at(cast, "accepted", household=home)
    client = enter(issue)
    sent = {"text": "现在三盏都不亮", "photos": [picture(), picture(size=(100, 80))]}
    assert client.post(f"/r/issues/{issue.pk}/add/", sent).status_code == 302
    event = issue.events.order_by("-pk").first()
    assert (event.move, event.actor, event.by, event.note) == ("remark", "resident", None, "现在三盏都不亮")
    assert Attachment.objects.filter(issue=issue, added_by=None).count() == 2
    too_many = {"text": "x", "photos": [picture(size=(90 + n, 80)) for n in range(4)]}
    assert client.post(f"/r/issues/{issue.pk}/add/", too_many).status_code == 422
    bad = client.post(f"/r/issues/{issue.pk}/add/", {"text": "长" * 501})
    assert bad.status_code == 422 and issue.events.filter(move="remark").count() == 1


def test_a_resident_adds_only_so_much_a_day(cast, home):
    issue = issue_at(cast, "accepted", household=home)
    for number in range(5):
        actions.add_remark(issue=issue, text=f"补充{number}")
    with pytest.raises(ValidationError):
        actions.add_remark(issue=issue, text="再补充")
    assert issue.events.filter(move="remark").count() == 5


def test_what_the_resident_adds_ends_a_pause_that_waits_for_it_and_no_other(cast, home):
    waits = issue_at(cast, "accepted", household=home)
    until = timezone.localdate() + timedelta(days=20)
    waits = move(waits, "ask_pause", cast.department_handler, note="等反映人补材料", reason="resident", until=until)
    waits = move(waits, "pause", cast.district_office)
    assert actions.add_remark(issue=waits, text="材料在这里").state == "accepted"
    assert [event.move for event in waits.events.order_by("-pk")[:2]] == ["resume", "remark"]
    weather = issue_at(cast, "paused", household=home)
    assert actions.add_remark(issue=weather, text="我再说一句").state == "paused"


def test_the_unit_that_handles_an_issue_does_not_print_its_code(cast, home):
    issue = issue_at(cast, "accepted", household=home, by=cast.visitor)
    assert actions.may_print_code(issue, cast.visitor) and actions.may_print_code(issue, cast.village_clerk)
    assert not actions.may_print_code(issue, cast.department_handler)
    with pytest.raises(PermissionDenied):
        actions.print_issue_code(issue=issue, by=cast.department_handler)
    theirs = issue_at(cast, "accepted", holder=cast.qingxi, household=home)
    assert not actions.may_print_code(theirs, cast.township_admin)


def test_the_slip_and_the_cards_are_drawn_here_and_lead_to_the_site(cast, home, login, settings):
    settings.SITE_URL = "https://qzgz.example.gov.cn"
    issue = issue_at(cast, household=home, by=cast.visitor)
    slip = login(cast.visitor).post(f"/issues/{issue.pk}/resident-slip/").content.decode()
    assert code_of_issue(issue).spoken in slip and '<svg viewBox="0 0' in slip
    assert "https://qzgz.example.gov.cn/r/" in slip and "testserver" not in slip
    sheet = login(cast.village_clerk).post("/campaigns/cards/", {"village": cast.shiqiao.pk, "group": ""})
    assert sheet.status_code == 200 and "罗大树" in sheet.content.decode()
    assert ResidentCode.objects.get(household=home).spoken in sheet.content.decode()


def test_a_sheet_costs_the_same_number_of_queries_for_one_card_and_many(cast, home, login, connection_queries):
    client = login(cast.village_clerk)
    sheet = {"village": cast.shiqiao.pk, "group": ""}
    client.post("/campaigns/cards/", sheet)
    one = connection_queries(lambda: client.post("/campaigns/cards/", sheet))
    Household.objects.bulk_create(
        Household(village=cast.shiqiao, head_name=f"户{number}", number=str(number)) for number in range(12)
    )
    client.post("/campaigns/cards/", sheet)
    assert connection_queries(lambda: client.post("/campaigns/cards/", sheet)) == one


def test_who_recorded_it_carries_the_news_and_ticks_it_off(cast, home, login):
    issue = issue_at(cast, "verified", household=home, by=cast.visitor)
    answer(issue, cast.supervisor)
    move(Issue.objects.get(pk=issue.pk), "close", cast.supervisor)
    states = list(ResidentMessage.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["overtaken", "by_hand"]  # done, then closed: one entry, the latest
    client = login(cast.visitor)
    assert issue.number in client.get("/issues/to-tell/").content.decode()
    assert login(cast.second_visitor).post(f"/issues/{issue.pk}/told/").status_code in (403, 404)
    assert client.post(f"/issues/{issue.pk}/told/").status_code == 302
    message = ResidentMessage.objects.order_by("-pk").first()
    assert (message.state, message.told_by) == ("told", cast.visitor)
    client.get("/issues/to-tell/")  # shows the message that it is noted
    assert issue.number not in client.get("/issues/to-tell/").content.decode()


def call_form(issue: Issue, **fields: str) -> dict[str, str]:
    return {"channel": "phone", "reached": "reached", "version": str(issue.version), **ALL_YES, **fields}


def test_content_at_the_desk_closes_and_not_content_sends_back_in_one_step(cast, home, login):
    client = login(cast.supervisor)
    happy, unhappy = (issue_at(cast, "verified", household=home) for _time in range(2))
    page = client.get("/issues/callbacks/").content.decode()
    assert happy.number in page and unhappy.number in page
    assert client.post(f"/issues/callbacks/{happy.pk}/", call_form(happy)).status_code == 302
    form = call_form(unhappy, solved="no", content="not_content", words="没修好")
    assert client.post(f"/issues/callbacks/{unhappy.pk}/", form).status_code == 302
    assert Issue.objects.get(pk=happy.pk).state == "closed"
    assert Issue.objects.get(pk=unhappy.pk).state == "accepted"


def test_two_people_at_the_queue_do_not_call_the_same_resident(cast, home, login):
    issue = issue_at(cast, "verified", household=home)
    first, second = login(cast.supervisor), login(cast.district_office)
    assert first.post(f"/issues/callbacks/{issue.pk}/take/")["Location"] == f"/issues/callbacks/{issue.pk}/"
    assert second.post(f"/issues/callbacks/{issue.pk}/take/")["Location"] == "/issues/callbacks/"
    assert second.post(f"/issues/callbacks/{issue.pk}/", call_form(issue)).status_code == 409
    assert not CallBack.objects.exists()
    assert first.post(f"/issues/callbacks/{issue.pk}/", call_form(issue)).status_code == 302


def test_the_unit_that_handled_it_has_no_place_at_the_desk(cast, home, login):
    issue = issue_at(cast, "verified", holder=cast.qingxi, household=home)
    client = login(cast.township_admin)
    assert issue.number not in client.get("/issues/callbacks/").content.decode()
    assert client.get(f"/issues/callbacks/{issue.pk}/").status_code == 404
    with pytest.raises(PermissionDenied):
        answer(issue, cast.township_admin)


def test_call_again_later_needs_a_time_to_come(cast, home, login):
    issue = issue_at(cast, "verified", household=home)
    client = login(cast.supervisor)
    assert client.post(f"/issues/callbacks/{issue.pk}/", call_form(issue, reached="later")).status_code == 422
    later = f"{timezone.localtime() + timedelta(days=1):%Y-%m-%dT%H:%M}"
    form = call_form(issue, reached="later", call_again_at=later)
    assert client.post(f"/issues/callbacks/{issue.pk}/", form).status_code == 302
    call = CallBack.objects.get()
    assert call.call_again_at is not None and call.content == "" and Issue.objects.get(pk=issue.pk).state == "verified"


def test_three_days_in_vain_allow_closing_as_not_reached(cast, home):
    issue = issue_at(cast, "verified", household=home)
    silent = {"reached": "no_answer", "contacted": None, "solved": None, "content": ""}
    for days in (3, 2, 1):
        with pytest.raises(ValidationError):
            move(issue, "close", cast.supervisor)
        call = answer(issue, cast.supervisor, **silent)
        CallBack.objects.filter(pk=call.pk).update(at=timezone.now() - timedelta(days=days))
        issue = Issue.objects.get(pk=issue.pk)
    assert move(issue, "close", cast.supervisor).state == "closed"


def test_the_figures_count_valid_answers_alone(cast, home, login):
    from issues.desk import figures

    for values in ({}, {"content": "mostly"}, {"solved": False, "content": "not_content"}):
        answer(issue_at(cast, "verified", household=home), cast.supervisor, **values)
    silent = {"reached": "no_answer", "contacted": None, "solved": None, "content": ""}
    answer(issue_at(cast, "verified", household=home), cast.supervisor, **silent)
    found = figures(cast.supervisor)
    assert (found.called, found.valid, found.contacted, found.solved) == (4, 3, 3, 2)
    assert found.content == pytest.approx(1.9)


def test_look_backs_are_drawn_once_and_a_relapse_is_redone(cast, home, login):
    issue = issue_at(cast, "closed", household=home)
    young = issue_at(cast, "closed", household=home)
    later = issue.closed_at + timedelta(days=31)
    Issue.objects.filter(pk=young.pk).update(closed_at=later - timedelta(days=2))
    assert actions.draw_look_backs(share=0, now=later) == 0
    assert actions.draw_look_backs(share=100, now=later) == 1
    assert actions.draw_look_backs(share=100, now=later) == 0
    row = LookBack.objects.get()
    assert (row.issue, row.months) == (issue, 1)
    client = login(cast.supervisor)
    assert issue.number in client.get("/issues/callbacks/look-backs/").content.decode()
    url = f"/issues/callbacks/look-backs/{row.pk}/"
    assert client.post(url, {"result": "relapsed", "words": ""}).status_code == 422
    assert client.post(url, {"result": "relapsed", "words": "又坏了"}).status_code == 302
    issue = Issue.objects.get(pk=issue.pk)
    assert (issue.state, issue.events.order_by("-pk").first().reason) == ("accepted", "relapse")


def test_the_queue_costs_the_same_number_of_queries_for_one_issue_and_many(cast, home, login, connection_queries):
    issue_at(cast, "verified", household=home)
    client = login(cast.supervisor)
    one = connection_queries(lambda: client.get("/issues/callbacks/"))
    for _time in range(4):
        issue_at(cast, "verified", household=home)
    cache.clear()
    assert connection_queries(lambda: client.get("/issues/callbacks/")) == one


# ---- text messages ----


@pytest.fixture
def sms(cast) -> Iterator[Gateway]:
    """The district's SMS gateway, and messages that may leave at any hour."""
    gateway = Gateway()
    MessageHours.objects.create(
        district=cast.district, opens_at=time(0), closes_at=time(23, 59, 59), workdays_only=False
    )
    values = {"url": gateway.url, "text_field": "content", "number_field": "mobile", "token": ""}
    Channel.objects.create(unit=cast.district, kind="sms", name="短信", sealed=sealing.seal(values), shown="x")
    yield gateway
    gateway.close()


def test_a_resident_hears_of_receipt_change_and_end_by_text_with_number_and_link_alone(cast, home, sms, settings):
    settings.SITE_URL = "https://qzgz.example.gov.cn"
    issue = issue_at(cast, "new", household=home, text="罗大树家门口路灯不亮")
    assert actions.send_texts() == 1
    issue = move(issue, "dispatch", cast.district_office, note="属其职责", unit=cast.roads)
    assert actions.send_texts() == 1
    assert actions.send_texts() == 0
    assert set(ResidentMessage.objects.values_list("kind", "state")) == {("receipt", "sent"), ("change", "sent")}
    assert {body["mobile"] for body in sms.bodies} == {home.phone}
    for body in sms.bodies:
        assert issue.number in body["content"] and "https://qzgz.example.gov.cn/r/" in body["content"]
        assert home.head_name not in str(body) and "路灯" not in str(body)
    assert len(set(sms.keys)) == 2


def test_later_news_overtakes_what_was_not_sent_yet(cast, home, sms):
    issue = issue_at(cast, "new", household=home)
    move(issue, "dispatch", cast.district_office, note="属其职责", unit=cast.roads)
    assert list(ResidentMessage.objects.order_by("pk").values_list("state", flat=True)) == ["overtaken", "waiting"]
    assert actions.send_texts() == 1


def test_what_the_gateway_refuses_is_tried_three_times_and_then_told_in_person(cast, home, sms):
    sms.status = 500
    issue_at(cast, "done", household=home)
    for _time in range(4):
        assert actions.send_texts() == 0
    message = ResidentMessage.objects.order_by("pk").last()
    assert (message.kind, message.state, message.attempts) == ("end", "by_hand", 3)
    assert len(sms.bodies) == 3


def test_a_message_is_off_the_queue_while_it_is_handed_over(cast, home, sms):
    issue_at(cast, "new", household=home)
    taken = texting.take(cast.district.code, [])
    assert (taken.state, taken.attempts) == ("by_hand", 1)
    assert texting.take(cast.district.code, []) is None
    assert actions.send_texts() == 0 and sms.bodies == []


def test_without_a_gateway_only_what_is_worth_a_walk_is_kept(cast, home):
    issue_at(cast, "accepted", household=home)
    assert not ResidentMessage.objects.exists()

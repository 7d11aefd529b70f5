"""The restricted register: read by the discipline office, by nobody else, in no form and by no way round."""

from __future__ import annotations

import logging

import pytest
from cryptography.exceptions import InvalidTag
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils.log import AdminEmailHandler

from issues import actions, clues, limiter
from issues.models import Clue, ClueEntry
from outreach import access
from outreach.access import NEVER_GRANTED, ROLE_PERMISSIONS, Permission, Role
from outreach.models import AuditEvent, Membership, User
from tests.cast import make_user
from tests.issues.make import issue_at
from tests.scenery import CLUE_MARKER, make_scenery, views

pytestmark = pytest.mark.django_db

ROLES = [role.value for role in Role]


def hand_in(cast, text=CLUE_MARKER, **content) -> Clue:
    return actions.report_clue(by=cast.visitor, district=cast.district, content=clues.Content(text=text, **content))


def step(clue: Clue, name: str, by: User, **said: str) -> Clue:
    return actions.step_clue(clue=clue, step=name, by=by, version=clue.version, said=said)


def body(client: Client, method: str, url: str, data=None) -> str:
    """What a request answers, undone afterwards."""
    with transaction.atomic():
        response = client.get(url) if method == "GET" else client.post(url, data or {})
        content = b"".join(response) if response.streaming else response.content
        transaction.set_rollback(True)
    return content.decode("utf-8", "replace")


@pytest.mark.parametrize("role", ROLES)
def test_what_a_clue_says_shows_at_one_url_to_one_role(cast, login, role):
    scenery = make_scenery(cast)
    clue = scenery.inside.clue
    step(clue, "note", cast.discipline, note=CLUE_MARKER)
    client = login(getattr(cast, role))
    shown = set()
    for view in views():
        if view.name == "account_logout":
            continue
        for method in ("GET", "POST"):
            if CLUE_MARKER in body(client, method, view.url(scenery.inside)):
                shown.add((method, view.name))
    assert shown == ({("POST", "clues:open")} if role == Role.DISCIPLINE else set())


@pytest.mark.parametrize("role", ROLES)
def test_the_administration_knows_no_clues(cast, login, role):
    clue = hand_in(cast)
    post = getattr(cast, role).memberships.get()
    post.grants = [permission.value for permission in Permission]
    post.save()
    client = login(User.objects.get(pk=post.user_id))
    for url in (
        "/admin/",
        "/admin/issues/",
        "/admin/issues/clue/",
        f"/admin/issues/clue/{clue.pk}/change/",
        reverse("audit"),
        f"{reverse('issues:list')}?q={clue.number}",
    ):
        text = body(client, "GET", url)
        assert CLUE_MARKER not in text
        if url != reverse("clues:list"):
            assert f"/clues/{clue.pk}/" not in text


def test_no_table_holds_what_a_clue_says(cast):
    clue = hand_in(cast, about="马经办", occurred="石桥村部", contact="13900007777", source="问题 2026000001")
    step(clue, "hand_over", cast.discipline, to_whom="区监委第二室", document_number="移字7号", note="线索属实")
    secrets = [CLUE_MARKER, "马经办", "石桥村部", "13900007777", "2026000001", "区监委第二室", "移字7号", "线索属实"]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            rows = "\n".join(row for (row,) in cursor.fetchall())
            assert [secret for secret in secrets if secret in rows and table != "outreach_unit"] == [], table
            assert not any(
                secret.encode("unicode_escape").decode() in rows for secret in secrets if not secret.isascii()
            )


def test_a_clue_opens_to_what_was_handed_in(cast):
    clue = hand_in(cast, about="马经办")
    opened = actions.open_clue(clue=clue, by=cast.discipline)
    assert (opened.content.text, opened.content.about, opened.entries) == (CLUE_MARKER, "马经办", [])


def test_content_moved_to_another_clue_does_not_open(cast):
    first, second = hand_in(cast), hand_in(cast, "另一件事")
    Clue.objects.filter(pk=second.pk).update(sealed=first.sealed)
    with pytest.raises(InvalidTag):
        actions.open_clue(clue=Clue.objects.get(pk=second.pk), by=cast.discipline)
    assert not AuditEvent.objects.filter(action="clue.open").exists()


def test_every_opening_is_in_the_audit_trail_without_a_word_of_it(cast, login):
    clue = hand_in(cast)
    client = login(cast.discipline)
    assert CLUE_MARKER not in client.get(reverse("clues:detail", args=[clue.pk])).content.decode()
    assert not AuditEvent.objects.filter(action="clue.open").exists()
    for _time in range(2):
        response = client.post(reverse("clues:open", args=[clue.pk]))
        assert CLUE_MARKER in response.content.decode()
        assert "no-store" in response["Cache-Control"]
    events = AuditEvent.objects.filter(action="clue.open")
    assert [(event.actor_id, event.target, event.detail) for event in events] == [
        (cast.discipline.pk, f"issues.clue:{clue.pk}", {})
    ] * 2


def test_handing_in_leaves_no_trace_for_those_who_read_the_trail(cast, login):
    before = AuditEvent.objects.count()
    response = login(cast.visitor).post(reverse("clues:new"), {"text": CLUE_MARKER})
    assert response.status_code == 302
    assert AuditEvent.objects.count() == before
    assert Clue.objects.get().reported_by == cast.visitor


def test_who_handed_it_in_sees_number_and_state_and_nothing_else(cast, login):
    client = login(cast.visitor)
    page = client.post(reverse("clues:new"), {"text": CLUE_MARKER, "about": "马经办"}, follow=True).content.decode()
    clue = Clue.objects.get()
    assert clue.number in page and "已收到" in page
    assert CLUE_MARKER not in page and "马经办" not in page
    step(clue, "look", cast.discipline, note="已派人核查")
    page = client.get(reverse("clues:mine")).content.decode()
    assert "核查中" in page and "已派人核查" not in page
    assert client.get(reverse("clues:detail", args=[clue.pk])).status_code == 403
    assert clue.number not in login(cast.second_visitor).get(reverse("clues:mine")).content.decode()


def test_a_refused_form_keeps_what_was_typed(cast, login):
    response = login(cast.visitor).post(reverse("clues:new"), {"text": "", "about": "马经办"})
    assert response.status_code == 422
    assert "马经办" in response.content.decode()
    assert not Clue.objects.exists()


def test_a_clue_from_an_issue_keeps_where_it_came_up_sealed(cast, login):
    issue = issue_at(cast, "assigned")
    url = f"{reverse('clues:new')}?issue={issue.pk}"
    assert login(cast.outside_handler).get(url).status_code == 404
    login(cast.department_handler).post(url, {"text": CLUE_MARKER})
    opened = actions.open_clue(clue=Clue.objects.get(), by=cast.discipline)
    assert issue.number in opened.content.source
    page = login(cast.department_handler).get(reverse("issues:detail", args=[issue.pk])).content.decode()
    assert Clue.objects.get().number not in page


@pytest.mark.parametrize("query", ["issue=abc", "issue=0", "household=%00", "issue=" + "9" * 30, "household=²"])
def test_junk_for_where_it_came_up_is_not_found(cast, login, query):
    assert login(cast.visitor).get(f"{reverse('clues:new')}?{query}").status_code == 404


def test_no_grant_opens_the_register(cast, login):
    clue = hand_in(cast)
    everything = [permission.value for permission in Permission]
    for person in (cast.system_admin, cast.district_office, cast.supervisor, cast.visitor):
        Membership.objects.filter(user=person).update(grants=everything)
        person = User.objects.get(pk=person.pk)
        assert not access.has_permission(person, Permission.CLUE_VIEW)
        assert not Clue.objects.visible_to(person).exists()
        for name in ("detail", "open"):
            assert login(person).post(reverse(f"clues:{name}", args=[clue.pk])).status_code == 403
        with pytest.raises(PermissionDenied):
            actions.open_clue(clue=clue, by=person)
    assert {Permission.CLUE_VIEW} == NEVER_GRANTED
    assert [role for role, allowed in ROLE_PERMISSIONS.items() if Permission.CLUE_VIEW in allowed] == [Role.DISCIPLINE]


def test_the_administrator_is_not_offered_the_permission(cast, login):
    page = login(cast.system_admin).get(reverse("admin:outreach_membership_change", args=[cast.visitor.post.pk]))
    assert 'value="visit.view"' in page.content.decode()
    assert 'value="clue.view"' not in page.content.decode()


@pytest.mark.parametrize(("who", "role"), [("system_admin", "discipline"), ("discipline", "system_admin")])
def test_nobody_keeps_accounts_and_reads_clues(cast, who, role):
    post = Membership(user=getattr(cast, who), unit=cast.district, role=role)
    with pytest.raises(ValidationError):
        post.full_clean()


def test_a_township_s_discipline_officer_sees_no_clue_and_another_district_s_none_of_ours(cast, login):
    clue = hand_in(cast)
    township = make_user("J101", "镇纪委", Role.DISCIPLINE, cast.qingxi)
    bureau = make_user("J002", "委纪检", Role.DISCIPLINE, cast.roads)
    assert not Clue.objects.visible_to(township).exists()
    assert Clue.objects.visible_to(bureau).get() == clue
    assert login(township).get(reverse("clues:detail", args=[clue.pk])).status_code == 404
    page = login(bureau).get(reverse("clues:list")).content.decode()
    assert clue.number in page
    assert "秦纪检" in page and "委纪检" in page and "镇纪委" not in page


def test_steps_change_the_state_and_append_sealed_notes(cast):
    clue = hand_in(cast)
    clue = step(clue, "look", cast.discipline, note="成立核查组")
    clue = step(clue, "hand_over", cast.discipline, to_whom="区监委", document_number="移〔2026〕3号", note="一并移送")
    clue = step(clue, "conclude", cast.discipline, note="已处理")
    assert (clue.state, clue.version) == ("concluded", 4)
    opened = actions.open_clue(clue=clue, by=cast.discipline)
    assert [(row.entry.step, row.entry.to_state, row.said) for row in opened.entries] == [
        ("look", "looking", {"note": "成立核查组"}),
        ("hand_over", "looking", {"to_whom": "区监委", "document_number": "移〔2026〕3号", "note": "一并移送"}),
        ("conclude", "concluded", {"note": "已处理"}),
    ]
    assert AuditEvent.objects.filter(action="clue.step").count() == 3
    for event in AuditEvent.objects.filter(action="clue.step"):
        assert set(event.detail) == {"step"}


@pytest.mark.parametrize("taken", clues.STEPS, ids=lambda taken: taken.name)
@pytest.mark.parametrize("state", clues.State.values)
def test_a_step_starts_only_from_its_states(cast, taken, state):
    clue = hand_in(cast)
    Clue.objects.filter(pk=clue.pk).update(state=state)
    clue.refresh_from_db()
    said = dict.fromkeys(taken.fields, "说明")
    if state in taken.sources:
        assert step(clue, taken.name, cast.discipline, **said).state == (taken.target or state)
    else:
        with pytest.raises(ValidationError):
            step(clue, taken.name, cast.discipline, **said)
        assert not ClueEntry.objects.exists()


def test_a_stale_or_empty_step_is_refused_and_writes_nothing(cast, login):
    clue = hand_in(cast)
    client = login(cast.discipline)
    url = reverse("clues:step", args=[clue.pk, "look"])
    assert client.post(url, {"version": 1, "note": ""}).status_code == 422
    assert client.post(url, {"version": 9, "note": "迟了"}).status_code == 409
    assert client.post(url, {"version": "9" * 30, "note": "长"}).status_code == 422
    assert client.post(reverse("clues:step", args=[clue.pk, "nonsense"])).status_code == 404
    clue.refresh_from_db()
    assert (clue.state, clue.version, ClueEntry.objects.count()) == ("received", 1, 0)
    assert client.post(url, {"version": 1, "note": "核查"}).status_code == 302
    clue.refresh_from_db()
    assert clue.state == "looking"


def test_the_history_of_a_clue_cannot_be_changed_or_removed(cast):
    step(hand_in(cast), "note", cast.discipline, note="备注")
    for change in (lambda: ClueEntry.objects.update(step="x"), lambda: ClueEntry.objects.all().delete()):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


@pytest.mark.parametrize("debug", [False, True])
def test_an_error_mail_and_an_error_page_tell_nothing(cast, login, settings, debug):
    settings.ADMINS = [("管理员", "admin@example.com")]
    settings.DEBUG = debug
    client = login(cast.visitor)
    client.raise_request_exception = False
    handler = AdminEmailHandler(include_html=True)
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    clues._key.cache_clear()
    key, settings.ID_NUMBER_KEY = settings.ID_NUMBER_KEY, None  # so that sealing fails
    try:
        response = client.post(reverse("clues:new"), {"text": CLUE_MARKER, "about": "马经办"})
    finally:
        settings.ID_NUMBER_KEY = key
        logger.removeHandler(handler)
    assert response.status_code == 500
    [message] = mail.outbox
    told = message.body + "".join(str(part) for part, _kind in message.alternatives) + response.content.decode()
    assert "report_clue" in told  # the traceback is there
    for secret in (CLUE_MARKER, "马经办"):
        assert secret not in told
        assert secret.encode("unicode_escape").decode() not in told


def test_the_register_costs_the_same_for_one_clue_and_for_thirty(cast, login, connection_queries):
    client = login(cast.discipline)
    url = reverse("clues:list")
    hand_in(cast)
    client.get(url)
    one = connection_queries(lambda: client.get(url))
    for number in range(29):
        hand_in(cast, f"第{number}件")
    assert connection_queries(lambda: client.get(url)) == one


@pytest.mark.parametrize("query", ["state=nonsense", "page=abc", "page=" + "9" * 40, "state=%00&page=-1"])
def test_junk_in_the_register_s_query_is_no_fault(cast, login, query):
    hand_in(cast)
    assert login(cast.discipline).get(f"{reverse('clues:list')}?{query}").status_code == 200


PUBLIC = reverse("resident_clue")


@pytest.fixture
def no_counts() -> None:
    cache.clear()


def typed(**fields):
    return {"text": "村干部收礼", "about": "某某", "occurred": "", "contact": "", "token": "a" * 24, **fields}


def test_a_resident_hands_a_clue_in_without_login_and_leaves_no_trace(cast, no_counts, caplog):
    client, before = Client(), AuditEvent.objects.count()
    page = client.get(PUBLIC)
    assert page["Cache-Control"].startswith("max-age=0") and "noindex" in page["X-Robots-Tag"]
    sent = typed(district=cast.district.pk)
    answer = client.post(PUBLIC, sent)
    clue = Clue.objects.get()
    assert (answer.status_code, clue.reported_by, clue.district) == (200, None, cast.district)
    assert clue.number in answer.content.decode() and "村干部收礼" not in answer.content.decode()
    assert clue.content().text == "村干部收礼"
    assert "村干部" not in clue.sealed
    assert (AuditEvent.objects.count(), Session.objects.count()) == (before, 0)
    assert "127.0.0.1" not in caplog.text and "村干部" not in caplog.text
    assert set(client.cookies) <= {"csrftoken"}


def test_the_same_form_sent_twice_is_one_clue(cast, no_counts):
    sent = typed(district=cast.district.pk)
    first, second = (Client().post(PUBLIC, sent).content.decode() for _n in range(2))
    assert Clue.objects.get().number in first and Clue.objects.get().number in second
    Client().post(PUBLIC, {**sent, "token": "b" * 24})
    assert Clue.objects.count() == 2


def test_a_flood_of_clues_is_stopped_and_what_was_typed_stays(cast, no_counts):
    for number in range(limiter.CLUES_OF_ADDRESS):
        assert Client().post(PUBLIC, typed(district=cast.district.pk, token=f"{number:024}")).status_code == 200
    answer = Client().post(PUBLIC, typed(district=cast.district.pk, token="z" * 24))
    assert (answer.status_code, Clue.objects.count()) == (429, limiter.CLUES_OF_ADDRESS)
    assert "村干部收礼" in answer.content.decode()


@pytest.mark.parametrize(
    "wrong", [{"text": ""}, {"token": "x"}, {"district": "0"}, {"text": "a\x00b"}, {"contact": "1" * 201}]
)
def test_a_clue_that_is_not_whole_is_refused_with_a_word(cast, no_counts, wrong):
    answer = Client().post(PUBLIC, {**typed(district=cast.district.pk), **wrong})
    assert (answer.status_code, Clue.objects.count()) == (422, 0)

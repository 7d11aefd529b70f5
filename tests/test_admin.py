"""The administration: who gets in, what it shows, that every write is audited, and that long lists cost no more."""

import io
from datetime import date, timedelta

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from openpyxl import Workbook

from outreach import audit
from outreach.access import Permission, Role
from outreach.models import AuditEvent, CalendarDay, Campaign, Membership, Unit, User
from tests.cast import PASSWORD, make_user

pytestmark = pytest.mark.django_db

USERS = reverse("admin:outreach_user_changelist")
UNIT_IMPORT = reverse("admin:outreach_unit_import")


@pytest.fixture
def client(cast, login):
    return login(cast.system_admin)


def grant(user, *permissions):
    post = user.memberships.get()
    post.grants = [permission.value for permission in permissions]
    post.save()


def last_action():
    event = AuditEvent.objects.order_by("pk").last()
    return event.action, event.target


def changelists():
    return [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") for model in admin.site._registry
    ]


# -- who gets in


def test_anonymous_is_led_to_our_own_login_page_with_its_lockout(db):
    response = Client().get(USERS, follow=True)
    assert response.redirect_chain[-1][0].startswith(reverse("account_login"))
    assert response.status_code == 200


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.SYSTEM_ADMIN])
def test_only_the_system_admin_gets_in(cast, login, role):
    client = login(getattr(cast, role))
    for url in [reverse("admin:index"), *changelists(), UNIT_IMPORT]:
        assert client.get(url, follow=True).status_code == 403


def test_system_admin_sees_no_household_data_unless_granted(cast, login):
    client = login(cast.system_admin)
    index = client.get(reverse("admin:index"))
    shown = {model["object_name"] for app in index.context["app_list"] for model in app["models"]}
    assert {"Unit", "User", "Membership", "CalendarDay", "Campaign"} <= shown
    assert not shown & {"Household", "Resident", "AuditEvent", "Visit", "Issue"}
    assert client.get(reverse("admin:outreach_auditevent_changelist")).status_code == 403


def test_audit_trail_shows_once_granted_and_cannot_be_changed(cast, login):
    event = audit.record("login", cast.visitor, by=cast.visitor)
    grant(cast.system_admin, Permission.AUDIT_VIEW)
    client = login(cast.system_admin)
    assert "李走访" in client.get(reverse("admin:outreach_auditevent_changelist")).content.decode()
    change = reverse("admin:outreach_auditevent_change", args=[event.pk])
    assert client.get(change).status_code == 200
    assert client.post(change, {"actor": "x"}).status_code == 403
    assert client.post(reverse("admin:outreach_auditevent_delete", args=[event.pk]), {"post": "yes"}).status_code == 403


def test_every_page_the_index_names_opens(client):
    for app in client.get(reverse("admin:index")).context["app_list"]:
        for model in app["models"]:
            for url in (model["admin_url"], model["add_url"]):
                assert not url or client.get(url).status_code == 200, url


def test_calendar_alarm_shows_on_the_index_with_a_way_out(client, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda: date(2026, 11, 24))
    page = client.get(reverse("admin:index")).content.decode()
    assert "2027" in page
    assert reverse("admin:outreach_calendarday_import") in page


@pytest.mark.parametrize(
    "query",
    [
        "p=abc",
        "p=999999999999999999999",
        "o=99",
        "q=%00",
        "q=" + "长" * 2000,
        "e=1",
        "day__year=abc",
        "day__year=99999&day__month=77",
        "x=1",
    ],
)
def test_junk_in_the_query_string_is_no_server_error(client, query):
    for url in changelists():
        assert client.get(f"{url}?{query}", follow=True).status_code < 500


# -- long lists


def make_rows(cast, count, start=0):
    for n in range(start, start + count):
        code = f"4399001{n:02d}"
        Unit.objects.get_or_create(
            code=code, defaults={"name": f"第{n}镇", "kind": "township", "parent": cast.district, "sort_order": n}
        )
        make_user(f"T{n:03d}", f"张{n}", Role.VISITOR, cast.qingxi)
        CalendarDay.objects.create(day=date(2027, 1, 1) + timedelta(days=n), is_workday=False)
        day = date(2026, 1, 1)
        Campaign.objects.create(name=f"活动{n}", district=cast.district, starts_on=day, ends_on=day)
        audit.record("login", "x", by=cast.visitor)


@pytest.mark.parametrize("model", ["unit", "user", "membership", "calendarday", "campaign", "auditevent"])
def test_list_costs_the_same_for_few_and_fifty_rows(cast, login, django_assert_max_num_queries, model):
    grant(cast.system_admin, Permission.AUDIT_VIEW)
    client = login(cast.system_admin)
    url = reverse(f"admin:outreach_{model}_changelist")
    make_rows(cast, 2, start=20)
    client.get(url)
    with django_assert_max_num_queries(1000) as few:
        client.get(url)
    make_rows(cast, 50, start=30)
    with django_assert_max_num_queries(len(few)):
        client.get(url)


# -- accounts


def inline(*posts, initial=0):
    data = {"memberships-TOTAL_FORMS": len(posts), "memberships-INITIAL_FORMS": initial}
    for n, post in enumerate(posts):
        data |= {f"memberships-{n}-{name}": value for name, value in post.items()}
    return data


def new_user(cast, **fields):
    post = {"unit": cast.qingxi.pk, "role": "visitor"}
    return {"staff_number": "V900", "name": "何新来", "phone": "", "is_active": "on", **inline(post), **fields}


def one_time_password(response):
    (given,) = response.context["given"]
    return given[1]


def test_new_account_gets_a_one_time_password_shown_once(cast, client):
    response = client.post(reverse("admin:outreach_user_add"), new_user(cast))
    password = one_time_password(response)
    assert password in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    user = User.objects.get(staff_number="V900")
    assert user.check_password(password)
    assert user.must_change_password
    assert user.pinyin == "hxl"
    assert user.phone is None
    assert [(post.unit, post.role) for post in user.memberships.all()] == [(cast.qingxi, "visitor")]
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["admin.add", "password.reset"]
    assert password not in str(list(AuditEvent.objects.values_list("detail", flat=True)))


@pytest.mark.parametrize(
    "fields", [{"staff_number": "V001"}, {"phone": "13900000001"}, {"phone": "12"}, {"staff_number": "13912345678"}]
)
def test_new_account_with_a_wrong_number_is_refused(cast, client, fields):
    before = User.objects.count()
    assert client.post(reverse("admin:outreach_user_add"), new_user(cast, **fields)).status_code == 200
    assert User.objects.count() == before
    assert not AuditEvent.objects.exists()


def test_reset_gives_a_password_that_must_be_changed(cast, client):
    url = reverse("admin:outreach_user_password", args=[cast.visitor.pk])
    assert client.get(url).status_code == 302
    password = one_time_password(client.post(url))
    cast.visitor.refresh_from_db()
    assert cast.visitor.check_password(password)
    assert cast.visitor.must_change_password
    assert last_action() == ("password.reset", f"outreach.user:{cast.visitor.pk}")


def test_reset_ends_the_sessions_of_the_account(cast, client, login):
    theirs = login(cast.leader)
    assert theirs.get(reverse("me")).status_code == 200
    client.post(reverse("admin:outreach_user_password", args=[cast.leader.pk]))
    assert theirs.get(reverse("me")).status_code == 302


def act(client, action, *users):
    return client.post(USERS, {"action": action, "_selected_action": [user.pk for user in users]}, follow=True)


def test_accounts_are_switched_off_and_on_but_never_ones_own(cast, client):
    act(client, "switch_off", cast.visitor, cast.system_admin)
    assert set(User.objects.filter(is_active=False)) == {cast.visitor}
    assert last_action() == ("account.off", f"outreach.user:{cast.visitor.pk}")
    act(client, "switch_on", cast.visitor)
    assert User.objects.get(pk=cast.visitor.pk).is_active


def test_passwords_for_several_people_at_once(cast, client):
    response = act(client, "give_passwords", cast.visitor, cast.leader, cast.system_admin)
    assert {user for user, _password in response.context["given"]} == {cast.visitor, cast.leader}
    assert User.objects.get(pk=cast.system_admin.pk).check_password(PASSWORD)


def test_nobody_gives_himself_a_post_or_a_grant(cast, client):
    me = cast.system_admin
    post = me.memberships.get()
    assert client.post(reverse("admin:outreach_user_change", args=[me.pk]), {"name": "x"}).status_code == 403
    change = reverse("admin:outreach_membership_change", args=[post.pk])
    assert client.post(change, {"grants": ["household.view"]}).status_code == 403
    assert client.post(reverse("admin:outreach_membership_delete", args=[post.pk]), {"post": "yes"}).status_code == 403
    add = {"user": me.pk, "unit": cast.district.pk, "role": "leader"}
    assert client.post(reverse("admin:outreach_membership_add"), add).status_code == 200
    assert list(me.memberships.all()) == [post]
    assert me.memberships.get().grants == []


def test_grant_to_somebody_else_is_stored_and_audited(cast, client):
    post = cast.publicity.memberships.get()
    change = reverse("admin:outreach_membership_change", args=[post.pk])
    data = {"unit": post.unit_id, "role": post.role, "grants": ["household.view"]}
    assert client.post(change, data).status_code == 302
    assert Membership.objects.get(pk=post.pk).grants == ["household.view"]
    assert last_action() == ("admin.change", f"outreach.membership:{post.pk}")


def test_accounts_are_never_deleted(cast, client):
    url = reverse("admin:outreach_user_delete", args=[cast.visitor.pk])
    assert client.post(url, {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=cast.visitor.pk).exists()


@pytest.fixture
def elsewhere(db):
    county = Unit.objects.create(code="439800", name="邻县", kind="district", sort_order=90)
    return make_user("N001", "韩邻县", Role.SYSTEM_ADMIN, county)


def test_another_districts_people_and_units_do_not_exist(cast, client, elsewhere):
    county = elsewhere.memberships.get().unit
    assert "韩邻县" not in client.get(USERS).content.decode()
    assert client.get(reverse("admin:outreach_user_change", args=[elsewhere.pk]), follow=True).redirect_chain
    assert client.post(reverse("admin:outreach_user_password", args=[elsewhere.pk])).status_code == 404
    assert "邻县" not in client.get(reverse("admin:outreach_unit_changelist")).content.decode()
    data = new_user(cast, **{"memberships-0-unit": county.pk})
    assert client.post(reverse("admin:outreach_user_add"), data).status_code == 200
    assert not User.objects.filter(staff_number="V900").exists()
    unit = {"code": "439801", "name": "某县", "kind": "district", "sort_order": 1, "is_active": "on"}
    assert client.post(reverse("admin:outreach_unit_add"), unit).status_code == 200
    assert not Unit.objects.filter(code="439801").exists()


# -- units


def test_unit_added_by_hand_gets_its_initials(cast, client):
    data = {"code": "439900103", "name": "新塘镇", "kind": "township", "parent": cast.district.pk, "sort_order": 9}
    assert client.post(reverse("admin:outreach_unit_add"), {**data, "is_active": "on"}).status_code == 302
    unit = Unit.objects.get(code="439900103")
    assert unit.pinyin == "xtz"
    assert last_action() == ("admin.add", f"outreach.unit:{unit.pk}")


@pytest.mark.parametrize(
    ("kind", "code"), [("village", "439900103"), ("township", "4399001031"), ("township", "43990010x")]
)
def test_unit_whose_code_does_not_fit_its_kind_is_refused(cast, client, kind, code):
    data = {"code": code, "name": "新塘", "kind": kind, "parent": cast.district.pk, "sort_order": 9, "is_active": "on"}
    response = client.post(reverse("admin:outreach_unit_add"), data)
    assert response.status_code == 200
    assert not Unit.objects.filter(code=code).exists()


def units_file(*lines, name="units.csv"):
    return SimpleUploadedFile(name, "\n".join(["代码,名称,上级代码,类型", *lines]).encode())


def test_unit_import_previews_then_writes_when_confirmed(cast, client):
    before = Unit.objects.count()
    response = client.post(
        UNIT_IMPORT, {"file": units_file("439900103,新塘镇,439900,镇街", "439900109201,某村,439900109,村社区")}
    )
    page = response.content.decode()
    assert "新塘镇" in page
    assert "439900109" in page
    assert Unit.objects.count() == before
    response = client.post(UNIT_IMPORT, {"confirm": "1"})
    assert response.status_code == 302
    assert Unit.objects.get(code="439900103").name == "新塘镇"
    assert Unit.objects.count() == before + 1
    event = AuditEvent.objects.get(action="unit.import")
    assert (event.actor_id, event.target) == (cast.system_admin.pk, "units.csv")


def test_unit_import_confirmed_twice_writes_once(cast, client):
    client.post(UNIT_IMPORT, {"file": units_file("439900103,新塘镇,439900,镇街")})
    client.post(UNIT_IMPORT, {"confirm": "1"})
    assert client.post(UNIT_IMPORT, {"confirm": "1"}).status_code == 400
    assert AuditEvent.objects.filter(action="unit.import").count() == 1


@pytest.mark.parametrize(
    "upload", [SimpleUploadedFile("a.pdf", b"x"), SimpleUploadedFile("a.xlsx", b"x"), SimpleUploadedFile("a.csv", b"")]
)
def test_unit_import_of_another_file_says_why_not(cast, client, upload):
    response = client.post(UNIT_IMPORT, {"file": upload})
    assert response.status_code == 400
    assert "messagelist" in response.content.decode() or "errorlist" in response.content.decode()


# -- plain tables from workbooks


def workbook(*rows):
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return SimpleUploadedFile("表.xlsx", buffer.getvalue())


def upload(client, model, *rows):
    """Upload and, where the preview has no errors, confirm; returns the preview's result."""
    url = reverse(f"admin:outreach_{model}_import")
    response = client.post(url, {"import_file": workbook(*rows), "format": "0"})
    assert response.status_code == 200
    if "confirm_form" in response.context and not response.context["result"].has_errors():
        data = dict(response.context["confirm_form"].initial)
        response_after = client.post(reverse(f"admin:outreach_{model}_process_import"), data)
        assert response_after.status_code == 302
    return response.context.get("result"), response


HOLIDAYS = [["日期", "安排", "说明"], ["2027-01-01", "放假", "元旦"], ["2027-02-14", "上班", "春节调休"]]


def test_calendar_days_are_imported_and_the_second_time_left_alone(client):
    upload(client, "calendarday", *HOLIDAYS)
    assert list(CalendarDay.objects.order_by("day").values_list("day", "is_workday", "name")) == [
        (date(2027, 1, 1), False, "元旦"),
        (date(2027, 2, 14), True, "春节调休"),
    ]
    assert last_action() == ("admin.import", "outreach.calendarday")
    result, _response = upload(client, "calendarday", *HOLIDAYS)
    assert result.totals["skip"] == 2


@pytest.mark.parametrize("row", [["2027-13-01", "放假", ""], ["2027-01-01", "也许", ""], ["", "放假", ""]])
def test_calendar_day_that_cannot_be_read_is_shown_with_its_row(client, row):
    result, _response = upload(client, "calendarday", HOLIDAYS[0], row)
    assert result.has_errors() or result.has_validation_errors()
    assert not CalendarDay.objects.exists()


def test_calendar_file_without_its_columns_says_which(client):
    _result, response = upload(client, "calendarday", ["day", "is_workday"], ["2027-01-01", 1])
    assert "日期" in response.content.decode()
    assert not CalendarDay.objects.exists()


STAFF = [
    ["工号", "姓名", "手机号", "单位代码", "角色"],
    ["V801", "何一", 13912340001, 439900101, "走访干部"],
    ["V801", "何一", 13912340001, "439900101201", "村（社区）管理员"],
    ["H801", "何二", None, "439900D10", "部门承办人"],
]


def test_users_are_imported_with_their_posts_and_the_second_time_left_alone(cast, client):
    upload(client, "user", *STAFF)
    user = User.objects.get(staff_number="V801")
    assert (user.name, user.phone, user.pinyin) == ("何一", "13912340001", "hy")
    assert not user.has_usable_password()
    assert set(user.memberships.values_list("unit__code", "role")) == {
        ("439900101", "visitor"),
        ("439900101201", "village_clerk"),
    }
    assert User.objects.get(staff_number="H801").phone is None
    assert last_action() == ("admin.import", "outreach.user")
    before = User.objects.count(), Membership.objects.count()
    result, _response = upload(client, "user", *STAFF)
    assert result.totals["skip"] == 3
    assert (User.objects.count(), Membership.objects.count()) == before


@pytest.mark.parametrize(
    "row",
    [
        ["V801", "何一", "13912340001", "439900199", "走访干部"],
        ["V801", "何一", "13912340001", "439800", "系统管理员"],
        ["V801", "何一", "13912340001", "439900101", "厨师"],
        ["V801", "何一", "139", "439900101", "走访干部"],
        ["V 801", "何一", "13912340001", "439900101", "走访干部"],
        ["X001", "褚系统", None, "439900", "区级领导"],
        ["N001", "韩邻县", None, "439900", "区级领导"],
        ["", "何一", None, "439900101", "走访干部"],
        ["V801", "", None, "439900101", "走访干部"],
    ],
)
def test_user_row_with_an_error_is_shown_and_nothing_is_written(cast, client, elsewhere, row):
    before = list(User.objects.values()), list(Membership.objects.values())
    result, _response = upload(client, "user", STAFF[0], STAFF[3], row)
    assert [row.number for row in (*result.error_rows, *result.invalid_rows)] == [2]
    assert (list(User.objects.values()), list(Membership.objects.values())) == before


def test_confirming_an_upload_that_is_gone_says_so(client):
    data = {"import_file_name": "gone", "original_file_name": "a.xlsx", "format": "0", "resource": ""}
    response = client.post(reverse("admin:outreach_calendarday_process_import"), data, follow=True)
    assert response.status_code == 200
    assert "请重新上传" in response.content.decode()


def test_export_of_users_is_audited_and_within_reach(cast, client, elsewhere):
    data = {"format": "1", "resource": "", "userresource_staff_number": "on", "userresource_name": "on"}
    response = client.post(reverse("admin:outreach_user_export"), data)
    assert response.status_code == 200
    text = response.content.decode("utf-8-sig")
    assert "V001" in text
    assert "N001" not in text
    assert last_action() == ("admin.export", "outreach.user")

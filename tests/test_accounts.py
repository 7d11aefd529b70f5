"""Posts, the first administrator, and the guard no view goes without."""

import pytest
from django.contrib.messages import get_messages
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.urls import path, reverse

from outreach import checks
from outreach.access import Role, any_post, open_to_all
from outreach.models import AuditEvent, Membership, User

pytestmark = pytest.mark.django_db

# -- several posts


@pytest.fixture
def second_post(cast):
    return Membership.objects.create(user=cast.village_clerk, unit=cast.bailu, role=Role.VISITOR)


def test_menu_offers_the_switch_only_to_people_with_several_posts(cast, login, second_post):
    button = f'name="post" value="{second_post.pk}"'
    assert button in login(cast.village_clerk).get(reverse("me")).content.decode()
    assert reverse("post_switch") not in login(cast.visitor).get(reverse("me")).content.decode()


def test_switching_the_post_changes_reach_and_is_recorded(cast, login, second_post):
    client = login(cast.village_clerk)
    response = client.post(reverse("post_switch"), {"post": second_post.pk})
    assert (response.status_code, response["Location"]) == (302, reverse("home"))
    user = User.objects.get(pk=cast.village_clerk.pk)
    assert user.post == second_post
    event = AuditEvent.objects.get()
    assert (event.action, event.target, event.unit_code) == (
        "post.switch",
        f"outreach.membership:{second_post.pk}",
        "439900102",
    )
    assert client.get(reverse("home"))["Location"] == reverse("visits:phone_app")


@pytest.mark.parametrize("post", ["theirs", "", "abc", "999999999999999999999999", "\x00"])
def test_switching_to_a_post_that_is_not_ones_own_is_refused(cast, login, post):
    value = cast.leader.memberships.get().pk if post == "theirs" else post
    response = login(cast.visitor).post(reverse("post_switch"), {"post": value})
    assert response.status_code == 302
    assert [str(message) for message in get_messages(response.wsgi_request)] == ["这不是您的岗位。"]
    assert User.objects.get(pk=cast.visitor.pk).current_post is None
    assert not AuditEvent.objects.exists()


def test_lost_post_falls_back_to_another(cast, second_post):
    cast.village_clerk.current_post = second_post
    cast.village_clerk.save()
    second_post.delete()
    user = User.objects.get(pk=cast.village_clerk.pk)
    assert user.post == user.memberships.get()


def test_person_without_a_post_is_told_what_to_do(db, login):
    user = User.objects.create(staff_number="Z001", name="无岗位")
    response = login(user).get(reverse("home"))
    assert response.status_code == 403
    assert "请联系本单位管理员" in response.content.decode()


# -- the first administrator


def create_admin(**options):
    call_command("create_admin", **{"unit": "439900", "staff_number": "X900", "name": "何管理", **options})


def test_create_admin_makes_an_account_with_a_one_time_password(cast, capsys):
    create_admin()
    user = User.objects.get(staff_number="X900")
    assert user.check_password(capsys.readouterr().out.split()[-1])
    assert user.must_change_password
    assert [(post.unit, post.role) for post in user.memberships.all()] == [(cast.district, Role.SYSTEM_ADMIN)]
    assert AuditEvent.objects.get().action == "account.admin"


def test_create_admin_lets_an_administrator_back_in(cast, capsys):
    cast.system_admin.is_active = False
    cast.system_admin.save()
    create_admin(staff_number="X001")
    user = User.objects.get(pk=cast.system_admin.pk)
    assert user.is_active
    assert user.name == "褚系统"
    assert user.check_password(capsys.readouterr().out.split()[-1])
    assert user.memberships.count() == 1


@pytest.mark.parametrize("options", [{"unit": "439801"}, {"unit": "439900101"}, {"staff_number": "x y"}, {"name": ""}])
def test_create_admin_refuses_what_does_not_fit(cast, options):
    before = User.objects.count()
    with pytest.raises(CommandError):
        create_admin(**options)
    assert User.objects.count() == before


# -- the guard


def view(request):
    return HttpResponse()


def test_view_without_a_guard_is_named_by_the_system_check(monkeypatch):
    assert checks.every_view_is_guarded() == []
    patterns = [path("secret/", view, name="secret"), path("ok/", any_post(lambda request: HttpResponse()))]
    monkeypatch.setattr(checks, "get_resolver", lambda: type("Resolver", (), {"url_patterns": patterns}))
    (error,) = checks.every_view_is_guarded()
    assert (error.id, "/secret/" in error.msg) == ("outreach.E001", True)


def test_open_view_needs_no_login():
    marked = vars(open_to_all(lambda request: HttpResponse()))
    assert (marked["permission"], marked["login_required"]) == ("open", False)

"""Every URL, every role: who is turned away, who gets in, and what lies outside one's reach does not exist.

New URLs are walked by themselves; where tests/scenery.py cannot tell what belongs into one, the test says so.
"""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from outreach import access
from outreach.access import ROLE_PERMISSIONS, ROLE_SENTENCES, Permission, Role
from outreach.models import Membership, User
from tests.scenery import ALSO_NEEDS, FIGURES_OF_NEIGHBOURS, Scenery, make_scenery, views

pytestmark = pytest.mark.django_db

ROLES = [role.value for role in Role]


def as_params(chosen):
    return [pytest.param(view, id=view.name) for view in chosen]


VIEWS = list(views())
GUARDED = [view for view in VIEWS if isinstance(view.permission, Permission)]
# a phone's photos on their way are found by who sends them: a stranger's digest is a photo not yet begun
WITH_THINGS = [view for view in GUARDED if view.arguments and view.name != "visits:phone_photo"]


@pytest.fixture
def scenery(cast) -> Scenery:
    return make_scenery(cast)


def call(client: Client, url: str) -> int:
    """Return the status of GET, or of an empty POST where the view takes only that; undo what it did."""
    return call_by(client, url)[1]


def call_by(client: Client, url: str) -> tuple[str, int]:
    """Return the method the view takes, and its status."""
    with transaction.atomic():
        method, status = "GET", client.get(url).status_code
        if status == 405:
            method, status = "POST", client.post(url).status_code
        transaction.set_rollback(True)
    return method, status


def check_rows_stay_hidden(client: Client, url: str, place) -> None:
    response = client.get(url)
    assert response.status_code == 200
    if response.wsgi_request.user.post.unit.kind != "district":
        assert place.household.address not in response.content.decode()
        assert place.issue.number not in response.content.decode()


@pytest.mark.parametrize("view", as_params(VIEWS))
def test_anonymous_is_led_to_the_login_page(scenery, view):
    if view.permission == "open":
        assert call(Client(), view.url(scenery.inside)) < 500
        return
    url = view.url(scenery.inside)
    for response in (Client().get(url), Client().post(url)):
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("view", as_params(GUARDED))
def test_person_without_a_post_is_refused(scenery, login, view):
    nobody = User.objects.create(staff_number="Z001", name="无岗位")
    assert call(login(nobody), view.url(scenery.inside)) == 403


@pytest.mark.parametrize("view", as_params(GUARDED))
def test_roles_without_the_permission_are_refused_and_the_others_get_in(cast, scenery, login, view):
    url = view.url(scenery.inside)
    for role in ROLES:
        method, status = call_by(login(getattr(cast, role)), url)
        if view.permission in ROLE_PERMISSIONS[role]:
            if ALSO_NEEDS.get(view.name, view.permission) not in ROLE_PERMISSIONS[role]:
                assert status in (403, 404), role
                continue
            # an act may ask for more than the permission, such as holding the issue; a page may not
            refusals = (401, 404, 405) if method == "POST" else (401, 403, 404, 405)
            assert status not in refusals and status < 500, (role, status)
        else:
            assert status == 403, (role, status)


@pytest.mark.parametrize("view", as_params(WITH_THINGS))
def test_things_out_of_reach_do_not_exist(cast, scenery, login, view):
    elsewhere, next_door = (view.url(place) for place in (scenery.elsewhere, scenery.next_door))
    is_shared = next_door == view.url(scenery.inside)  # such as the district's campaign
    needed = {view.permission, ALSO_NEEDS.get(view.name, view.permission)}
    for role in ROLES:
        if needed <= ROLE_PERMISSIONS[role]:
            user = getattr(cast, role)
            assert call(login(user), elsewhere) == 404, (role, "another district's")
            if view.name in FIGURES_OF_NEIGHBOURS:
                check_rows_stay_hidden(login(user), next_door, scenery.next_door)
            elif user.post.unit != cast.district and not is_shared:
                assert call(login(user), next_door) == 404, (role, "the neighbours'")


@pytest.mark.parametrize("role", ROLES)
def test_home_leads_every_role_to_a_page_that_opens(cast, scenery, login, role):
    client = login(getattr(cast, role))
    response = client.get(reverse("home"))
    assert response.status_code == 302
    assert client.get(response["Location"]).status_code == 200


def test_every_role_has_permissions_and_a_sentence():
    assert set(ROLE_PERMISSIONS) == set(ROLE_SENTENCES) == set(Role)


def test_household_data_is_closed_to_system_admin_and_publicity():
    for role in (Role.SYSTEM_ADMIN, Role.PUBLICITY):
        assert not any(p.startswith(("household", "visit", "issue", "id_number")) for p in ROLE_PERMISSIONS[role])


def test_permissions_are_those_of_the_post_and_what_was_granted_on_top(cast):
    post = cast.system_admin.post
    post.grants = [Permission.HOUSEHOLD_VIEW.value]
    post.save()
    user = User.objects.get(pk=cast.system_admin.pk)
    assert access.permissions_of(user) == ROLE_PERMISSIONS[Role.SYSTEM_ADMIN] | {Permission.HOUSEHOLD_VIEW}


def test_permissions_end_with_the_account(cast):
    cast.leader.is_active = False
    assert access.permissions_of(cast.leader) == frozenset()
    assert access.reach(cast.leader) is None


def test_reach_is_that_of_the_post_acted_in(cast):
    second = Membership.objects.create(user=cast.visitor, unit=cast.bailu, role=Role.TOWNSHIP_ADMIN)
    assert access.reach(User.objects.get(pk=cast.visitor.pk)) == "439900101"
    cast.visitor.current_post = second
    cast.visitor.save()
    user = User.objects.get(pk=cast.visitor.pk)
    assert access.reach(user) == "439900102"
    assert access.permissions_of(user) == ROLE_PERMISSIONS[Role.TOWNSHIP_ADMIN]

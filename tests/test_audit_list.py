"""The page of the audit trail: whose events it shows, its filters, and names for every action the program records."""

import ast
from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from outreach import audit
from outreach.access import Role
from outreach.models import Unit
from tests.cast import make_user

APPS = ["outreach", "households", "issues", "visits", "reports"]


def page(client, **query):
    response = client.get(reverse("audit"), query)
    assert response.status_code == 200
    return response


def shown(response):
    return [row["event"].target for row in response.context["rows"]]


def test_supervisor_sees_the_districts_events_and_the_systems_newest_first(cast, login):
    county = Unit.objects.create(code="439800", name="邻县", kind="district", sort_order=90)
    stranger = make_user("N001", "韩邻县", Role.SYSTEM_ADMIN, county)
    audit.record("unit.import", "first", by=cast.system_admin)
    audit.record("login", "second", by=cast.visitor)
    audit.record("login", "foreign", by=stranger)
    audit.record("unit.import", "system", by=None)
    assert shown(page(login(cast.supervisor))) == ["system", "second", "first"]


def test_failed_login_belongs_to_the_accounts_district(cast, login):
    audit.record("login.failed", cast.visitor, by=None)
    assert len(shown(page(login(cast.supervisor)))) == 1


def test_detail_reads_in_chinese_and_leaves_out_what_is_empty(cast, login):
    audit.record("unit.import", "units.csv", by=None, created=3, errors=0, units=["439900", "439901"], group=None)
    (row,) = page(login(cast.supervisor)).context["rows"]
    assert (row["actor"], row["action"]) == ("系统", "导入单位")
    assert row["detail"] == "单位 439900、439901 · 新增 3"


@pytest.fixture
def events(cast):
    audit.record("login", "visitor", by=cast.visitor)
    audit.record("unit.import", "admin", by=cast.system_admin)
    audit.record("password.reset", cast.visitor, by=cast.system_admin)


def test_filters_narrow_the_list(cast, login, events):
    client = login(cast.supervisor)
    about_visitor = f"outreach.user:{cast.visitor.pk}"
    assert shown(page(client, action="unit.import")) == ["admin"]
    assert shown(page(client, person="V001")) == [about_visitor, "visitor"]
    assert shown(page(client, person="褚系统")) == [about_visitor, "admin"]
    today = timezone.localdate()
    assert len(shown(page(client, since=today, until=today))) == 3
    assert shown(page(client, since=today + timedelta(days=1))) == []
    assert "没有符合条件的记录" in page(client, until=today - timedelta(days=1)).content.decode()


@pytest.mark.parametrize(
    "query",
    [
        {"page": "abc"},
        {"page": "9" * 30},
        {"action": "nothing"},
        {"action": "\x00"},
        {"person": "\x00"},
        {"person": "x" * 5000},
        {"since": "2026-13-77"},
        {"until": "9999-99-99"},
        {"since": "0001-01-01"},
        {"until": "9999-12-31"},
    ],
)
def test_junk_in_the_query_string_is_no_error(cast, login, events, query):
    page(login(cast.supervisor), **query)


def test_list_costs_the_same_for_three_and_fifty_events(
    cast, login, events, django_assert_num_queries, django_assert_max_num_queries
):
    client = login(cast.supervisor)
    page(client)
    with django_assert_max_num_queries(20) as few:
        page(client)
    for n in range(47):
        audit.record("login", f"thing:{n}", by=cast.visitor)
    with django_assert_num_queries(len(few)):
        assert len(shown(page(client))) == 50


def recorded_actions():
    """Yield every action the source hands to audit.record, or to a function that hands it on."""
    for app in APPS:
        for path in (settings.BASE_DIR / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                name = ""
                if isinstance(node, ast.Call) and node.args:
                    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in ("record", "_audit"):
                    for part in ast.walk(node.args[0]):
                        if isinstance(part, ast.Constant) and isinstance(part.value, str):
                            yield part.value
                if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "verb":
                    yield from (part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant))


def test_every_action_has_a_name_on_screen():
    actions = set(recorded_actions())
    assert {"login", "unit.import", "campaign.create", "account.off"} <= actions
    # an f-string yields its beginning, resident_change., and the words put into it
    names = [*audit.LABELS, "accept", "refuse"]
    assert [action for action in actions if not any(name.startswith(action) for name in names)] == []

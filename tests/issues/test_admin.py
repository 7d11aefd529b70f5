from __future__ import annotations

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile

from issues.models import Attachment, Category, Issue, IssueEvent, KindLimit
from outreach.models import AuditEvent
from tests.issues.make import category, issue_at, route

pytestmark = pytest.mark.django_db


def test_no_issue_data_is_in_the_admin():
    assert not {Issue, IssueEvent, Attachment} & set(admin.site._registry)


@pytest.mark.parametrize("path", ["category", "routingrule", "kindlimit"])
def test_the_system_administrator_opens_the_lists_and_nobody_else_does(cast, login, path):
    route(cast.roads)
    issue_at(cast, text="不应出现的内容")
    response = login(cast.system_admin).get(f"/admin/issues/{path}/?q=路")
    assert response.status_code == 200 and "不应出现的内容" not in response.content.decode()
    for person in (cast.district_office, cast.leader, cast.township_admin):
        assert login(person).get(f"/admin/issues/{path}/").status_code in (302, 403)


def test_the_category_list_costs_the_same_queries_for_any_number_of_rows(cast, login, connection_queries):
    client = login(cast.system_admin)
    many = connection_queries(lambda: client.get("/admin/issues/category/"))
    few = connection_queries(lambda: client.get("/admin/issues/category/?kind=hazard"))
    assert many == few


def test_a_limit_is_changed_and_audited(cast, login):
    response = login(cast.system_admin).post(
        "/admin/issues/kindlimit/need/change/", {"workdays": 9, "urgent_workdays": 2, "_save": "1"}
    )
    assert response.status_code == 302
    limit = KindLimit.objects.get(pk="need")
    assert (limit.workdays, limit.urgent_workdays) == (9, 2)
    assert AuditEvent.objects.filter(action="admin.change", target="issues.kindlimit:need").exists()


def test_a_category_cannot_stand_below_itself(cast, login):
    root, child = category("交通道路"), category("路灯照明")
    response = login(cast.system_admin).post(
        f"/admin/issues/category/{root.pk}/change/",
        {"code": root.code, "name": root.name, "parent": child.pk, "kind": "need", "sort_order": 1, "is_active": "on"},
    )
    assert response.status_code == 200 and "不能位于自身之下" in response.content.decode()
    root.refresh_from_db()
    assert root.parent is None


def test_categories_leave_and_come_back_as_a_table(cast):
    from issues.resources import CategoryResource

    table = CategoryResource().export()
    assert len(table) == Category.objects.count()
    before = list(Category.objects.values())
    result = CategoryResource().import_data(table, raise_errors=True)
    assert result.totals["skip"] == len(table) and list(Category.objects.values()) == before


def test_a_hostile_category_table_is_refused(cast, login):
    client = login(cast.system_admin)
    upload = SimpleUploadedFile("c.csv", b"code,name,parent\n99,,nowhere\n")
    response = client.post("/admin/issues/category/import/", {"import_file": upload, "format": "0"})
    assert response.status_code == 200 and not Category.objects.filter(code="99").exists()

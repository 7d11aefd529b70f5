"""The admin's tables of households: closed to the system administrator until it was granted."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import Workbook

from households.models import Category, Household, Resident
from outreach.access import Permission

PAGES = ["/admin/households/household/", "/admin/households/resident/"]


@pytest.fixture
def granted(cast, login):
    """A system administrator to whom looking at households was granted."""
    post = cast.system_admin.memberships.get()
    post.grants = [Permission.HOUSEHOLD_VIEW.value]
    post.save()
    return login(cast.system_admin)


def add_households(cast, first: int, count: int) -> None:
    for n in range(first, first + count):
        household = Household.objects.create(village=cast.shiqiao, number=str(n), head_name=f"张{n}")
        Resident.objects.create(household=household, name=f"张{n}", relation="01")


@pytest.mark.parametrize("page", PAGES)
def test_system_admin_sees_no_household_by_default(cast, login, page):
    assert login(cast.system_admin).get(page).status_code == 403


@pytest.mark.parametrize("page", PAGES)
def test_granted_lists_cost_the_same_queries_for_1_and_20_rows(cast, granted, page):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert granted.get(page).status_code == 200
        return len(captured)

    add_households(cast, 1, 1)
    queries()
    few = queries()
    add_households(cast, 2, 19)
    assert queries() == few


def test_granted_admin_may_look_and_not_change(cast, granted):
    add_households(cast, 1, 1)
    resident = Resident.objects.get()
    assert granted.get(f"/admin/households/resident/{resident.pk}/change/").status_code == 200
    assert granted.post(f"/admin/households/resident/{resident.pk}/change/", {"name": "x"}).status_code == 403
    assert granted.get("/admin/households/household/add/").status_code == 403


def test_categories_are_imported_with_their_spellings(cast, login):
    client = login(cast.system_admin)
    book = Workbook()
    book.active.append(["编码", "名称", "优先级", "其他写法", "顺序"])
    book.active.append(["gaoling", "高龄老人", 65, "高龄、八十以上", 20])
    out = io.BytesIO()
    book.save(out)
    file = SimpleUploadedFile("类别.xlsx", out.getvalue())
    page = client.post("/admin/households/category/import/", {"import_file": file, "format": "0"})
    assert page.status_code == 200
    client.post("/admin/households/category/process_import/", page.context["confirm_form"].initial)
    category = Category.objects.get(code="gaoling")
    assert (category.name, category.priority, category.aliases) == ("高龄老人", 65, ["高龄", "八十以上"])

"""The official poll's register."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from surveys.models import PollResult

pytestmark = pytest.mark.django_db

HEAD = ["年度", "批次", "层级", "指标", "满分", "本区得分", "名次", "参评县数", "来源", "甲县", "乙县"]
ROWS = [
    [2025, "上半年", "省", "安全感", 100, 91.5, 4, 5, "省民调通报", 96, 93.25],
    [2025, "上半年", "省", "对公安的满意度", 10, 9.5, 5, 5, "", 10, 10],
    [2024, "下半年", "省", "对公安的满意度", 10, 9, 5, 5, "", 9, 10],
]


def upload(client, rows, *, take_over=True, head=HEAD):
    book = Workbook()
    book.active.append(head)
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    data = {"file": SimpleUploadedFile("民调.xlsx", out.getvalue())} | ({"take_over": "on"} if take_over else {})
    return client.post(reverse("surveys:poll_upload"), data)


def test_a_workbook_is_only_checked_until_it_is_taken_over(client, cast):
    client.force_login(cast.district_office)
    page = upload(client, ROWS, take_over=False)
    assert page.status_code == 200 and len(page.context["rows"]) == 3
    assert not PollResult.objects.exists()
    assert upload(client, ROWS).status_code == 302
    result = PollResult.objects.get(item="安全感")
    assert (result.year, result.level, result.score, result.rank, result.counties) == (2025, "province", 91.5, 4, 5)
    assert result.peers == {"甲县": "96", "乙县": "93.25"}


def test_a_second_import_replaces_what_was_entered(client, cast):
    client.force_login(cast.district_office)
    upload(client, ROWS)
    changed = [[*ROWS[0][:5], 92, 3, *ROWS[0][7:]]]
    assert upload(client, changed).status_code == 302
    assert PollResult.objects.count() == 3
    assert PollResult.objects.get(item="安全感").score == 92


@pytest.mark.parametrize(
    "row",
    [
        ["x", "", "省", "安全感", 100, 90, 1, 5, "", 1, 1],
        [2025, "", "县", "安全感", 100, 90, 1, 5, "", 1, 1],
        [2025, "", "省", "", 100, 90, 1, 5, "", 1, 1],
        [2025, "", "省", "安全感", 100, 101, 1, 5, "", 1, 1],
        [2025, "", "省", "安全感", 100, 90, 6, 5, "", 1, 1],
        [2025, "", "省", "安全感", 100, 90, 1, 5, "", "很好", 1],
        [9e99, "", "省", "安全感", 1e300, "NaN", -1, 5, "", 1, 1],
        [2025, "", "省", "另一", 100, 90, 99999, 5, "", 1, 1],
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_taken_over(client, cast, row):
    client.force_login(cast.district_office)
    page = upload(client, [[*ROWS[0][:3], "别的", *ROWS[0][4:]], row])
    assert page.status_code == 422
    assert not PollResult.objects.exists()
    assert [bool(each.errors) for each in page.context["rows"]] == [False, True]


def test_what_is_no_such_table_is_refused(client, cast):
    client.force_login(cast.district_office)
    assert upload(client, ROWS, head=["a"] * 11).status_code == 422
    data = {"file": SimpleUploadedFile("x.xlsx", b"PK\x03\x04junk"), "take_over": "on"}
    assert client.post(reverse("surveys:poll_upload"), data).status_code == 422
    assert client.post(reverse("surveys:poll_upload"), {}).status_code == 422


def test_the_list_shows_the_gap_to_the_next_above_and_what_peers_did_not_lose_and_what_was_lost_again(client, cast):
    client.force_login(cast.district_office)
    upload(client, ROWS)
    page = client.get(reverse("surveys:polls"))
    by_item = {row.result.item: row for row in page.context["rows"]}
    safe, police = by_item["安全感"], by_item["对公安的满意度"]
    assert safe.above == ("乙县", Decimal("1.75")) and not safe.only_we
    assert police.only_we and police.again and police.years_lost == (2024,)
    client.force_login(cast.township_admin)
    assert client.get(reverse("surveys:polls")).status_code == 200
    assert client.get(reverse("surveys:poll_upload")).status_code == 403


def test_the_template_has_the_columns_and_a_result_can_be_taken_out(client, cast):
    client.force_login(cast.district_office)
    upload(client, ROWS)
    book = load_workbook(io.BytesIO(client.get(reverse("surveys:poll_template")).content))
    assert sorted(cell.value for cell in book.active[1]) == sorted(HEAD)
    client.post(reverse("surveys:poll_delete", args=[PollResult.objects.first().pk]))
    assert PollResult.objects.count() == 2

"""Figures entered by hand, bonuses and deductions: entered by one person, decided on by another, with evidence."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook
from PIL import Image

from outreach.models import Campaign, User
from reports import gathering
from reports.actions import marks, schemes
from reports.models import AdjustmentEntry, EnteredFigure, EvidenceFile
from reports.presets import PRESETS
from tests.cast import make_user

D = Decimal


@pytest.fixture
def scheme(cast):
    today = timezone.localdate()
    campaign = Campaign.objects.create(
        name="群众工作月",
        district=cast.district,
        starts_on=today - timedelta(days=20),
        ends_on=today + timedelta(days=20),
        state="open",
    )
    content = PRESETS["township"].build(()).to_json()
    draft = schemes.create_scheme(campaign=campaign, name="办法", content=content, by=cast.district_office)
    return schemes.publish_scheme(scheme=draft, by=cast.district_office)


def row(unit, scheme, hits="47", cases="50", days=5) -> marks.FigureRow:
    start = scheme.campaign.starts_on
    value = (100 * D(hits) / D(cases)).quantize(D("0.01"))
    return marks.FigureRow("spot_check", unit, start, start + timedelta(days=days), D(hits), D(cases), value, "抽查")


def photo(name="a.jpg") -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(out, "JPEG")
    return SimpleUploadedFile(name, out.getvalue(), "image/jpeg")


def propose(cast, scheme, unit, by: User, **changes) -> AdjustmentEntry:
    items = {item.key: item for item in scheme.read_content().items}
    values = {"points": D("0.5"), "reason": "锦旗", "happened_on": scheme.campaign.starts_on} | changes
    item = replace(items[values.pop("item", "late_report")], evidence=False)
    return marks.propose_adjustment(campaign=scheme.campaign, item=item, unit=unit, by=by, **values)


# ---- entered figures


def test_a_figure_counts_once_another_person_has_approved_it(cast, scheme):
    [figure] = marks.enter_figures(campaign=scheme.campaign, rows=[row(cast.qingxi, scheme)], by=cast.district_office)

    def reading():
        today = timezone.localdate()
        units = gathering.gather(scheme.campaign, scheme.read_content(), first=None, last=today, today=today)
        return next(unit for unit in units if unit.code == cast.qingxi.code).readings.get("spot_check")

    assert reading() is None or reading().value is None
    with pytest.raises(PermissionDenied):
        marks.decide_figures(figures=[figure], approve=True, by=cast.district_office)
    assert marks.decide_figures(figures=[figure], approve=True, by=cast.supervisor) == 1
    assert reading().value == 94
    assert marks.decide_figures(figures=[figure], approve=False, by=cast.supervisor) == 0  # decided already


def test_the_database_refuses_a_figure_approved_by_who_entered_it(cast, scheme):
    [figure] = marks.enter_figures(campaign=scheme.campaign, rows=[row(cast.qingxi, scheme)], by=cast.district_office)
    with pytest.raises(IntegrityError), transaction.atomic():
        EnteredFigure.objects.filter(pk=figure.pk).update(
            state="approved", decided_at=timezone.now(), decided_by=cast.district_office
        )


def test_figures_are_stored_all_or_none(cast, scheme):
    first = row(cast.qingxi, scheme)
    marks.enter_figures(campaign=scheme.campaign, rows=[first], by=cast.district_office)
    with pytest.raises(ValidationError, match="青溪镇"):
        marks.enter_figures(campaign=scheme.campaign, rows=[row(cast.bailu, scheme), first], by=cast.district_office)
    assert EnteredFigure.objects.count() == 1


def test_units_enter_no_figures_of_their_own(cast, scheme):
    for user in (cast.township_admin, cast.department_head):
        with pytest.raises(PermissionDenied):
            marks.enter_figures(campaign=scheme.campaign, rows=[row(cast.qingxi, scheme)], by=user)


def enter_url(scheme) -> str:
    return reverse("reports:figure_enter", args=[scheme.campaign_id, "spot_check"])


def typed(scheme, **cells) -> dict[str, str]:
    start = scheme.campaign.starts_on
    return {"first": f"{start}", "last": f"{start + timedelta(days=6)}", "evidence": "督查组"} | cells


def test_typed_figures_are_stored_and_wrong_ones_shown_where_they_stand(cast, login, scheme):
    client = login(cast.district_office)
    cells = {"numerator-439900101": "47", "denominator-439900101": "５０"}
    wrong = {"numerator-439900102": "60", "denominator-439900102": "50"}
    response = client.post(enter_url(scheme), typed(scheme, **cells, **wrong))
    assert response.status_code == 422 and 'value="60"' in response.content.decode()
    assert not EnteredFigure.objects.exists()
    assert client.post(enter_url(scheme), typed(scheme, **cells)).status_code == 302
    figure = EnteredFigure.objects.get()
    assert (figure.unit, figure.value, figure.denominator, figure.state) == (cast.qingxi, 94, 50, "entered")


def test_a_filled_in_workbook_is_shown_and_not_stored(cast, login, scheme):
    client = login(cast.district_office)
    template = client.get(reverse("reports:figure_template", args=[scheme.campaign_id, "spot_check"]))
    book = load_workbook(io.BytesIO(template.content))
    sheet = book.active
    assert [cell.value for cell in sheet[3]][:2] == ["439900101", "青溪镇"]
    sheet["C3"], sheet["D3"] = 47, 50
    sheet["C4"], sheet["D4"] = 60, 50
    sheet.append(["439900999", "外镇", 1, 2])
    out = io.BytesIO()
    book.save(out)
    upload = SimpleUploadedFile("填报.xlsx", out.getvalue())
    response = client.post(enter_url(scheme), typed(scheme, upload="1") | {"workbook": upload})
    page = response.content.decode()
    assert response.status_code == 200
    assert (response.context["filled"], response.context["wrong"]) == (1, 1)
    assert 'value="47"' in page and "外镇" in page and 'value="督查组"' in page
    assert not EnteredFigure.objects.exists()


@pytest.mark.parametrize("content", [b"", b"no workbook", b"PK\x03\x04broken"])
def test_a_file_that_is_no_workbook_is_refused_in_words(cast, login, scheme, content):
    upload = SimpleUploadedFile("a.xlsx", content)
    response = login(cast.district_office).post(enter_url(scheme), typed(scheme, upload="1") | {"workbook": upload})
    assert response.status_code == 422 and response.context["upload"].errors["workbook"]


# ---- bonuses and deductions


def test_who_proposed_does_not_decide_and_the_database_agrees(cast, scheme):
    entry = propose(cast, scheme, cast.qingxi, cast.district_office)
    with pytest.raises(PermissionDenied):
        marks.decide_adjustment(entry=entry, approve=True, decision="", by=cast.district_office)
    with pytest.raises(IntegrityError), transaction.atomic():
        AdjustmentEntry.objects.filter(pk=entry.pk).update(
            state="approved", decided_at=timezone.now(), decided_by=cast.district_office
        )
    decided = marks.decide_adjustment(entry=entry, approve=True, decision="", by=cast.supervisor)
    assert (decided.state, decided.decided_by) == ("approved", cast.supervisor)
    with pytest.raises(ValidationError):
        marks.decide_adjustment(entry=entry, approve=False, decision="改", by=cast.supervisor)


def test_a_unit_never_decides_on_itself_even_with_the_right_granted(cast, scheme):
    other = make_user("A009", "钱二", "township_admin", cast.qingxi)
    other.post.grants = ["score.decide"]
    other.post.save()
    entry = propose(cast, scheme, cast.qingxi, cast.township_admin)
    with pytest.raises(PermissionDenied):
        marks.decide_adjustment(entry=entry, approve=True, decision="", by=User.objects.get(pk=other.pk))


def test_an_item_that_asks_for_evidence_and_limits_gets_both(cast, scheme, login):
    item = {**scheme.content["items"][1]}
    assert item["key"] == "praise" and item["evidence"]
    client = login(cast.township_admin)
    data = {
        "item": f"{scheme.pk}.praise",
        "unit": cast.qingxi.code,
        "points": "5",
        "happened_on": f"{scheme.campaign.starts_on}",
        "reason": "锦旗",
    }
    response = client.post(reverse("reports:adjustment_new"), data)
    assert response.status_code == 422 and len(response.context["form"].non_field_errors()) == 2
    response = client.post(reverse("reports:adjustment_new"), data | {"points": "0.5", "papers": photo()})
    entry = AdjustmentEntry.objects.get()
    assert response["Location"] == reverse("reports:adjustment", args=[entry.pk])
    assert (entry.unit, entry.points, entry.kind, entry.files.count()) == (cast.qingxi, D("0.5"), "bonus", 1)


def test_evidence_is_for_the_unit_and_those_above_who_see_households(cast, scheme, login):
    entry = propose(cast, scheme, cast.qingxi, cast.township_admin, item="late_report")
    file = EvidenceFile.objects.create(
        adjustment=entry, file=photo(), content_type="image/jpeg", sha256="0" * 64, size=1, added_by=cast.township_admin
    )
    url = reverse("reports:evidence", args=[file.pk])
    for user, status in (
        (cast.township_admin, 200),
        (cast.district_office, 200),
        (cast.supervisor, 200),
        (cast.outside_admin, 404),
        (cast.department_head, 404),
        (cast.publicity, 404),
    ):
        response = login(user).get(url)
        assert response.status_code == status, user
    assert "sandbox" in login(cast.supervisor).get(url)["Content-Security-Policy"]


def test_what_is_only_proposed_shows_to_the_office_and_the_unit_alone(cast, scheme):
    entry = propose(cast, scheme, cast.qingxi, cast.township_admin)
    seen = [name for name, user in cast.people().items() if AdjustmentEntry.objects.visible_to(user).exists()]
    assert sorted(seen) == ["district_office", "supervisor", "township_admin"]
    marks.decide_adjustment(entry=entry, approve=True, decision="", by=cast.supervisor)
    assert AdjustmentEntry.objects.visible_to(cast.outside_admin).exists()


def test_a_refusal_says_why_and_junk_decides_nothing(cast, scheme, login):
    entry = propose(cast, scheme, cast.qingxi, cast.district_office)
    url = reverse("reports:adjustment_decide", args=[entry.pk])
    client = login(cast.supervisor)
    for data in ({}, {"do": "x"}, {"do": "refuse"}, {"do": "refuse", "decision": "长" * 301}, {"do": "\x00"}):
        assert client.post(url, data).status_code == 422, data
    assert client.post(url, {"do": "refuse", "decision": "佐证不足"}).status_code == 302
    entry.refresh_from_db()
    assert (entry.state, entry.decision) == ("refused", "佐证不足")


@pytest.mark.parametrize("name", ["adjustments", "figures"])
def test_lists_filter_and_cost_the_same_for_one_and_many(cast, scheme, login, name):
    client, url = login(cast.supervisor), reverse(f"reports:{name}")

    def add(number: int) -> None:
        propose(cast, scheme, cast.qingxi, cast.district_office)
        rows = [row(cast.qingxi, scheme, days=number)]
        marks.enter_figures(campaign=scheme.campaign, rows=rows, by=cast.district_office)

    add(0)
    with CaptureQueriesContext(connection) as one:
        assert client.get(url).status_code == 200
    for number in range(1, 6):
        add(number)
    with CaptureQueriesContext(connection) as six:
        client.get(url)
    assert len(six) == len(one)
    for state, count in (("approved", 0), ("junk", 6)):
        assert len(client.get(url, {"state": state, "page": "abc", "campaign": "9" * 30}).context["page"]) == count

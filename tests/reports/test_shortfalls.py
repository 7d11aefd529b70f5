"""Deductions from above, shortfalls of earlier years, and units without duty."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from outreach.models import Unit
from reports import duties, shortfalls
from reports.actions import shortfalls as actions
from reports.models import AdjustmentEntry, Deduction, DeductionShare, DutyExemption, Scheme, Shortfall
from reports.presets import PRESETS
from tests.reports.plans_make import make_plan, make_task, post_of
from tests.reports.rows import make_campaign, make_duty

pytestmark = pytest.mark.django_db


def deduction(cast, **values):
    today = timezone.localdate()
    content = {
        "level": "province",
        "year": today.year,
        "round": "上半年",
        "item": "道路 交通安全",
        "points": Decimal("0.5"),
        "basis": "省通报第3期",
        "deducted_on": today,
        "person": post_of(cast.department_head),
        "measure": "逐处整改",
        "due_on": today + timedelta(days=9),
        "lesson": "",
        "shares": [(cast.roads, Decimal("0.3")), (cast.qingxi, Decimal("0.2"))],
        **values,
    }
    return actions.save_deduction(by=cast.district_office, content=actions.DeductionContent(**content))


def shortfall(cast, year=None, item="道路交通安全", person=None):
    content = actions.ShortfallContent(
        year=year or timezone.localdate().year - 1,
        item=item,
        points=Decimal("0.6"),
        cause="",
        person=person or post_of(cast.department_head),
        measure="清零",
        due_on=timezone.localdate() + timedelta(days=9),
    )
    return actions.save_shortfalls(by=cast.district_office, contents=[content])[0]


def check_deferred():
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


# --- deductions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shares", [[], ["0.3"], ["0.3", "0.3"], ["0.6", "-0.1"]])
def test_shares_that_do_not_add_up_are_refused(cast, shares):
    units = [cast.roads, cast.qingxi]
    with pytest.raises(ValidationError):
        deduction(cast, shares=[(unit, Decimal(points)) for unit, points in zip(units, shares, strict=False)])
    assert not Deduction.objects.exists()


def test_database_refuses_shares_that_do_not_add_up(cast):
    row = deduction(cast)
    check_deferred()
    for change in (
        lambda: row.shares.filter(unit=cast.roads).update(points=Decimal("0.4")),
        lambda: row.shares.filter(unit=cast.roads).delete(),
        lambda: Deduction.objects.filter(pk=row.pk).update(points=Decimal("0.7")),
        lambda: DeductionShare.objects.create(deduction=row, unit=cast.bailu, points=Decimal("0.1")),
    ):
        with pytest.raises(IntegrityError, match="add up"), transaction.atomic():
            change()
            check_deferred()


def test_totals_by_unit_and_item(cast):
    rows = [deduction(cast), deduction(cast, basis="省通报第4期", shares=[(cast.roads, Decimal("0.5"))])]
    by_unit = [(total.name, total.count, total.points) for total in shortfalls.totals_by_unit(rows, "439900")]
    assert by_unit == [("区交通运输局", 2, Decimal("0.8")), ("青溪镇", 1, Decimal("0.2"))]
    assert [(total.count, total.points) for total in shortfalls.totals_by_item(rows)] == [(2, Decimal("1.0"))]


def test_unit_sees_a_deduction_it_answers_for_or_has_a_share_of(cast):
    row = deduction(cast)
    for person, sees in (
        (cast.leader, True),
        (cast.department_handler, True),
        (cast.township_admin, True),
        (cast.outside_admin, False),
        (cast.visitor, False),
    ):
        assert Deduction.objects.visible_to(person).filter(pk=row.pk).exists() is sees


def test_answer_is_settled_by_the_office_never_by_the_unit(cast):
    row = deduction(cast)
    with pytest.raises(PermissionDenied):
        actions.answer_remedy(row=row, by=cast.township_admin, answer="已改")
    actions.answer_remedy(row=row, by=cast.department_head, answer="已改")
    with pytest.raises(PermissionDenied):
        actions.judge_remedy(row=row, by=cast.department_head, accept=True, remark="")
    with pytest.raises(ValidationError):
        actions.judge_remedy(row=row, by=cast.district_office, accept=False, remark="")
    actions.judge_remedy(row=row, by=cast.district_office, accept=False, remark="现场未见")
    row.refresh_from_db()
    assert (row.state, row.remark, row.answered_by) == ("open", "现场未见", None)
    actions.answer_remedy(row=row, by=cast.department_head, answer="补改")
    actions.judge_remedy(row=row, by=cast.district_office, accept=True, remark="")
    row.refresh_from_db()
    assert (row.state, row.settled_by) == ("settled", cast.district_office)


def test_deduction_is_proposed_for_the_own_scores_once_and_by_a_person(cast):
    campaign, row = make_campaign(cast), deduction(cast)
    assert not AdjustmentEntry.objects.exists()  # entering it proposes nothing
    with pytest.raises(ValidationError):
        actions.propose_deduction(deduction=row, by=cast.district_office, campaign=campaign, item="nonsense")
    Scheme.objects.create(
        campaign=campaign,
        name="办法",
        content=PRESETS["township"].build(()).to_json(),
        created_by=cast.supervisor,
        state="published",
        published_at=timezone.now(),
        published_by=cast.supervisor,
    )
    key = actions.deduction_items(campaign)[0][0]
    assert actions.propose_deduction(deduction=row, by=cast.district_office, campaign=campaign, item=key) == 2
    entries = {entry.unit: (entry.points, entry.state, entry.proposed_by) for entry in AdjustmentEntry.objects.all()}
    assert entries[cast.roads] == (Decimal("0.30"), "proposed", cast.district_office)
    with pytest.raises(ValidationError):
        actions.propose_deduction(deduction=row, by=cast.district_office, campaign=campaign, item=key)
    assert AdjustmentEntry.objects.count() == 2


# --- shortfalls -----------------------------------------------------------------------------------------------------


def flags_of(cast, row):
    return shortfalls.flags(cast.district, [row])[row.year, row.item_key]


def test_only_we_lost_is_said_only_where_peers_scores_are_known(cast):
    row = shortfall(cast)
    assert not flags_of(cast, row).only_we
    actions.save_peer_scores(by=cast.district_office, year=row.year, scores=[("道路交通 安全", "云岭县", Decimal(0))])
    assert flags_of(cast, row).only_we
    actions.save_peer_scores(
        by=cast.district_office, year=row.year, scores=[("道路交通安全", "清河县", Decimal("0.1"))]
    )
    assert not flags_of(cast, row).only_we


def test_lost_again_names_the_other_years(cast):
    row = shortfall(cast)
    assert flags_of(cast, row).years == ()
    deduction(cast)
    shortfall(cast, year=2020)
    assert flags_of(cast, row).years == (2020, timezone.localdate().year)


def test_shortfall_list_is_tried_then_imported(cast, login):
    url, due = reverse("reports:shortfall_import"), timezone.localdate() + timedelta(days=9)
    head = "失分项目|失分|失分原因|责任单位|责任人|整改措施|完成时限"
    good = f"安全感|1.5分|入户不实|青溪镇|钱镇管|逐户走访|{due}"
    bad = f"满意度|很多||区交通运输局|||{due}"
    client = login(cast.district_office)
    answer = client.post(url, {"year": "2025", "text": f"{head}\n{good}\n{bad}", "commit": "1"})
    assert answer.status_code == 422 and not Shortfall.objects.exists()
    assert len(answer.context["rows"][1]["row"].errors) == 2
    assert client.post(url, {"year": "2025", "text": f"{head}\n{good}", "commit": "1"}).status_code == 302
    row = Shortfall.objects.get()
    assert (row.year, row.item, row.points, row.unit) == (2025, "安全感", Decimal("1.5"), cast.qingxi)


@pytest.mark.parametrize("name", ["deduction_list", "shortfall_list"])
def test_lists_cost_the_same_for_1_and_30_rows(cast, login, name):
    client, url = login(cast.leader), reverse(f"reports:{name}")
    make = (
        (lambda n: deduction(cast, basis=f"通报{n}"))
        if name == "deduction_list"
        else (lambda n: shortfall(cast, item=f"项目{n}"))
    )
    make(0)
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        assert client.get(url).status_code == 200
    for n in range(1, 30):
        make(n)
    with CaptureQueriesContext(connection) as many:
        assert client.get(url).status_code == 200
    assert len(many) == len(few)


# --- units without duty ---------------------------------------------------------------------------------------------


def idle(cast):
    return {duty.unit for duty in duties.idle(duties.duties(cast.district, timezone.localdate()))}


def test_every_unit_is_idle_until_something_is_its_business(cast):
    everybody = set(Unit.objects.exclude(kind="district"))
    assert idle(cast) == everybody
    make_duty(make_campaign(cast), cast.shiqiao, visitor=cast.visitor)  # the township's visitor, at the village
    make_task(cast, make_plan(cast), post_of(cast.department_head), helpers=(cast.water,))
    actions.link_place(unit=cast.water, place=cast.bailu, by=cast.district_office)
    busy = {cast.shiqiao, cast.qingxi, cast.roads, cast.water, cast.bailu, cast.luzhou}
    assert idle(cast) == everybody - busy


def test_number_on_top_is_the_number_of_rows(cast, login):
    answer = login(cast.leader).get(reverse("reports:unit_duties"))
    assert answer.context["idle_count"] == len(answer.context["rows"]) == answer.context["tabs"][0]["count"] == 7


def test_exemption_needs_reason_and_end_and_takes_the_unit_off_the_list(cast, login):
    url = reverse("reports:unit_exempt", args=[cast.water.code])
    client, today = login(cast.district_office), timezone.localdate()
    for bad in ({}, {"reason": "撤并"}, {"ends_on": today}, {"reason": "撤并", "ends_on": today - timedelta(days=1)}):
        assert client.post(url, bad).status_code == 422
    assert client.post(url, {"reason": "撤并", "ends_on": today}).status_code == 302
    assert cast.water not in idle(cast)
    over = {duty.unit for duty in duties.idle(duties.duties(cast.district, today + timedelta(days=1)))}
    assert cast.water in over  # it comes back by itself
    row = DutyExemption.objects.get()
    assert client.post(reverse("reports:unit_unexempt", args=[row.pk])).status_code == 302
    assert cast.water in idle(cast)
    with pytest.raises(IntegrityError), transaction.atomic():
        DutyExemption.objects.filter(pk=row.pk).update(ends_on=None)


def test_one_step_link_takes_a_department_off_the_list(cast, login):
    url = reverse("reports:unit_link", args=[cast.water.code])
    client = login(cast.district_office)
    assert client.post(url, {"place": cast.roads.pk}).status_code == 422
    assert client.post(url, {"place": cast.bailu.pk}).status_code == 302
    assert client.post(url, {"place": cast.bailu.pk}).status_code == 422
    assert cast.water not in idle(cast)


def test_township_sees_its_own_units_only(cast, login):
    rows = login(cast.township_admin).get(reverse("reports:unit_duties")).context["rows"]
    assert {duty.unit for duty in rows} == {cast.qingxi, cast.shiqiao, cast.liutang}


def test_report_costs_the_same_for_few_and_many_units(cast, login):
    client, url = login(cast.leader), reverse("reports:unit_duties")
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    for n in range(210, 250):
        Unit.objects.create(code=f"439900101{n}", name=f"村{n}", kind="village", parent=cast.qingxi)
    with CaptureQueriesContext(connection) as many:
        assert client.get(url).context["idle_count"] == 47
    assert len(many) == len(few)

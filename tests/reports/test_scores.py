"""The ranking by frozen scores, a unit's score line by line, what moved it, and the workbook."""

from __future__ import annotations

import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from outreach.models import AuditEvent, Unit
from reports import scores
from reports.actions import snapshots
from reports.models import PastImport, PastScore
from reports.schemes import Lists, Yellow
from reports.scoring import GroupScore, LineScore, UnitScore
from tests.reports.frozen import LAST, granted_appeal, make_scheme, make_work, publish, take
from tests.reports.rows import make_duty, make_issue

D = Decimal
pytestmark = pytest.mark.django_db


def line(key: str, marks: str | None) -> LineScore:
    return LineScore(key, key, "line", D(50), D(50), None, None, None if marks is None else D(marks), ())


def unit(code: str, total: str | None, rank: int | None, *lines: LineScore) -> UnitScore:
    value = None if total is None else D(total)
    return UnitScore(code, f"单位{code}", int(code), value, rank, 1, rank, rank, "", lines)


@pytest.fixture
def scheme(cast):
    return make_scheme(cast, make_work(cast))


@pytest.fixture
def week(cast, scheme):
    return publish(cast, take(cast, scheme))


@pytest.fixture
def next_week(cast, scheme, week):
    """石桥村 catches up: 4 of 4 visited, and 青溪镇 passes 白鹭镇."""
    for _number in range(6):
        make_duty(scheme.campaign, cast.shiqiao, covered_on=LAST + timedelta(days=2))
    for _number in range(9):
        make_issue(cast, scheme.campaign, cast.shiqiao, state="closed", done_on=LAST + timedelta(days=3))
    for _number in range(4):
        make_duty(scheme.campaign, cast.luzhou)
    return publish(cast, take(cast, scheme, last=LAST + timedelta(days=7)))


def test_movement_is_told_in_places_and_none_without_a_base():
    before = GroupScore("g", "镇街", (unit("1", "90", 1), unit("2", "80", 2), unit("3", None, None)))
    now = GroupScore("g", "镇街", (unit("2", "95", 1), unit("1", "90", 2), unit("3", "10", 3), unit("4", "5", 4)))
    rows = scores.standings(now, before=before, year={"2": D("96.5")})
    assert [row.moved for row in rows] == [1, -1, None, None]
    assert [row.change for row in rows] == [D(15), D(0), None, None]
    assert [row.year_change for row in rows] == [D("-1.5"), None, None, None]
    assert scores.overtakers(before, now, "1") == (["单位2"], [])
    assert scores.overtakers(before, now, "2") == ([], ["单位1"])


def test_waterfall_leads_from_the_old_total_to_the_new_one_by_lines_that_moved():
    before = unit("1", "60", 1, line("a", "40"), line("b", "20"), line("c", None))
    after = unit("1", "55.5", 2, line("a", "35"), line("b", "20"), line("c", "3"), line("d", "-2.5"))
    chart = scores.waterfall(before, after, first="上周", last="本周")
    assert chart.labels == ["上周", "a", "c", "d", "本周"]
    assert chart.series[0].values == [D(60), D(-5), D(3), D("-2.5"), D("55.5")]
    assert scores.waterfall(before, unit("1", None, None), first="", last="") is None


@pytest.mark.parametrize(
    ("last", "share"), [(date(2026, 3, 1), "0"), (date(2026, 3, 2), "10.00"), (date(2026, 3, 11), "100.00")]
)
def test_elapsed_share_counts_the_days_that_are_over(last, share):
    assert scores.elapsed_share(date(2026, 3, 2), date(2026, 3, 11), last) == D(share)


def test_ranking_page_shows_movement_change_and_progress_against_time(cast, login, week, next_week):
    response = login(cast.township_admin).get(reverse("reports:scores", args=[next_week.pk]) + "?group=townships")
    rows = {row.unit.name: row for row in response.context["rows"]}
    assert response.context["before"] == week
    assert rows["青溪镇"].moved == 1 and rows["白鹭镇"].moved == -1
    assert rows["青溪镇"].coverage == D("80.00")
    # 18 of 91 days were over
    assert rows["青溪镇"].ahead == D("80.00") - D("19.78")
    assert "1位" in response.content.decode()


def test_score_home_leads_to_the_newest_scores_in_force(cast, login, week, next_week):
    response = login(cast.village_clerk).get(reverse("reports:score_home"))
    assert response["Location"] == reverse("reports:scores", args=[next_week.pk])
    assert login(cast.system_admin).get(reverse("reports:score_home")).status_code == 403


def test_score_home_says_what_to_do_where_nothing_is_published(cast, login, scheme):
    take(cast, scheme)
    assert "尚未发布考核得分" in login(cast.township_admin).get(reverse("reports:score_home")).content.decode()
    assert login(cast.leader).get(reverse("reports:score_home")).status_code == 302


def test_reader_of_a_village_sees_the_villages_of_the_township_first(cast, login, week):
    response = login(cast.village_clerk).get(reverse("reports:scores", args=[week.pk]))
    assert response.context["group"].key == "villages:439900101"
    assert [row.unit.name for row in response.context["rows"]] == ["石桥村", "柳塘村"]


def test_unit_page_gives_each_line_its_arithmetic_rows_and_change(cast, login, week, next_week):
    client = login(cast.township_admin)
    response = client.get(reverse("reports:score_unit", args=[next_week.pk, "439900101"]))
    rows = {row.line.key: row for row in response.context["rows"]}
    assert rows["coverage"].value_text == "80.00%" and rows["coverage"].parts_text == "8/10"
    assert rows["coverage"].value_change == D("30.00")
    assert [part.url for part in rows["coverage"].parts][-1] == reverse(
        "reports:score_rows", args=[next_week.pk, "439900101", "coverage", "missed"]
    )
    assert all(row.line.steps for row in rows.values() if row.line.marks is not None)
    assert response.context["waterfall"].series[0].values[0] == D("50.00")
    assert response.context["passed"] == ["", "白鹭镇"]
    missed = client.get([part.url for part in rows["coverage"].parts][-1])
    assert missed.context["total"] == 2


def test_rows_behind_a_neighbours_line_stay_hidden(cast, login, week):
    url = reverse("reports:score_rows", args=[week.pk, "439900102", "coverage", "denominator"])
    response = login(cast.township_admin).get(url)
    assert (response.context["total"], response.context["hidden"], response.context["rows"]) == (4, 4, [])


@pytest.mark.parametrize("line_and_part", ["nothing/rows/missed", "coverage/rows/half"])
def test_rows_of_an_unknown_line_or_part_do_not_exist(cast, login, week, line_and_part):
    assert login(cast.leader).get(f"/reports/scores/{week.pk}/439900101/{line_and_part}/").status_code == 404


def test_year_change_of_a_week_comes_from_imported_scores_of_the_same_month_never_of_the_whole_year(cast, login, week):
    source = PastImport.objects.create(district=cast.district, filename="往年.xlsx", created_by=cast.district_office)
    for month, score in ((0, "40"), (3, "45.5")):
        PastScore.objects.create(source=source, unit=cast.qingxi, year=2025, month=month, score=D(score))
    response = login(cast.leader).get(reverse("reports:score_unit", args=[week.pk, "439900101"]))
    assert response.context["year_change"] == D("50.00") - D("45.50")
    ranking = login(cast.leader).get(reverse("reports:scores", args=[week.pk]) + "?group=townships")
    assert ranking.context["has_year"]
    assert {row.unit.name: row.year_change for row in ranking.context["rows"]} == {
        "白鹭镇": None,
        "青溪镇": D("4.50"),
    }


def test_year_change_of_final_scores_comes_from_the_whole_year(cast, login, scheme):
    final = publish(cast, take(cast, scheme, kind="final"))
    source = PastImport.objects.create(district=cast.district, filename="往年.xlsx", created_by=cast.district_office)
    for month, score in ((0, "40"), (3, "45.5")):
        PastScore.objects.create(source=source, unit=cast.qingxi, year=2025, month=month, score=D(score))
    response = login(cast.leader).get(reverse("reports:score_unit", args=[final.pk, "439900101"]))
    assert response.context["year_change"] == D("10.00")


def test_score_replaced_by_a_revision_says_so(cast, login, week):
    granted_appeal(cast, week)
    revision = publish(cast, snapshots.revise(snapshot=week, why="申诉更正", by=cast.district_office))
    client = login(cast.township_admin)
    assert "已被修订" in client.get(reverse("reports:scores", args=[week.pk])).content.decode()
    assert client.get(reverse("reports:score_home"))["Location"] == reverse("reports:scores", args=[revision.pk])


def test_ranking_costs_the_same_number_of_queries_for_many_units(cast, login, scheme):
    few = publish(cast, take(cast, scheme))
    client = login(cast.leader)
    client.get(reverse("reports:scores", args=[few.pk]))
    with CaptureQueriesContext(
        connection,
    ) as of_few:
        client.get(reverse("reports:scores", args=[few.pk]) + "?group=townships")
    for number in range(30):
        code = f"4399002{number:02d}"
        Unit.objects.create(code=code, name=f"第{number}镇", kind="township", parent=cast.district, sort_order=100)
    many = publish(cast, take(cast, scheme, kind="monthly"))
    with CaptureQueriesContext(connection) as of_many:
        response = client.get(reverse("reports:scores", args=[many.pk]) + "?group=townships")
    assert len(response.context["rows"]) == 32
    assert len(of_many) == len(of_few) <= 12
    # with a snapshot before, last year's scores, and yellow cards to look for
    source = PastImport.objects.create(district=cast.district, filename="往年.xlsx", created_by=cast.district_office)
    PastScore.objects.create(source=source, unit=cast.qingxi, year=LAST.year - 1, month=LAST.month, score=D(1))
    carded = make_scheme(cast, scheme.campaign, "黄牌办法", yellow=Yellow(D(60), 2))
    publish(cast, take(cast, carded))
    later = publish(cast, take(cast, carded, last=LAST + timedelta(days=7)))
    address = reverse("reports:scores", args=[later.pk]) + "?group=townships"
    client.get(address)
    with CaptureQueriesContext(connection) as of_all:
        response = client.get(address)
    assert response.context["before"] is not None and response.context["has_year"]
    assert len(of_all) <= 12


def test_ranking_names_the_lists_and_yellow_cards_of_its_scheme(cast, login):
    campaign = make_work(cast)
    scheme = make_scheme(cast, campaign, lists=Lists(D(80), D(60)), yellow=Yellow(D(60), 2))
    client = login(cast.leader)

    def page(snapshot):
        response = client.get(reverse("reports:scores", args=[snapshot.pk]) + "?group=townships")
        named = {row["label"]: row["names"] for row in response.context["named"]}
        return response, [named[label] for label in ("红榜", "黄牌", "黑榜")]

    first = publish(cast, take(cast, scheme))
    assert page(first)[1] == ["白鹭镇", "", "青溪镇"]
    second = publish(cast, take(cast, scheme, last=LAST + timedelta(days=7)))
    response, named = page(second)
    assert named == ["白鹭镇", "青溪镇", "青溪镇"]
    assert {row.unit.name: row.low_periods for row in response.context["rows"]} == {"青溪镇": 2, "白鹭镇": 0}
    # a week without scores breaks the run
    later = publish(cast, take(cast, scheme, last=LAST + timedelta(days=21)))
    assert page(later)[1][1] == ""


def test_whole_years_scores_stand_apart_from_what_came_together_so_far(cast, login, week, next_week):
    source = PastImport.objects.create(district=cast.district, filename="往年.xlsx", created_by=cast.district_office)
    for month, score in ((0, "91"), (3, "45.5")):
        PastScore.objects.create(source=source, unit=cast.qingxi, year=2025, month=month, score=D(score))
    chart = login(cast.leader).get(reverse("reports:score_unit", args=[week.pk, "439900101"])).context["trend_chart"]
    assert chart.labels == ["2025-03", "2025年全年", "2026-03-12", "2026-03-19"]
    whole, so_far = chart.series
    assert (whole.kind, whole.values) == ("bar", [None, D(91), None, None])
    assert so_far.values[:2] == [D("45.5"), None] and None not in so_far.values[2:]


def test_rows_behind_a_frozen_line_say_that_they_are_todays(cast, login, week):
    page = login(cast.leader).get(reverse("reports:score_rows", args=[week.pk, "439900101", "coverage", "missed"]))
    assert "以下为当前明细" in page.content.decode()


def test_export_has_the_layout_of_a_township_and_is_written_to_the_trail(cast, login, week, next_week):
    response = login(cast.leader).post(reverse("reports:score_export", args=[next_week.pk]), {"group": "townships"})
    sheet = load_workbook(io.BytesIO(response.content)).active
    assert sheet["A1"].value == "星河区镇街考核得分"
    assert "2026-03-02 至 2026-03-19" in sheet["A2"].value
    assert [cell.value for cell in sheet[3]][:2] == ["排名", "单位"]
    assert [sheet.cell(4, 1).value, sheet.cell(4, 2).value] == [1, "青溪镇"]
    assert sheet.cell(4, 6).value == "↑1位"
    assert sheet.cell(6, 1).value == "合计 2 个单位，平均"
    assert sheet.freeze_panes == "C4" and sheet.page_setup.orientation == "landscape"
    event = AuditEvent.objects.get(action="score.exported")
    assert event.detail["group"] == "townships"


@pytest.mark.parametrize(
    "query", ["?group=%00", "?group=zzz", "?against=abc", "?against=99999999999999999999", "?page=abc"]
)
def test_junk_in_the_address_shows_the_usual_page(cast, login, week, query):
    client = login(cast.leader)
    assert client.get(reverse("reports:scores", args=[week.pk]) + query).status_code == 200
    assert client.get(reverse("reports:score_unit", args=[week.pk, "439900101"]) + query).status_code == 200
    assert client.get(reverse("reports:snapshot_list") + query).status_code == 200

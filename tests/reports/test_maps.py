"""The map of units and the chart of effort against result: classes, links, totals, what is left out."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from outreach.models import Unit
from reports import effort, maps, screen_actions
from reports.ranking import Reader
from reports.tasks import refresh_rollups
from tests.reports.rows import START, make_campaign, make_duty, make_issue, make_visit
from tests.reports.test_boundaries import collection, feature, square

pytestmark = pytest.mark.django_db

URL = reverse("reports:map")
EFFORT = reverse("reports:effort")


@pytest.fixture(autouse=True)
def few_are_ranked(settings):
    settings.RANKING_MIN_DENOMINATOR = 2


@pytest.fixture
def campaign(cast):
    """青溪镇 3 of 4 visited (石桥村 3 of 3, 柳塘村 0 of 1), 白鹭镇 1 of 2; an issue of 青溪镇 itself; one overdue."""
    campaign = make_campaign(cast)
    for number in range(3):
        # one of the three is a priority household, and one was not talked to the end
        duty = make_duty(campaign, cast.shiqiao, covered_on=START, visitor=cast.visitor, met=bool(number))
        type(duty.household).objects.filter(pk=duty.household.pk).update(priority=number % 2)
        make_visit(cast, campaign, duty.household, START)
    make_duty(campaign, cast.liutang)
    make_duty(campaign, cast.luzhou, covered_on=START)
    make_duty(campaign, cast.luzhou)
    for state in ("closed", "closed", "accepted"):
        make_issue(cast, campaign, cast.shiqiao, state=state, due_on=timezone.localdate() - timedelta(days=1))
    make_issue(cast, campaign, cast.qingxi, state="closed")
    refresh_rollups()
    return campaign


def shown(campaign, cast, *, scope=None, figure="coverage", reader=None):
    units = sorted(Unit.objects.all(), key=lambda unit: unit.kind != "district")
    return maps.build(
        campaign=campaign,
        units=units,
        scope=scope or cast.district,
        figure=figure,
        reader=reader or Reader.of(cast.leader),
        today=timezone.localdate(),
    )


def standing(drawn):
    return [(unit.number, unit.unit.name, unit.shown, unit.parts, unit.word) for unit in drawn.units]


def test_map_of_the_district_shows_its_townships_in_official_order(cast, campaign):
    drawn = shown(campaign, cast)
    assert standing(drawn) == [(1, "青溪镇", "75.00%", "3/4", "较高"), (2, "白鹭镇", "50.00%", "1/2", "较低")]
    assert (drawn.total.shown, drawn.total.parts) == ("66.67%", "4/6")
    assert [(each.word, each.range, each.units) for each in drawn.classes] == [
        ("较低", "50.00%", 1),
        ("较高", "75.00%", 1),
    ]


def test_map_of_a_township_shows_its_villages_and_sets_those_with_few_cases_apart(cast, campaign):
    drawn = shown(campaign, cast, scope=cast.qingxi)
    assert standing(drawn) == [(1, "石桥村", "100.00%", "3/3", "相同"), (2, "柳塘村", "0.00%", "0/1", "数量过少")]
    assert [unit.shade for unit in drawn.units] == [3, 0]
    assert sum(each.units for each in drawn.classes) == len(drawn.units)


def test_unit_without_a_base_has_no_class(cast, campaign):
    drawn = shown(campaign, cast, figure="solution")
    assert [(unit.unit.name, unit.shown, unit.word) for unit in drawn.units] == [
        ("青溪镇", "75.00%", "相同"),
        ("白鹭镇", "—", "无基数"),
    ]


@pytest.mark.parametrize("figure", sorted(maps.choices()))
def test_value_opens_its_rows(cast, campaign, login, figure):
    drawn = shown(campaign, cast, figure=figure)
    assert any(unit.rows_url for unit in drawn.units)
    client = login(cast.leader)
    for unit in drawn.units:
        assert bool(unit.rows_url) == bool(unit.value)
        if unit.rows_url:
            rows = client.get(unit.rows_url)
            count = unit.reading.denominator if unit.reading else int(unit.value)
            assert (rows.status_code, rows.context["total"]) == (200, count)
        assert client.get(unit.page_url).status_code == 200
        assert client.get(unit.url).status_code == 200


def test_rows_are_not_offered_to_who_may_not_see_them(cast, campaign):
    drawn = shown(campaign, cast, reader=Reader.of(cast.publicity))
    assert [unit.rows_url for unit in drawn.units] == ["", ""]


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([], []),
        ([5, 5, 5], [(5, 5)]),
        ([3, 1, 2, 2], [(1, 1), (2, 2), (3, 3)]),
        (range(1, 11), [(1, 2), (3, 4), (5, 6), (7, 8), (9, 10)]),
        ([0] * 8 + [1, 2, 3, 4, 5], [(0, 0), (1, 2), (3, 5)]),
    ],
)
def test_classes_hold_about_the_same_number_of_units_and_never_part_equals(values, classes):
    found = maps.cut([Decimal(value) for value in values])
    assert found == classes
    assert all(sum(low <= value <= high for low, high in found) == 1 for value in values)


def test_page_shows_tiles_without_boundaries_and_outlines_with_them(cast, campaign, login):
    client = login(cast.leader)
    tiles = client.get(URL).content.decode()
    assert 'class="tile tile--4"' in tiles
    assert "map-drawing" not in tiles
    content = collection(
        feature({"name": "石桥村"}),
        feature({"name": "柳塘村"}, square(112.52, 27.5)),
        feature({"name": "白鹭镇"}, square(112.5, 27.52)),
    )
    file = screen_actions.read_boundaries(
        district=cast.district, filename="a.geojson", content=content, datum="gcj02", by=None
    )
    screen_actions.apply_boundaries(file=file, by=None)
    drawn = client.get(URL).content.decode()
    # 青溪镇 has no outline of its own: it is drawn from its villages
    assert drawn.count('<path class="map-unit') == 2
    assert 'aria-label="青溪镇 75.00% (3/4) 较高"' in drawn
    assert "GCJ-02" in drawn
    assert 'class="tile ' not in drawn
    Unit.objects.create(code="439900103", name="新设镇", kind="township", parent=cast.district, sort_order=50)
    assert 'class="tile tile--0"' in client.get(URL).content.decode()


@pytest.mark.parametrize("url", [URL, EFFORT])
@pytest.mark.parametrize(
    "query", ["unit=439900101201", "unit=zzz", "campaign=x", "figure=pie", "result=pie", "level=x"]
)
def test_unknown_choice_shows_the_usual_one_with_a_notice(cast, campaign, login, url, query):
    answer = login(cast.leader).get(f"{url}?{query}")
    known = (url == URL) == query.startswith("figure") or query.startswith(("unit", "campaign"))
    assert (answer.status_code == 400) == known or query.startswith(("result", "level"))
    assert "青溪镇" in answer.content.decode()


@pytest.mark.parametrize("url", [URL, EFFORT])
def test_page_before_any_campaign_says_what_to_do(cast, login, url):
    assert "活动" in login(cast.leader).get(url).content.decode()


@pytest.mark.parametrize("url", [f"{URL}?unit=439900101", URL, f"{EFFORT}?level=village"])
def test_more_units_cost_no_more_queries(cast, campaign, login, url, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = login(cast.leader)
    client.get(url)
    with CaptureQueriesContext(connection) as first:
        client.get(url)
    for number in range(30):
        village = Unit.objects.create(
            code=f"4399001013{number:02}", name=f"村{number}", kind="village", parent=cast.qingxi, sort_order=60
        )
        for _duty in range(2):
            make_duty(campaign, village, covered_on=START)
    refresh_rollups()
    with django_assert_num_queries(len(first)):
        client.get(url)
    assert len(first) <= 20


def compared(campaign, cast, **asked):
    units = sorted(Unit.objects.all(), key=lambda unit: unit.kind != "district")
    asked = {"scope": cast.district, "level": "township", "effort": "visits", "result": "solution", **asked}
    return effort.compare(campaign=campaign, units=units, today=timezone.localdate(), **asked)


def test_effort_and_result_stand_beside_each_other_for_units_with_enough_cases(cast, campaign):
    found = compared(campaign, cast)
    assert [(point.unit.name, point.effort, point.result, point.denominator) for point in found.points] == [
        ("青溪镇", Decimal("0.75"), Decimal("75.00"), 4)
    ]
    assert found.left_out == [cast.bailu]
    assert compared(campaign, cast, effort="handled").points[0].effort == Decimal("75.00")


def test_chart_of_effort_opens_units_and_names_no_person(cast, campaign, login):
    page = login(cast.leader).get(EFFORT).content.decode()
    assert 'data-chart="scatter"' in page
    assert reverse("boards:unit", args=[cast.qingxi.code]) in page
    assert "李走访" not in page
    assert "不能单凭此图加分或扣分" in page


def test_villages_inside_a_township_are_compared(cast, campaign):
    found = compared(campaign, cast, scope=cast.qingxi, level="village")
    assert [point.unit.name for point in found.points] == ["石桥村"]
    assert found.left_out == [cast.liutang]

"""The ranking page, the rows behind its figures, and its export."""

import io
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from households.models import Household
from outreach.models import AuditEvent, Campaign, Unit
from reports import facts, figures
from reports.models import Freshness
from reports.ranking import Reader, build
from reports.tasks import refresh_rollups
from tests.reports.rows import START, make_campaign, make_duty, make_issue

URL = reverse("reports:ranking")
EXPORT = reverse("reports:ranking_export")


@pytest.fixture(autouse=True)
def few_are_ranked(settings):
    settings.RANKING_MIN_DENOMINATOR = 1


@pytest.fixture
def campaign(cast):
    """青溪镇: 石桥村 2 of 3 visited, 柳塘村 0 of 1; 白鹭镇: 鹭洲村 1 of 1; issues of every outcome and place."""
    campaign = make_campaign(cast)
    make_duty(campaign, cast.shiqiao, covered_on=START, visitor=cast.visitor)
    make_duty(campaign, cast.shiqiao, covered_on=START, met=False)
    make_duty(campaign, cast.shiqiao)
    make_duty(campaign, cast.shiqiao, state="off_roster")
    make_duty(campaign, cast.liutang)
    make_duty(campaign, cast.luzhou, covered_on=START + timedelta(days=1))
    today = timezone.localdate()
    for place in (cast.shiqiao, cast.luzhou, cast.qingxi, cast.district):
        make_issue(cast, campaign, place, state="closed", outcome="solved")
    for outcome in ("explained", "not_accepted", "reported", "withdrawn"):
        make_issue(cast, campaign, cast.shiqiao, state="closed", outcome=outcome)
    for state in ("done", "verified", "paused", "reported", "refused"):
        make_issue(cast, campaign, cast.shiqiao, state=state, due_on=today - timedelta(days=1))
    make_issue(cast, campaign, cast.shiqiao, state="accepted", due_on=today - timedelta(days=1))
    make_issue(cast, campaign, cast.liutang, state="new", due_on=today + timedelta(days=1))
    refresh_rollups()
    return campaign


def shown(campaign, cast, *, scope=None, level="township", indicator="coverage", reader=None):
    units = sorted(Unit.objects.all(), key=lambda unit: unit.kind != "district")
    return build(
        campaign=campaign,
        units=units,
        scope=scope or cast.district,
        level=level,
        indicator=indicator,
        reader=reader or Reader.of(cast.leader),
    )


def standing(ranking):
    return [(line.rank, line.unit.name, line.count("covered"), line.count("to_visit")) for line in ranking.lines]


def test_ranking_of_townships_adds_up_to_the_district(cast, campaign):
    ranking = shown(campaign, cast)
    assert standing(ranking) == [(1, "白鹭镇", 1, 1), (2, "青溪镇", 2, 4)]
    assert ranking.total.facts == ranking.lines[0].facts + ranking.lines[1].facts + ranking.own.facts
    assert (ranking.total.coverage.numerator, ranking.total.coverage.denominator) == (3, 5)
    assert str(ranking.total.coverage.value) == "60.00"
    assert (ranking.own.count("raised"), ranking.own.count("to_visit")) == (1, 0)


def test_ranking_of_villages_within_a_township_leaves_the_others_out(cast, campaign):
    ranking = shown(campaign, cast, scope=cast.qingxi)
    assert standing(ranking) == [(1, "石桥村", 2, 3), (2, "柳塘村", 0, 1)]
    assert ranking.own.count("raised") == 1
    assert ranking.total.count("to_visit") == 4


def test_ranking_of_all_villages_runs_across_townships(cast, campaign):
    ranking = shown(campaign, cast, level="village")
    assert standing(ranking) == [(1, "鹭洲村", 1, 1), (2, "石桥村", 2, 3), (3, "柳塘村", 0, 1)]
    assert ranking.own.count("raised") == 2


def test_ranking_by_solved_issues_orders_by_the_solution_rate(cast, campaign):
    ranking = shown(campaign, cast, level="village", indicator="solution")
    found = [(line.rank, line.unit.name, line.solution.numerator, line.solution.denominator) for line in ranking.lines]
    assert found == [(1, "鹭洲村", 1, 1), (2, "石桥村", 1, 4), (None, "柳塘村", 0, 0)]


def test_ranking_shows_a_tie_in_official_order(cast, campaign):
    make_duty(campaign, cast.liutang, covered_on=START)
    make_duty(campaign, cast.luzhou)
    refresh_rollups()
    ranking = shown(campaign, cast, level="village")
    assert standing(ranking) == [(1, "石桥村", 2, 3), (2, "柳塘村", 1, 2), (2, "鹭洲村", 1, 2)]


def test_ranking_lists_only_units_that_take_part_or_have_figures(cast):
    campaign = make_campaign(cast)
    campaign.units.set([cast.bailu])
    assert [line.unit.name for line in shown(campaign, cast).lines] == ["白鹭镇"]
    make_duty(campaign, cast.shiqiao)
    refresh_rollups()
    assert {line.unit.name for line in shown(campaign, cast).lines} == {"白鹭镇", "青溪镇"}


def every_line(campaign, cast):
    for scope, level in ((cast.district, "township"), (cast.district, "village"), (cast.qingxi, "village")):
        ranking = shown(campaign, cast, scope=scope, level=level)
        yield from [*ranking.lines, ranking.total, *([ranking.own] if ranking.own else [])]


def rows_behind(client, url):
    """The rows a reader gets, all pages together."""
    rows, join = [], "&" if "?" in url else "?"
    page = client.get(url)
    while True:
        assert page.status_code == 200
        rows += page.context["rows"]
        if not page.context["next_url"]:
            return rows, page.context
        after = page.context["next_url"].split("after=")[1].split("&")[0]
        page = client.get(f"{url}{join}after={after}")


def test_rows_behind_every_figure_of_every_unit_are_as_many_as_the_figure(cast, campaign, login):
    client = login(cast.leader)
    seen = 0
    for line in every_line(campaign, cast):
        for key in (*figures.HOUSEHOLDS, *figures.ISSUES):
            url = line.url(key)
            assert bool(url) == bool(line.count(key))
            if url:
                rows, context = rows_behind(client, url)
                assert len(rows) == len({row.pk for row in rows}) == line.count(key), (line.unit.name, key)
                assert (context["total"], context["hidden"]) == (line.count(key), 0)
                seen += 1
    assert seen > 80


def test_rows_run_over_several_pages_without_loss(cast, campaign, login, monkeypatch):
    monkeypatch.setattr("reports.views.PAGE_ROWS", 2)
    for name in ("household_rows", "issue_rows"):
        figure = "to_visit" if name == "household_rows" else "raised"
        url = reverse(f"reports:{name}", args=[campaign.pk, cast.district.code, figure])
        rows, context = rows_behind(login(cast.leader), url)
        assert len({row.pk for row in rows}) == len(rows) == context["total"] > 4
        assert not context["is_first"]


def test_outcomes_of_issues_add_up_to_the_issues_raised(cast, campaign):
    parts = ("solved", "explained", "not_accepted", "otherwise", "in_review", "set_aside", "not_due", "overdue")
    for line in every_line(campaign, cast):
        assert sum(line.count(key) for key in parts) == line.count("raised")
        assert line.count("covered") + line.count("unvisited") == line.count("to_visit")


def test_rows_of_another_unit_are_counted_but_not_shown(cast, campaign, login):
    client = login(cast.township_admin)
    page = client.get(reverse("reports:household_rows", args=[campaign.pk, cast.district.code, "to_visit"]))
    assert {row.household.village.name for row in page.context["rows"]} == {"石桥村", "柳塘村"}
    assert (page.context["total"], page.context["hidden"]) == (5, 1)
    head = Household.objects.get(village=cast.luzhou).head_name
    for url in (
        URL,
        reverse("reports:household_rows", args=[campaign.pk, cast.bailu.code, "to_visit"]),
        reverse("reports:household_rows", args=[campaign.pk, cast.district.code, "to_visit"]),
    ):
        page = client.get(url)
        assert page.status_code == 200
        assert head not in page.content.decode()


def test_ranking_links_only_to_rows_the_reader_may_open(cast, campaign, login):
    page = login(cast.township_admin).get(URL).content.decode()
    assert "白鹭镇" in page
    assert f"/{campaign.pk}/{cast.qingxi.code}/households/covered/" in page
    assert f"/{campaign.pk}/{cast.bailu.code}/households/" not in page
    clerk = login(cast.village_clerk).get(f"{URL}?level=village").content.decode()
    assert f"/{cast.shiqiao.code}/households/covered/" in clerk
    assert f"/{cast.luzhou.code}/households/" not in clerk


def test_ranking_for_publicity_has_totals_and_no_way_to_rows(cast, campaign, login):
    client = login(cast.publicity)
    page = client.get(URL)
    text = page.content.decode()
    assert page.status_code == 200
    assert "60.00" in text
    assert "/households/" not in text.split("<main")[1]
    assert "/issues/" not in text.split("<main")[1]
    for household in Household.objects.all():
        assert household.head_name not in text
    for name, figure in (("household_rows", "covered"), ("issue_rows", "raised")):
        assert client.get(reverse(f"reports:{name}", args=[campaign.pk, cast.shiqiao.code, figure])).status_code == 403
    assert client.post(EXPORT).status_code == 403


def test_ranking_for_a_department_opens_its_own_issues_and_no_household(cast, campaign, login):
    client = login(cast.outside_handler)
    text = client.get(URL).content.decode().split("<main")[1]
    assert "/households/" not in text
    page = client.get(reverse("reports:issue_rows", args=[campaign.pk, cast.district.code, "raised"]))
    assert (page.context["rows"], page.context["hidden"]) == ([], 15)
    own = login(cast.department_handler).get(
        reverse("reports:issue_rows", args=[campaign.pk, cast.district.code, "raised"])
    )
    assert (len(own.context["rows"]), own.context["hidden"]) == (15, 0)


@pytest.mark.parametrize("person", ["visitor", "system_admin"])
def test_ranking_is_closed_to_posts_without_the_permission(cast, campaign, login, person):
    client = login(getattr(cast, person))
    assert client.get(URL).status_code == 403
    assert client.get(reverse("reports:household_rows", args=[campaign.pk, "439900", "covered"])).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "campaign=999999",
        "campaign=99999999999999999999999999",
        "campaign=abc",
        "campaign=%00",
        "unit=zzz",
        "unit=439900999",
        "unit=%00",
        "unit=439900D08",
        "level=galaxy",
        "by=%27%3B--",
        "level=%00&by=%00&unit=%00&campaign=%00",
    ],
)
def test_ranking_answers_an_unknown_choice_with_the_usual_one_and_says_so(cast, campaign, login, query):
    page = login(cast.leader).get(f"{URL}?{query}")
    assert page.status_code == 400
    assert [line.unit.name for line in page.context["ranking"].lines] == ["白鹭镇", "青溪镇"]
    assert "alert--warn" in page.content.decode()


@pytest.mark.parametrize("query", ["page=abc", "after=%00", "sort=-", "unit=", "campaign=&level="])
def test_ranking_ignores_what_it_does_not_know(cast, campaign, login, query):
    assert login(cast.leader).get(f"{URL}?{query}").status_code == 200


@pytest.mark.parametrize("after", ["abc", "%00", "-1", "9" * 30, "٣"])
def test_rows_start_from_the_first_page_at_a_bad_key(cast, campaign, login, after):
    for name, figure in (("household_rows", "covered"), ("issue_rows", "overdue")):
        url = reverse(f"reports:{name}", args=[campaign.pk, cast.district.code, figure])
        assert login(cast.leader).get(f"{url}?after={after}&outside=%00").status_code == 200


@pytest.mark.parametrize(
    "path", ["1/439900/households/nonsense/", "999999/439900/households/covered/", "{pk}/439901/issues/raised/"]
)
def test_rows_of_what_does_not_exist_are_not_found(cast, campaign, login, path):
    assert login(cast.leader).get("/reports/" + path.format(pk=campaign.pk)).status_code == 404


def test_ranking_of_another_district_is_not_found(cast, campaign, login):
    other = Unit.objects.create(code="439901", name="别区", kind="district")
    foreign = make_campaign(cast, "别区走访")
    Campaign.objects.filter(pk=foreign.pk).update(district=other)
    client = login(cast.leader)
    assert client.get(f"{URL}?campaign={foreign.pk}").status_code == 400
    assert client.get(reverse("reports:issue_rows", args=[foreign.pk, "439901", "raised"])).status_code == 404


def test_ranking_prefers_the_running_campaign(cast, login):
    running = make_campaign(cast)
    make_campaign(cast, "较新已结束", state=Campaign.State.CLOSED, starts_on=START + timedelta(days=30))
    assert login(cast.leader).get(URL).context["ranking"].campaign == running


def test_ranking_says_as_of_when_and_warns_when_nobody_counts(cast, campaign, login):
    client = login(cast.leader)
    moment = timezone.localtime(facts.counted_at())
    assert f"{moment:%Y-%m-%d %H:%M}" in client.get(URL).content.decode()
    assert not client.get(URL).context["ranking"].is_stale
    Freshness.objects.update(counted_at=timezone.now() - timedelta(minutes=11))
    assert client.get(URL).context["ranking"].is_stale


def test_ranking_shows_few_cases_unranked_with_their_interval(cast, campaign, login, settings):
    settings.RANKING_MIN_DENOMINATOR = 10
    page = login(cast.leader).get(URL)
    assert [line.rank for line in page.context["ranking"].lines] == [None, None]
    assert "21–100%" in page.content.decode()  # 1 of 1


def test_paragraph_tells_the_totals_and_the_first_three(cast, campaign, login):
    text = login(cast.leader).get(URL).context["ranking"].paragraph()
    for part in ("5", "3", "60.00%", "66.67%", "10", "50.00%", "白鹭镇", "青溪镇"):
        assert part in text
    assert "户主" not in text.replace("入户", "")


def count_queries(client, django_assert_max_num_queries, url):
    with django_assert_max_num_queries(12) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_pages_cost_the_same_queries_for_few_and_many_units(cast, campaign, login, django_assert_max_num_queries):
    client = login(cast.leader)
    urls = [
        URL,
        f"{URL}?level=village",
        f"{URL}?unit={cast.qingxi.code}",
        reverse("reports:household_rows", args=[campaign.pk, cast.district.code, "to_visit"]),
        reverse("reports:issue_rows", args=[campaign.pk, cast.district.code, "raised"]),
    ]
    before = [count_queries(client, django_assert_max_num_queries, url) for url in urls]
    for n in range(40):
        village = Unit.objects.create(
            code=f"439900101{300 + n}", name=f"新村{n}", kind="village", parent=cast.qingxi, sort_order=100 + n
        )
        make_duty(campaign, village, covered_on=START, visitor=cast.visitor)
        make_issue(cast, campaign, village)
    refresh_rollups()
    assert [count_queries(client, django_assert_max_num_queries, url) for url in urls] == before


def cells(content):
    return list(load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True))


@pytest.mark.parametrize(
    "query", [{}, {"level": "village"}, {"unit": "439900101"}, {"level": "village", "by": "solution"}]
)
def test_export_equals_the_page(cast, campaign, login, query):
    client = login(cast.leader)
    page = client.get(URL, query).context["ranking"]
    answer = client.post(EXPORT, query)
    assert answer.status_code == 200
    title, line, head, *body = cells(answer.content)
    assert page.scope.name in title[0]
    assert f"{timezone.localtime(page.counted_at):%Y-%m-%d %H:%M}" in line[0]
    assert len(head) == 17
    *ranks, total = body
    lines = [*page.lines, *([page.own] if page.own else [])]
    assert len(ranks) == len(lines)
    for row, ranked in zip([*ranks, total], [*lines, page.total], strict=True):
        assert row[2:4] == (ranked.count("to_visit"), ranked.count("covered"))
        assert row[14:16] == (ranked.count("overdue"), ranked.count("judged"))
        for column, share in ((4, ranked.coverage), (5, ranked.met), (16, ranked.solution)):
            assert row[column] == ("—" if share.value is None else pytest.approx(float(share.value) / 100))
    assert [row[0] for row in ranks[: len(page.lines)]] == [each.rank or "不计" for each in page.lines]


def test_export_is_laid_out_for_paper_and_audited(cast, campaign, login):
    answer = login(cast.township_admin).post(EXPORT, {"level": "village"})
    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet["E4"].number_format == "0.00%"
    assert sheet["C4"].border.left.style == sheet.cell(sheet.max_row, 17).border.right.style == "thin"
    assert sheet.cell(sheet.max_row, 1).value == "合计"
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.actor_id, event.detail["level"]) == (
        "ranking.exported",
        cast.township_admin.pk,
        "village",
    )
    assert ".xlsx" in answer["Content-Disposition"]


def test_export_makes_no_formula_of_a_name(cast, campaign, login):
    Unit.objects.filter(pk=cast.qingxi.pk).update(name="=HYPERLINK(1)")
    for row in cells(login(cast.leader).post(EXPORT).content):
        assert not any(isinstance(value, str) and value.startswith("=") for value in row)


@pytest.mark.parametrize("query", [{"unit": "zzz"}, {"campaign": "\x00"}, {"unit": "439900101201"}])
def test_export_of_what_does_not_exist_is_refused_and_not_audited(cast, campaign, login, query):
    answer = login(cast.leader).post(EXPORT, query)
    assert answer.status_code == 422
    assert reverse("reports:ranking") in answer.content.decode()
    assert not AuditEvent.objects.filter(action="ranking.exported").exists()


def test_export_is_not_made_by_a_link(cast, campaign, login):
    assert login(cast.leader).get(EXPORT).status_code == 405


def test_ranking_page_of_a_village_shows_its_figures_alone(cast, campaign, login):
    page = login(cast.leader).get(URL, {"unit": cast.shiqiao.code})
    assert page.status_code == 200
    assert page.context["ranking"].lines == []
    assert re.search(r"66\.67", page.content.decode())


def test_ranking_without_a_campaign_says_what_to_do(cast, login):
    make_campaign(cast, state=Campaign.State.DRAFT)
    office, leader = (login(each).get(URL) for each in (cast.district_office, cast.leader))
    assert office.status_code == leader.status_code == 200
    assert reverse("visits:campaigns") in office.content.decode().split("<main")[1]
    assert reverse("visits:campaigns") not in leader.content.decode().split("<main")[1]


def test_ranking_without_a_roster_says_what_to_do(cast, login):
    make_campaign(cast)
    page = login(cast.township_admin).get(URL).content.decode().split("<main")[1]
    assert "empty" in page
    assert reverse("visits:campaigns") in page

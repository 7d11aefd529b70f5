"""The boards: leader's home, dispatch board, a unit's page, the rows behind their figures, polling, confirmations."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from issues.models import Issue
from outreach.models import AuditEvent, LeaderLink, Unit
from reports import closing, leader_board, office_board, standing, unit_board
from reports.board_links import Count
from reports.indicators import Facts
from reports.models import Confirmation, DayClose, Freshness
from reports.office_board import last_week
from reports.scoring import LineScore, UnitScore
from reports.tasks import refresh_rollups
from reports.unit_score import lost_marks
from tests.reports.rows import make_campaign, make_duty, make_issue, make_visit

HOME = reverse("boards:home")
LEADER = reverse("boards:leader")
OFFICE = reverse("boards:office")
CONFIRM = reverse("boards:week_confirm")
POLL = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def campaign(cast, today):
    """青溪镇: 2 of 4 visited, two overdue issues held by 区交通运输局, one of them since yesterday; 白鹭镇: 1 of 1."""
    campaign = make_campaign(cast, starts_on=today - timedelta(days=19), ends_on=today + timedelta(days=20))
    first = make_duty(campaign, cast.shiqiao, covered_on=today - timedelta(days=9), visitor=cast.visitor)
    make_duty(campaign, cast.shiqiao, covered_on=today, met=False)
    make_duty(campaign, cast.shiqiao)
    make_duty(campaign, cast.liutang)
    make_duty(campaign, cast.luzhou, covered_on=today - timedelta(days=1))
    make_visit(cast, campaign, first.household, today - timedelta(days=9))
    make_visit(cast, campaign, first.household, today - timedelta(days=1))
    day = timedelta(days=1)
    make_issue(cast, campaign, cast.shiqiao, state="closed", raised_on=today - 5 * day, done_on=today - day)
    make_issue(cast, campaign, cast.shiqiao, state="accepted", raised_on=today - 15 * day, due_on=today - 8 * day)
    make_issue(cast, campaign, cast.liutang, state="accepted", raised_on=today - day, due_on=today - day)
    make_issue(cast, campaign, cast.luzhou, state="new", raised_on=today - 6 * day, due_on=today + 5 * day)
    refresh_rollups()
    return campaign


def link(cast, *units):
    for unit in units:
        LeaderLink.objects.create(leader=cast.leader.post, unit=unit)


def board_of(campaign, user, *, whole=False):
    return leader_board.build(standing.read(campaign, timezone.localdate()), user, whole=whole)


# the two headline figures


def test_leaders_board_shows_linked_units_first_and_the_district_one_tap_away(cast, campaign, login):
    link(cast, cast.bailu, cast.roads)
    client = login(cast.leader)
    page = client.get(HOME)
    assert [line.unit for line in page.context["board"].lines] == [cast.bailu, cast.roads]
    assert (page.context["board"].coverage.numerator, page.context["board"].coverage.denominator) == (1, 1)
    tabs = page.context["scope_tabs"]
    assert [tab["current"] for tab in tabs] == [True, False]
    whole = client.get(HOME + tabs[1]["url"])
    assert [line.unit for line in whole.context["board"].lines] == [cast.qingxi, cast.bailu]
    assert (whole.context["board"].coverage.numerator, whole.context["board"].coverage.denominator) == (3, 5)


def test_leader_without_links_sees_the_district_and_no_empty_choice(cast, campaign, login):
    page = login(cast.leader).get(LEADER)
    assert not page.context["board"].is_linked
    assert page.context["scope_tabs"] == []


def test_linked_village_inside_a_linked_township_counts_once(cast, campaign):
    link(cast, cast.qingxi, cast.shiqiao)
    assert board_of(campaign, cast.leader).coverage.denominator == 4


def test_issue_of_a_linked_place_held_by_a_linked_department_counts_once(cast, campaign):
    link(cast, cast.qingxi, cast.roads)
    board = board_of(campaign, cast.leader)
    assert board.raised == 3
    assert (board.solution.numerator, board.solution.denominator) == (1, 3)
    assert board.late_total.value == 2


def test_change_is_measured_from_the_last_days_end(cast, campaign, today):
    kept = {"households": 5, "covered": 2, "issues_solved": 1, "overdue": 1}
    before = {**kept, "covered": 1}
    DayClose.objects.create(campaign=campaign, unit=cast.district, day=today - timedelta(days=1), counts=kept)
    DayClose.objects.create(campaign=campaign, unit=cast.district, day=today - timedelta(days=2), counts=before)
    board = board_of(campaign, cast.leader)
    assert board.coverage.value == Decimal("60.00")
    assert board.coverage.change == Decimal("20.00")
    assert board.coverage.change_of_last_day == Decimal("20.00")
    assert board.coverage.is_since_yesterday
    assert board.solution.change == Decimal("33.33") - Decimal("50.00")


def test_change_without_a_base_is_none_and_the_page_says_so(cast, campaign, login):
    board = board_of(campaign, cast.leader)
    assert board.coverage.change is None and board.coverage.change_of_last_day is None
    assert "较昨日日终" in login(cast.leader).get(HOME).content.decode()


def test_change_from_an_older_day_names_that_day(cast, campaign, today, login):
    counts = {"households": 5, "covered": 1}
    DayClose.objects.create(campaign=campaign, unit=cast.district, day=today - timedelta(days=3), counts=counts)
    board = board_of(campaign, cast.leader)
    assert board.coverage.change == Decimal("40.00")
    assert not board.coverage.is_since_yesterday
    assert "较昨日" not in board.paragraph
    assert f"较{today - timedelta(days=3):%m-%d}日终" in login(cast.leader).get(HOME).content.decode()


def test_time_passed_counts_today_and_stays_within_the_campaign(campaign, today):
    assert standing.Elapsed.of(campaign, today).percent == Decimal("50.00")
    assert standing.Elapsed.of(campaign, today - timedelta(days=99)).percent == Decimal("0.00")
    assert standing.Elapsed.of(campaign, today + timedelta(days=99)).percent == Decimal("100.00")


def test_end_of_day_keeps_every_units_figures_and_the_last_run_counts(cast, campaign, today):
    assert closing.close_day(today) == DayClose.objects.count() > 0
    kept = DayClose.objects.get(unit=cast.qingxi, day=today)
    assert closing.facts_of(kept.counts) == standing.read(campaign, today).now[cast.qingxi.code]
    assert closing.facts_of(DayClose.objects.get(unit=cast.roads).counts).overdue == 2
    make_duty(campaign, cast.liutang, covered_on=today)
    refresh_rollups()
    count = DayClose.objects.count()
    closing.close_day(today)
    assert DayClose.objects.count() == count
    assert DayClose.objects.get(unit=cast.qingxi, day=today).counts["covered"] == 3


def test_kept_figures_of_an_older_program_are_read(campaign):
    assert closing.facts_of({"covered": 2, "forgotten": 9}) == Facts(covered=2)


# who is late, what changed, and the rows behind


def test_late_units_stand_by_what_they_hold_the_most_first(cast, campaign, today):
    late = make_issue(cast, campaign, cast.luzhou, state="new", due_on=today - timedelta(days=2))
    Issue.objects.filter(pk=late.pk).update(unit=cast.bailu)
    board = board_of(campaign, cast.leader)
    assert [(row.late.unit, row.late.count, row.late.days) for row in board.late] == [
        (cast.roads, 2, 8),
        (cast.bailu, 1, 2),
    ]


def test_township_sees_the_department_that_is_late_with_its_problems(cast, campaign):
    board = office_board.build(
        standing.read(campaign, timezone.localdate()), cast.township_admin, cast.qingxi, period="today", quiet_days=3
    )
    assert [(row.late.unit, row.late.count) for row in board.late] == [(cast.roads, 2)]
    assert [line.unit for line in board.places] == [cast.shiqiao, cast.liutang]
    assert board.departments == []


def test_what_changed_tells_yesterday_from_today(cast, campaign):
    found = {
        str(each.label): (each.yesterday.value, each.today.value) for each in board_of(campaign, cast.leader).changes
    }
    assert found == {
        "走访": (1, 0),
        "新增问题": (1, 0),
        "销号问题": (1, 0),
        "新增超期（仍未办结）": (0, 1),
        "新挂牌督办": (0, 0),
        "公布考核得分": (0, 0),
        "新提申诉": (0, 0),
        "申诉已裁定": (0, 0),
    }


def counts_in(thing, seen=None):
    """Every Count of a board, wherever it stands."""
    if isinstance(thing, Count):
        yield thing
    elif isinstance(thing, list | tuple):
        for each in thing:
            yield from counts_in(each)
    elif hasattr(thing, "__dataclass_fields__") and not isinstance(thing, standing.Standing):
        for name in thing.__dataclass_fields__:
            yield from counts_in(getattr(thing, name))


@pytest.mark.parametrize("period", ["today", "week"])
def test_rows_behind_every_figure_are_as_many_as_the_figure(cast, campaign, login, period):
    link(cast, cast.qingxi, cast.bailu, cast.roads)
    shown = standing.read(campaign, timezone.localdate())
    boards = [
        leader_board.build(shown, cast.leader, whole=False),
        leader_board.build(shown, cast.leader, whole=True),
        office_board.build(shown, cast.leader, cast.district, period=period, quiet_days=1),
        *(unit_board.build(shown, cast.leader, unit) for unit in (cast.qingxi, cast.shiqiao, cast.roads)),
    ]
    client, seen = login(cast.leader), 0
    for figure in (figure for board in boards for figure in counts_in(board)):
        if re.search(r"^/(boards|reports)/\d", figure.url):
            page = client.get(figure.url)
            assert page.status_code == 200, figure.url
            assert (page.context["total"], page.context["hidden"]) == (figure.value, 0), figure.url
            seen += 1
    assert seen > 30


def test_every_late_units_rows_are_as_many_as_it_is_late_with(cast, campaign, login):
    link(cast, cast.qingxi, cast.roads)
    client = login(cast.leader)
    for line in board_of(campaign, cast.leader).late:
        assert client.get(line.url).context["total"] == line.late.count


def test_difficult_issues_of_the_linked_units_wait_for_an_instruction(cast, campaign, today):
    old = make_issue(cast, campaign, cast.luzhou, state="accepted", due_on=today - timedelta(days=40))
    board = board_of(campaign, cast.leader)
    assert [row.issue for row in board.difficult] == [old]
    link(cast, cast.qingxi)
    assert board_of(campaign, cast.leader).difficult == []


def test_paragraph_names_totals_and_units_but_nobody(cast, campaign, today):
    DayClose.objects.create(
        campaign=campaign, unit=cast.district, day=today - timedelta(days=1), counts={"households": 5, "covered": 2}
    )
    text = board_of(campaign, cast.leader).paragraph
    assert "应访5户，已访3户，入户率60.00%，较昨日提升20.00个百分点，序时进度50.00%" in text
    assert "收集问题4件，已解决1件，问题解决率33.33%，超期未结2件" in text
    assert "区交通运输局（2件）" in text
    assert not [user.name for user in cast.people().values() if user.name in text]


# the dispatch board


def test_villages_without_a_visit_are_named_the_longest_first(cast, campaign, today):
    shown = standing.read(campaign, today)
    board = office_board.build(shown, cast.district_office, cast.district, period="today", quiet_days=3)
    assert [(row.unit, row.days, row.last_on) for row in board.quiet] == [(cast.liutang, 19, None)]
    assert board.quiet[0].unvisited.value == 1
    board = office_board.build(shown, cast.district_office, cast.district, period="today", quiet_days=60)
    assert board.quiet == []


def test_stuck_issues_are_counted_by_state(cast, campaign, today):
    make_issue(cast, campaign, cast.shiqiao, state="arbitration", raised_on=today)
    make_issue(cast, campaign, cast.shiqiao, state="done", done_on=today - timedelta(days=20))
    make_issue(cast, campaign, cast.shiqiao, state="done", done_on=today)
    shown = standing.read(campaign, today)
    board = office_board.build(shown, cast.district_office, cast.district, period="today", quiet_days=3)
    found = {str(row.label): row.count.value for row in board.stuck if row.count.value}
    assert found == {"待分派": 1, "退单终审": 1, "办结待验": 1}


def test_what_waits_shows_to_those_who_decide_it(cast, campaign, login):
    def labels(user):
        return [row.label for row in login(user).get(OFFICE).context["board"].waiting]

    assert "消息未送达" in labels(cast.district_office)
    assert "消息未送达" not in labels(cast.supervisor)


# who lands where, and who sees what


@pytest.mark.parametrize(
    ("role", "template"),
    [
        ("leader", "boards/leader.html"),
        ("publicity", "boards/leader.html"),
        ("district_office", "boards/office.html"),
        ("supervisor", "boards/office.html"),
        ("township_admin", "boards/unit.html"),
        ("village_clerk", "boards/unit.html"),
        ("department_head", "boards/unit.html"),
    ],
)
def test_each_role_lands_on_its_own_board(cast, campaign, login, role, template):
    page = login(getattr(cast, role)).get(reverse("home"), follow=True)
    assert page.redirect_chain[-1][0] == HOME
    assert template in [each.name for each in page.templates]


def test_board_without_a_campaign_says_what_to_do(cast, login):
    for user in (cast.leader, cast.district_office, cast.township_admin):
        page = login(user).get(HOME)
        assert page.status_code == 200
        assert "reports/no_campaign.html" in [each.name for each in page.templates]


def test_publicity_sees_totals_and_no_way_to_rows(cast, campaign, login):
    for url in (HOME, OFFICE, reverse("boards:unit", args=[cast.qingxi.code])):
        text = login(cast.publicity).get(url).content.decode()
        assert not re.findall(r'href="[^"]*/(?:issues|households|visits)/[^"]*"', text), url
    assert login(cast.publicity).get(HOME).context["board"].late == []


def test_neighbours_issues_show_as_numbers_alone(cast, campaign, login, today):
    issue = make_issue(cast, campaign, cast.luzhou, state="accepted", due_on=today - timedelta(days=2))
    Issue.objects.filter(pk=issue.pk).update(text="鹭洲村塌方", unit=cast.bailu)
    page = login(cast.township_admin).get(reverse("boards:unit", args=[cast.bailu.code]))
    assert page.context["board"].overdue.value == 1
    assert page.context["board"].late == [] and page.context["board"].late_hidden == 1
    assert "塌方" not in page.content.decode()
    assert "塌方" in login(cast.leader).get(reverse("boards:unit", args=[cast.bailu.code])).content.decode()


def test_department_names_the_townships_linked_to_its_leader(cast, campaign):
    link(cast, cast.roads, cast.qingxi)
    shown = standing.read(campaign, timezone.localdate())
    assert unit_board.build(shown, cast.department_head, cast.roads).linked == [cast.qingxi]
    assert unit_board.build(shown, cast.department_head, cast.water).linked == []


def test_villages_unvisited_households_are_counted_by_group(cast, campaign):
    shown = standing.read(campaign, timezone.localdate())
    board = unit_board.build(shown, cast.village_clerk, cast.shiqiao)
    assert [(row.name, row.count.value) for row in board.groups] == [("未分组", 1)]


def test_what_cost_most_marks_comes_first():
    def line(key, kind, weight, marks):
        marks = None if marks is None else Decimal(marks)
        return LineScore(key, key, kind, Decimal(weight), Decimal(weight), None, None, marks, ())

    lines = (
        line("coverage", "line", 20, "19"),
        line("solution", "line", 30, "12"),
        line("off", "line", 10, None),
        line("late", "deduction", 0, "-3"),
        line("praise", "bonus", 0, "2"),
        line("full", "line", 10, "10"),
    )
    score = UnitScore("1", "甲", 1, Decimal(50), 1, 1, 1, 1, "", lines)
    assert [(lost.line.key, lost.marks) for lost in lost_marks(score)] == [
        ("solution", 18),
        ("late", 3),
        ("coverage", 1),
    ]


# polling


def test_unchanged_board_answers_a_poll_with_304_and_no_query_of_figures(cast, campaign, login):
    for user in (cast.leader, cast.district_office, cast.township_admin):
        client = login(user)
        etag = client.get(HOME)["ETag"]
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(HOME, HTTP_IF_NONE_MATCH=etag, **POLL)
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)
        # session, account, posts, freshness
        assert len(queries) == 4, [query["sql"][-200:] for query in queries]
        assert "reports_freshness" in queries[-1]["sql"]


def test_changed_board_answers_a_poll_with_its_middle_alone(cast, campaign, login, today):
    client = login(cast.leader)
    etag = client.get(HOME)["ETag"]
    make_duty(campaign, cast.liutang, covered_on=today)
    refresh_rollups()
    answer = client.get(HOME, HTTP_IF_NONE_MATCH=etag, **POLL)
    assert answer.status_code == 200 and answer["ETag"] != etag
    text = answer.content.decode()
    assert text.lstrip().startswith('<div id="board"') and "<html" not in text
    assert "66.67" in text


def test_count_without_news_leaves_the_etag_alone(cast, campaign, login):
    client = login(cast.leader)
    etag = client.get(HOME)["ETag"]
    counted_at = Freshness.objects.get().counted_at
    refresh_rollups()
    assert Freshness.objects.get().counted_at > counted_at
    assert client.get(HOME, HTTP_IF_NONE_MATCH=etag, **POLL).status_code == 304


def test_page_opened_anew_is_always_whole(cast, campaign, login):
    client = login(cast.leader)
    assert client.get(HOME, HTTP_IF_NONE_MATCH=client.get(HOME)["ETag"]).status_code == 200


def test_etag_is_the_readers_and_the_addresss_own(cast, campaign, login):
    client = login(cast.leader)
    tags = {client.get(url)["ETag"] for url in (HOME, LEADER, f"{LEADER}?scope=all")}
    tags.add(login(cast.supervisor).get(LEADER)["ETag"])
    assert len(tags) == 4


def test_polling_does_not_keep_the_session_alive(cast, campaign, login):
    client = login(cast.leader)
    session = client.session
    session["seen_at"] = 1
    session.save()
    client.get(HOME, HTTP_X_LIVE="1", **POLL)
    assert client.session["seen_at"] == 1
    client.get(HOME)
    assert client.session["seen_at"] > 1


def test_boards_cost_the_same_for_few_units_and_for_three_hundred(cast, campaign, login, today):
    link(cast, cast.qingxi, cast.roads)
    pages = [
        (cast.leader, HOME),
        (cast.leader, f"{LEADER}?scope=all"),
        (cast.district_office, OFFICE),
        (cast.township_admin, OFFICE),
        (cast.township_admin, HOME),
        (cast.department_head, HOME),
        (cast.village_clerk, HOME),
        (cast.district_office, reverse("boards:confirmations")),
    ]
    closing.close_day(today - timedelta(days=1))

    def costs():
        found = []
        for user, url in pages:
            client = login(user)
            client.get(url)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            found.append(len(queries))
        return found

    few = costs()
    for number in range(300):
        parent = cast.qingxi if number % 2 else cast.bailu
        code = f"{parent.code}{300 + number:03d}"
        village = Unit.objects.create(
            code=code, name=f"村{number}", kind="village", parent=parent, sort_order=100 + number
        )
        make_duty(campaign, village)
        if number < 40:
            late = make_issue(cast, campaign, village, state="accepted", due_on=today - timedelta(days=3))
            Issue.objects.filter(pk=late.pk).update(unit=village)
    for number in range(20):
        Unit.objects.create(code=f"439900D{30 + number}", name=f"局{number}", kind="department", parent=cast.district)
    refresh_rollups()
    closing.close_day(today - timedelta(days=1))
    assert costs() == few


# confirming a week


def confirm(client, shown, note=""):
    """Post what the page's form holds."""
    week = shown.context["board"].week
    form = shown.context["form"]
    assert form is not None
    data = {"week_on": week.first.isoformat(), "seen": form["seen"].value(), "note": note}
    return client.post(CONFIRM, data, follow=True)


def test_head_confirms_the_weeks_figures_once(cast, campaign, login, today):
    client = login(cast.township_admin)
    page = client.get(HOME)
    done = confirm(client, page)
    row = Confirmation.objects.get()
    assert (row.unit, row.campaign, row.week_on, row.note) == (cast.qingxi, campaign, last_week(today), "")
    assert row.confirmed_by == cast.township_admin
    assert row.figures == page.context["board"].week.values
    assert done.context["board"].week.done == row and done.context["form"] is None
    assert AuditEvent.objects.get(action="board.confirm").detail == {
        "first": last_week(today).isoformat(),
        "is_disputed": False,
    }
    confirm(client, page)
    assert Confirmation.objects.count() == 1


def test_confirmed_figures_stay_as_they_were(cast, campaign, login, today):
    client = login(cast.township_admin)
    page = client.get(HOME)
    confirm(client, page)
    make_duty(campaign, cast.liutang, covered_on=last_week(today))
    refresh_rollups()
    assert client.get(HOME).context["board"].week.values == page.context["board"].week.values


def test_note_on_wrong_figures_reaches_the_office_and_no_other_unit(cast, campaign, login):
    confirm(login(cast.township_admin), login(cast.township_admin).get(HOME), note="少计两户")
    office = login(cast.district_office)
    assert "少计两户" in office.get(reverse("boards:confirmations")).content.decode()
    waiting = {row.label: row.count for row in office.get(OFFICE).context["board"].waiting}
    assert waiting["单位提出上周数据有出入"].value == 1
    page = reverse("boards:unit", args=[cast.qingxi.code])
    for user in (cast.outside_admin, cast.publicity, cast.department_head):
        assert "少计两户" not in login(user).get(page).content.decode()
    assert "少计两户" not in login(cast.outside_admin).get(reverse("boards:confirmations")).content.decode()


def test_figures_that_moved_meanwhile_are_not_confirmed(cast, campaign, login, today):
    client = login(cast.township_admin)
    page = client.get(HOME)
    make_duty(campaign, cast.liutang, covered_on=last_week(today))
    refresh_rollups()
    answer = confirm(client, page)
    assert "数据有变化" in answer.content.decode()
    assert not Confirmation.objects.exists()


def test_nobody_but_the_head_confirms(cast, campaign, login):
    page = login(cast.department_head).get(HOME)
    week = page.context["board"].week
    data = {"week_on": week.first.isoformat(), "seen": page.context["form"]["seen"].value(), "note": ""}
    assert login(cast.department_handler).post(CONFIRM, data).status_code == 403
    assert login(cast.district_office).post(CONFIRM, data).status_code == 403
    assert not Confirmation.objects.exists()


@pytest.mark.parametrize("seen", ["", "[]", '{"covered": "9"}', '{"covered": 1e400}', "{", "null"])
def test_junk_in_the_confirmation_says_so_and_keeps_nothing(cast, campaign, login, today, seen):
    data = {"week_on": last_week(today).isoformat(), "seen": seen, "note": ""}
    answer = login(cast.township_admin).post(CONFIRM, data, follow=True)
    assert answer.status_code == 200 and "没有保存" in answer.content.decode()
    assert not Confirmation.objects.exists()


def test_confirmations_name_what_was_found_wrong_first(cast, campaign, login, today):
    common = {"campaign": campaign, "week_on": last_week(today), "figures": {}}
    Confirmation.objects.create(unit=cast.qingxi, confirmed_by=cast.township_admin, **common)
    Confirmation.objects.create(unit=cast.roads, confirmed_by=cast.department_head, note="不符", **common)
    page = login(cast.district_office).get(reverse("boards:confirmations"))
    assert [(row["unit"], row["done"] is not None) for row in page.context["rows"]] == [
        (cast.roads, True),
        (cast.bailu, False),
        (cast.water, False),
        (cast.qingxi, True),
    ]
    assert page.context["counts"] == {"all": 4, "done": 2, "noted": 1}


def test_rows_asked_for_with_junk_days_are_todays(cast, campaign, login, today):
    url = reverse("boards:issue_rows", args=[campaign.pk, cast.district.code, "raised"])
    for query in ("?first=x&last=y", "?first=2026-01-02&last=2026-01-01", "?first=0001-01-01&last=9999-12-31"):
        assert login(cast.leader).get(url + query).context["window"].first == today
    assert login(cast.leader).get(url.replace("raised", "nonsense")).status_code == 404

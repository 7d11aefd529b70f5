"""Rollups: kept from the dirty log, they equal a count of the rows, whatever is written and by how many."""

import threading
from datetime import timedelta
from random import Random

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from households.models import Household
from issues.models import Issue
from outreach.models import Unit
from reports import facts, readings
from reports.indicators import Facts
from reports.models import DayCount, DirtyCase, DirtyDay, Freshness, RosterCount
from reports.tasks import check_rollups, refresh_rollups
from tests.cast import make_cast
from tests.reports.rows import START, at, make_campaign, make_duty, make_issue, make_visit
from tests.reports.writer import Writer
from visits.models import Assignment, Visit

TODAY = START + timedelta(days=20)


def read(campaign, today):
    return facts.read(campaign, Unit.objects.all(), today)


@pytest.fixture
def campaign(cast):
    return make_campaign(cast)


def test_facts_of_a_village_add_up_to_township_and_district(cast, campaign):
    make_duty(campaign, cast.shiqiao)
    make_duty(campaign, cast.shiqiao, covered_on=START)
    make_duty(campaign, cast.shiqiao, covered_on=START, met=False)
    make_duty(campaign, cast.shiqiao, state="off_roster")
    make_duty(campaign, cast.liutang, covered_on=START + timedelta(days=1))
    make_duty(campaign, cast.luzhou)
    make_duty(make_campaign(cast, "另一轮"), cast.shiqiao, covered_on=START)
    refresh_rollups()
    found = read(campaign, TODAY)
    assert found == {
        cast.shiqiao.code: Facts(households=4, off_roster=1, covered=2, met=1, make_up_overdue=1),
        cast.liutang.code: Facts(households=1, covered=1, met=1),
        cast.qingxi.code: Facts(households=5, off_roster=1, covered=3, met=2, make_up_overdue=1),
        cast.luzhou.code: Facts(households=1),
        cast.bailu.code: Facts(households=1),
        cast.district.code: Facts(households=6, off_roster=1, covered=3, met=2, make_up_overdue=1),
    }


def test_facts_keep_the_outcomes_of_issues_apart(cast, campaign):
    for outcome in ("solved", "solved", "explained", "not_accepted", "reported", "withdrawn", "duplicate"):
        make_issue(cast, campaign, cast.shiqiao, state="closed", outcome=outcome)
    make_issue(cast, campaign, cast.shiqiao, state="closed", outcome="solved")
    for state in ("done", "verified"):  # a claim is no result before it is verified and signed off
        make_issue(cast, campaign, cast.shiqiao, state=state, outcome="solved")
    for state in ("paused", "reported", "refused"):
        make_issue(cast, campaign, cast.shiqiao, state=state, due_on=TODAY - timedelta(days=1))
    make_issue(cast, campaign, cast.shiqiao, state="accepted", due_on=TODAY - timedelta(days=1))
    make_issue(cast, campaign, cast.shiqiao, state="assigned", due_on=TODAY)
    make_issue(cast, None, cast.shiqiao, state="closed")
    refresh_rollups()
    assert read(campaign, TODAY)[cast.shiqiao.code] == Facts(
        issues_raised=15,
        issues_solved=3,
        issues_explained=1,
        issues_not_accepted=1,
        issues_otherwise=3,
        issues_in_review=2,
        issues_set_aside=3,
        overdue=1,
        not_due=1,
    )


def test_facts_count_an_issue_becoming_overdue_without_a_write(cast, campaign):
    make_issue(cast, campaign, cast.shiqiao, due_on=TODAY)
    refresh_rollups()
    on_the_day, day_after = (read(campaign, TODAY + timedelta(days=n))[cast.shiqiao.code] for n in (0, 1))
    assert (on_the_day.overdue, on_the_day.not_due) == (0, 1)
    assert (day_after.overdue, day_after.not_due) == (1, 0)
    assert Issue.objects.overdue(TODAY).count() == 0
    assert Issue.objects.overdue(TODAY + timedelta(days=1)).count() == 1


def test_facts_of_an_issue_at_a_township_or_the_district_count_for_no_village(cast, campaign):
    make_issue(cast, campaign, cast.qingxi)
    make_issue(cast, campaign, cast.district)
    make_issue(cast, campaign, cast.roads)
    refresh_rollups()
    found = {code: unit.issues_raised for code, unit in read(campaign, TODAY).items()}
    assert found == {cast.qingxi.code: 1, cast.district.code: 3, cast.roads.code: 1}


def test_facts_leave_out_a_household_that_was_visited_and_then_found_moved(cast, campaign):
    duty = make_duty(campaign, cast.shiqiao, covered_on=START)
    refresh_rollups()
    Household.objects.filter(pk=duty.household_id).update(roster_state="moved")
    refresh_rollups()
    assert read(campaign, TODAY)[cast.shiqiao.code] == Facts(households=1, off_roster=1)
    assert facts.differences() == []


def test_facts_count_by_the_day_of_the_district_not_of_utc(cast, campaign):
    duty = make_duty(campaign, cast.shiqiao)
    make_visit(cast, campaign, duty.household, START, hour=1)
    refresh_rollups()
    assert list(DayCount.objects.values_list("day", "visits")) == [(START, 1)]


def logged():
    return set(DirtyDay.objects.values_list("campaign_id", "unit_id", "day"))


def forget():
    DirtyDay.objects.all().delete()


def test_log_has_one_entry_for_each_unit_and_day_of_a_bulk_write(cast, campaign):
    duties = [make_duty(campaign, village) for village in (cast.shiqiao, cast.liutang) for _ in range(30)]
    forget()
    Assignment.objects.update(covered_on=START, state="met")
    assert sorted(logged()) == [(campaign.pk, v.pk, START) for v in (cast.shiqiao, cast.liutang)]
    assert DirtyDay.objects.count() == 2
    forget()
    Assignment.objects.filter(pk__in=[d.pk for d in duties]).update(visitor=cast.visitor, epoch=F("epoch") + 1)
    assert logged() == set()


def test_log_names_the_days_before_and_after_a_change(cast, campaign):
    duty = make_duty(campaign, cast.shiqiao, covered_on=START)
    visit = make_visit(cast, campaign, duty.household, START)
    issue = make_issue(cast, campaign, cast.shiqiao, raised_on=START, due_on=TODAY)
    later, third = START + timedelta(days=2), START + timedelta(days=5)
    shiqiao, liutang = (campaign.pk, cast.shiqiao.pk), (campaign.pk, cast.liutang.pk)
    forget()
    Assignment.objects.update(covered_on=later)
    assert logged() == {(*shiqiao, START), (*shiqiao, later)}
    forget()
    Visit.objects.filter(pk=visit.pk).update(visited_at=at(third))
    assert logged() == {(*shiqiao, START), (*shiqiao, third)}
    forget()
    Issue.objects.filter(pk=issue.pk).update(place=cast.liutang)
    assert logged() == {(*unit, day) for unit in (shiqiao, liutang) for day in (START, TODAY)}
    forget()
    Household.objects.filter(pk=duty.household_id).update(village=cast.liutang)
    assert logged() == {(*unit, day) for unit in (shiqiao, liutang) for day in (None, later, third)}
    forget()
    Visit.objects.all().delete()
    Assignment.objects.all().delete()
    assert logged() == {(*liutang, None), (*liutang, later), (*liutang, third)}


def test_log_of_a_rolled_back_change_is_rolled_back_with_it(cast, campaign):
    duty = make_duty(campaign, cast.shiqiao)
    forget()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Assignment.objects.filter(pk=duty.pk).update(covered_on=START)
        raise ZeroDivisionError
    assert logged() == set()


def test_refresh_takes_the_log_in_portions_and_is_fresh_only_when_it_is_empty(cast, campaign):
    for n in range(5):
        make_duty(campaign, cast.shiqiao, covered_on=START + timedelta(days=n))
    waiting = DirtyDay.objects.count()
    assert facts.refresh(limit=3) == 3
    assert DirtyDay.objects.count() == waiting - 3
    assert not Freshness.objects.exists()
    assert facts.refresh(limit=1000) == waiting - 3
    assert Freshness.objects.count() == 1
    assert facts.refresh() == 0
    assert facts.differences() == []


def test_recount_rebuilds_what_was_lost_and_only_what_was_asked(cast, campaign):
    other = make_campaign(cast, "另一轮")
    for each in (campaign, other):
        make_duty(each, cast.shiqiao, covered_on=START)
    refresh_rollups()
    before = read(campaign, TODAY)
    RosterCount.objects.all().delete()
    DayCount.objects.update(covered=99)
    facts.recount_all(campaign)
    assert read(campaign, TODAY) == before
    assert facts.differences(campaign) == []
    assert len(facts.differences(other)) == 2
    facts.recount_all()
    assert facts.differences() == []


def test_recount_check_names_every_difference_and_fails(cast, campaign, capsys, caplog):
    make_duty(campaign, cast.shiqiao, covered_on=START)
    refresh_rollups()
    call_command("recount", "--check")
    assert "equals" in capsys.readouterr().out
    DayCount.objects.update(covered=5)
    RosterCount.objects.create(campaign=campaign, unit=cast.liutang, households=1)
    with pytest.raises(CommandError, match="2 rollups differ") as failure:
        call_command("recount", "--check")
    assert failure.value.returncode == 1
    named = capsys.readouterr().out
    assert f"campaign {campaign.pk} reports_rostercount {cast.liutang.pk}" in named
    assert f"campaign {campaign.pk} reports_daycount {cast.shiqiao.pk} {START}" in named
    check_rollups()
    assert caplog.text.count("A rollup differs from its rows") == 2
    call_command("recount")
    call_command("recount", "--check")


def test_recount_of_an_unknown_campaign_says_so(db):
    with pytest.raises(CommandError, match="no campaign 12345"):
        call_command("recount", "--campaign", "12345")


def test_check_leaves_out_what_the_log_still_names(cast, campaign):
    make_duty(campaign, cast.shiqiao, covered_on=START)
    assert facts.differences() == []
    forget()
    assert len(facts.differences()) == 2


@settings(
    max_examples=12,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    steps=st.lists(st.sampled_from([*Writer.steps(), "refresh"]), min_size=10, max_size=40),
    random=st.randoms(use_true_random=False),
)
def test_rollups_equal_a_recount_after_any_sequence_of_writes(cast, steps, random):
    with transaction.atomic():
        campaigns = [make_campaign(cast), make_campaign(cast, "秋季走访")]
        writer = Writer(cast, random)
        for step in ("do_add_duties", "do_visit_late", "do_raise_issues", *steps):
            if step == "refresh":
                facts.refresh(limit=random.choice([1, 5, 1000]))
            else:
                getattr(writer, step)()
            assert facts.differences() == []  # what is not yet counted is in the log
        refresh_rollups()
        kept = [everything(campaign) for campaign in campaigns]
        assert DirtyDay.objects.count() == DirtyCase.objects.count() == 0
        assert facts.differences() == []
        facts.recount_all()
        assert [everything(campaign) for campaign in campaigns] == kept
        transaction.set_rollback(True)


def everything(campaign):
    """All that is read, since the campaign began and of a period in its midst."""
    periods = [(None, TODAY), (START + timedelta(days=1), START + timedelta(days=3))]
    return [readings.facts_of(campaign, first=first, last=last, today=TODAY) for first, last in periods]


@pytest.mark.django_db(transaction=True)
def test_rollups_lose_nothing_to_four_writers_and_two_refreshers_at_once():
    cast = make_cast()
    campaigns = [make_campaign(cast), make_campaign(cast, "秋季走访")]
    for n in range(40):
        make_duty(campaigns[n % 2], [cast.shiqiao, cast.liutang][n % 3 % 2])
    stop, wrong, writes = threading.Event(), [], []

    def write(seed):
        writer = Writer(cast, Random(seed))
        with connection.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '20ms'")
        for _ in range(60):
            try:
                with transaction.atomic():
                    writer.write()
                    writer.write()
                writes.append(seed)
            except (DatabaseError, ObjectDoesNotExist):
                continue  # a deadlock, or another deleted the row meanwhile: nothing of it was written
        connection.close()

    def refresh():
        while not stop.is_set():
            facts.refresh(limit=20)
        connection.close()

    def check():
        while not stop.is_set():
            wrong.extend(facts.differences())
        connection.close()

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    others = [threading.Thread(target=each) for each in (refresh, refresh, check)]
    for thread in (*writers, *others):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in others:
        thread.join()
    assert wrong == []
    assert len(writes) > 100
    refresh_rollups()
    assert DirtyDay.objects.count() == 0
    assert facts.differences() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["cover", "move"])
def test_rollups_see_a_duty_covered_while_its_household_moves(first):
    cast = make_cast()
    campaign = make_campaign(cast)
    duty = make_duty(campaign, cast.shiqiao)
    refresh_rollups()
    changes = {
        "cover": lambda: Assignment.objects.filter(pk=duty.pk).update(covered_on=START, state="met"),
        "move": lambda: Household.objects.filter(pk=duty.household_id).update(village=cast.liutang),
    }
    changed, may_end = threading.Event(), threading.Event()

    def change_and_wait():
        with transaction.atomic():
            changes.pop(first)()
            changed.set()
            may_end.wait(10)
        connection.close()

    def change_too():
        changes.popitem()[1]()
        connection.close()

    one, other = threading.Thread(target=change_and_wait), threading.Thread(target=change_too)
    one.start()
    changed.wait(10)
    other.start()
    other.join(1)  # it waits for the first; were it not made to, it would be through by now
    assert other.is_alive()
    refresh_rollups()
    may_end.set()
    one.join()
    other.join()
    refresh_rollups()
    assert facts.differences() == []
    assert read(campaign, TODAY)[cast.liutang.code] == Facts(households=1, covered=1, met=1)


@pytest.mark.django_db(transaction=True)
def test_refresh_leaves_the_work_to_one_that_is_running():
    cast = make_cast()
    make_duty(make_campaign(cast), cast.shiqiao)
    held, may_end = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [facts.RECOUNT_LOCK])
            held.set()
            may_end.wait(10)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    held.wait(10)
    assert facts.refresh() is None
    may_end.set()
    other.join()
    assert facts.refresh() == 1

"""The demo district: complete, consistent, the same every time, and never poured into a real database."""

import hashlib
import itertools
from collections import Counter
from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from households import idnumber
from households.models import Household, Resident
from issues import looks, workflow
from issues.models import Issue, IssueEvent
from outreach.access import Role
from outreach.models import Campaign, Membership, Unit, User
from reports import facts
from reports.demo import district, people, staff
from visits.models import Assignment, Visit

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 20)


def seed(stage, today=TODAY):
    call_command("seed_demo", stage=stage, today=today)


def test_empty_stage_has_units_people_and_rules_but_no_households():
    seed("empty")
    assert Unit.objects.count() == 31
    assert set(Membership.objects.values_list("role", flat=True)) == set(Role.values)
    assert not Household.objects.exists()
    assert not Campaign.objects.exists()


def test_midway_stage_is_consistent_and_in_the_middle_of_a_running_campaign():
    seed("midway")
    campaign = Campaign.objects.get()
    assert campaign.state == Campaign.State.OPEN
    assert campaign.starts_on < TODAY < campaign.ends_on
    assert 550 < Household.objects.count() < 700
    rates = {}
    for township in Unit.objects.townships():
        duties = Assignment.objects.filter(household__village__code__startswith=township.code)
        assert not duties.filter(visitor=None).exists()
        rates[township.name] = duties.covered().count() / duties.count()
    assert rates["青溪镇"] > rates["星河街道"] > rates["白鹭镇"] > 0.25
    assert set(Issue.objects.values_list("state", flat=True)) >= {"assigned", "accepted", "done", "closed"}
    assert Issue.objects.overdue(TODAY).exists()
    assert set(Visit.objects.values_list("outcome", flat=True)) >= {"met", "nobody_home", "refused", "leaflet_left"}

    check_consistency()


def check_consistency():
    assert facts.differences() == []
    assert not Visit.objects.filter(received_at__date__gte=TODAY).exists()
    assert Resident.objects.filter(relation="01").count() == Household.objects.count()
    head = Resident.objects.filter(relation="01").first()
    number = idnumber.decrypt(head.id_number_encrypted)
    assert number.startswith("439900")
    assert number == people.id_number(head.birth_on, int(number[14:17]))
    for issue in Issue.objects.prefetch_related("events"):
        events = list(issue.events.all())
        assert (events[0].move, events[-1].to_state) == ("open", issue.state)
        for before, event in itertools.pairwise(events):
            assert event.from_state == before.to_state
            if event.move in looks.NOTED_STEPS:
                assert event.to_state == event.from_state
            else:
                move = workflow.BY_NAME[event.move]
                assert event.from_state in move.sources
                assert event.to_state == move.target
            assert event.at >= before.at


def test_full_stage_is_over_with_clear_differences():
    seed("full")
    campaign = Campaign.objects.get()
    assert campaign.state == Campaign.State.CLOSED
    assert campaign.ends_on < TODAY
    read = facts.read(campaign, Unit.objects.all(), TODAY)
    townships = [read[code] for code in ("439900101", "439900001", "439900102")]
    shares = [counts.covered / counts.households for counts in townships]
    assert shares[0] > shares[1] + 0.02 > shares[2] + 0.04
    assert facts.differences() == []


def fingerprint():
    rows = [
        *Household.objects.order_by("village__code", "number").values_list("village__code", "number", "head_name"),
        *Visit.objects.order_by("uuid").values_list("uuid", "outcome", "visited_at", "is_counted"),
        *IssueEvent.objects.order_by("at", "issue__text", "move").values_list("at", "move", "to_unit__code"),
    ]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def test_same_day_gives_the_same_rows():
    prints = []
    for _run in range(2):
        with transaction.atomic():
            seed("midway")
            prints.append(fingerprint())
            transaction.set_rollback(True)
    assert prints[0] == prints[1]


def test_login_page_offers_every_role_and_each_login_works():
    seed("empty")
    page = Client().get(reverse("account_login")).content.decode()
    logins = staff.logins()
    assert Counter(login["role"] for login in logins).keys() == {str(role.label) for role in Role}
    for login in logins:
        assert login["staff_number"] in page
        assert User.objects.get(staff_number=login["staff_number"]).check_password(staff.PASSWORD)


def test_demo_logins_lists_them(capsys):
    call_command("demo_logins")
    assert "seed_demo" in capsys.readouterr().out
    seed("empty")
    call_command("demo_logins")
    out = capsys.readouterr().out
    assert staff.PASSWORD in out
    assert all(login.staff_number in out for login in staff.LOGINS)


def test_seed_refuses_a_database_that_is_not_empty(cast):
    before = Unit.objects.count()
    with pytest.raises(CommandError, match="not empty"):
        seed("midway")
    call_command("seed_demo", if_empty=True)
    assert Unit.objects.count() == before


def test_seed_refuses_where_demo_is_off(settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO is off"):
        seed("empty")
    assert district.is_empty()
    call_command("seed_demo", stage="empty", force=True)
    assert not district.is_empty()


def test_seed_refuses_a_day_in_the_future():
    with pytest.raises(CommandError, match="future"):
        seed("midway", timezone.localdate() + timedelta(days=1))
    assert district.is_empty()

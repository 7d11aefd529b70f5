"""Campaigns: their rules, their roster, who may change them."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from households.models import Household
from outreach.models import AuditEvent, Campaign
from tests.visits.conftest import make_household
from visits import actions
from visits.attempts import State
from visits.models import Assignment, VisitStandard


def save(cast, campaign=None, **fields):
    today = timezone.localdate()
    values = {
        "name": "春季大走访",
        "starts_on": today,
        "ends_on": today + timedelta(days=30),
        "units": [cast.qingxi],
        "categories": [],
    }
    return actions.save_campaign(**{"by": cast.district_office, "campaign": campaign, **values, **fields})


STANDARD = {
    "counted_outcomes": ["met", "partly_met"],
    "roster_states": ["in_residence"],
    "makeup_workdays": 5,
    "min_attempts": 3,
    "min_days": 3,
    "min_time_bands": 2,
    "text": "",
}


def test_new_campaign_is_a_draft_of_the_district_with_a_first_standard(cast):
    campaign = save(cast)
    assert (campaign.state, campaign.district, list(campaign.units.all())) == ("draft", cast.district, [cast.qingxi])
    assert [standard.version for standard in campaign.standards.all()] == [1]
    assert AuditEvent.objects.filter(action="campaign.create").exists()


def test_open_campaign_builds_the_roster_of_its_units_and_categories(cast):
    poor = make_household(cast.shiqiao, 1, categories=["dibao"])
    make_household(cast.shiqiao, 2)
    make_household(cast.liutang, 3, categories=["dibao"], roster_state="moved")
    make_household(cast.luzhou, 4, categories=["dibao"])
    campaign = save(cast, categories=["dibao", "tekun"])
    update = actions.open_campaign(campaign=campaign, by=cast.district_office)
    assert update.added == 1
    assert [duty.household for duty in campaign.assignments.all()] == [poor]
    assert Campaign.objects.get().state == "open"


def test_campaign_without_units_covers_the_whole_district(cast):
    for number, village in enumerate([cast.shiqiao, cast.liutang, cast.luzhou]):
        make_household(village, number)
    campaign = save(cast, units=[])
    assert actions.open_campaign(campaign=campaign, by=cast.district_office).added == 3


def test_campaign_without_any_household_cannot_be_opened(cast):
    campaign = save(cast)
    with pytest.raises(ValidationError):
        actions.open_campaign(campaign=campaign, by=cast.district_office)
    assert Campaign.objects.get().state == "draft"


def test_refresh_takes_in_new_households_and_changes_nothing_when_run_again(round_, cast):
    new = make_household(cast.liutang, 7)
    first = actions.refresh_roster(campaign=round_.campaign, by=cast.township_admin)
    again = actions.refresh_roster(campaign=round_.campaign, by=cast.township_admin)
    assert (first.added, again.added) == (1, 0)
    assert Assignment.objects.get(household=new).state == State.TO_VISIT
    assert round_.campaign.assignments.count() == 4


def test_refresh_takes_a_moved_household_off_and_puts_it_back(round_, cast):
    actions.record_visit(by=cast.visitor, payload=round_.payload("nobody_home"))
    doors = Household.objects.filter(pk__in=[round_.doors[0].pk, round_.doors[1].pk])
    doors.update(roster_state="moved")
    assert actions.refresh_roster(campaign=round_.campaign, by=cast.township_admin).taken_off == 2
    assert list(Assignment.objects.order_by("pk").values_list("state", flat=True)) == [
        State.OFF_ROSTER,
        State.OFF_ROSTER,
        State.TO_VISIT,
    ]
    doors.update(roster_state="in_residence")
    assert actions.refresh_roster(campaign=round_.campaign, by=cast.township_admin).put_back == 2
    assert list(Assignment.objects.order_by("pk").values_list("state", flat=True)) == [
        State.MAKE_UP,
        State.TO_VISIT,
        State.TO_VISIT,
    ]


def test_refresh_leaves_a_household_that_was_met_as_met(round_, cast):
    actions.record_visit(by=cast.visitor, payload=round_.payload())
    Household.objects.filter(pk=round_.door.pk).update(roster_state="moved")
    assert actions.refresh_roster(campaign=round_.campaign, by=cast.township_admin).taken_off == 0
    assert round_.duty.state == State.MET


def test_refresh_of_one_unit_leaves_the_others_alone(round_, cast):
    make_household(cast.liutang, 7)
    new = make_household(cast.shiqiao, 8)
    actions.refresh_roster(campaign=round_.campaign, by=cast.township_admin, within=cast.shiqiao)
    assert set(round_.campaign.assignments.values_list("household", flat=True)) == {
        *[door.pk for door in round_.doors],
        new.pk,
    }


def test_narrower_scope_lets_go_of_households_nobody_visited(round_, cast):
    actions.record_visit(by=cast.visitor, payload=round_.payload())
    kept = make_household(cast.liutang, 7)
    start, end = round_.campaign.starts_on, round_.campaign.ends_on
    save(cast, round_.campaign, name="冬季大走访", starts_on=start, ends_on=end, units=[cast.liutang])
    assert set(round_.campaign.assignments.values_list("household", flat=True)) == {round_.door.pk, kept.pk}


def test_dates_that_leave_a_visit_outside_are_refused(round_, cast, days_ago):
    actions.record_visit(by=cast.visitor, payload=round_.payload(visited_at=days_ago(5)))
    with pytest.raises(ValidationError):
        save(cast, round_.campaign, starts_on=timezone.localdate() - timedelta(days=2))
    assert Campaign.objects.get().starts_on == round_.campaign.starts_on


def test_standard_changed_is_a_new_version_and_unchanged_is_not(cast):
    campaign = save(cast)
    assert actions.save_standard(by=cast.district_office, campaign=campaign, **STANDARD).version == 1
    changed = actions.save_standard(by=cast.district_office, campaign=campaign, **(STANDARD | {"makeup_workdays": 3}))
    assert (changed.version, VisitStandard.objects.count()) == (2, 2)
    assert VisitStandard.objects.in_force(campaign).makeup_workdays == 3
    assert "3" in " ".join(changed.sentences())


def test_standard_that_counts_a_leaflet_is_refused_by_the_database(cast):
    campaign = save(cast)
    with pytest.raises(IntegrityError), transaction.atomic():
        VisitStandard.objects.create(campaign=campaign, version=9, counted_outcomes=["met", "leaflet_left"])


def test_closed_campaign_cannot_be_changed_but_can_be_opened_again(round_, cast):
    actions.close_campaign(campaign=round_.campaign, by=cast.district_office)
    with pytest.raises(ValidationError):
        save(cast, round_.campaign)
    with pytest.raises(ValidationError):
        actions.save_standard(by=cast.district_office, campaign=round_.campaign, **STANDARD)
    with pytest.raises(ValidationError):
        actions.close_campaign(campaign=round_.campaign, by=cast.district_office)
    actions.open_campaign(campaign=round_.campaign, by=cast.district_office)
    assert Campaign.objects.get().state == "open"


def test_township_admin_may_not_make_or_open_a_campaign(round_, cast):
    with pytest.raises(PermissionDenied):
        save(cast, by=cast.township_admin)
    with pytest.raises(PermissionDenied):
        actions.close_campaign(campaign=round_.campaign, by=cast.township_admin)
    with pytest.raises(PermissionDenied):
        actions.refresh_roster(campaign=round_.campaign, by=cast.visitor)
    assert Campaign.objects.get().state == "open"

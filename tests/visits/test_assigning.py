"""Handing households to visitors: by place, evenly, from a table, by pairing, one by one."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from households.models import Household, Pairing
from outreach.access import Role
from outreach.models import AuditEvent
from tests.cast import make_user
from tests.visits.conftest import make_campaign, make_household
from visits import actions
from visits.actions import Place, Selection
from visits.attempts import State
from visits.models import Assignment


@pytest.fixture
def wide(cast):
    """A running campaign with six doors in 石桥村 (two groups) and four in 柳塘村, nobody assigned yet."""
    for number in range(1, 7):
        make_household(cast.shiqiao, number, group="一组" if number < 4 else "二组")
    for number in range(11, 15):
        make_household(cast.liutang, number)
    campaign = make_campaign(cast)
    actions.refresh_roster(campaign=campaign, by=cast.township_admin)
    return campaign


def holders(campaign) -> list[str]:
    """Who holds the doors, in door order; "-" for nobody."""
    rows = campaign.assignments.order_by("household__village__sort_order", "household__door_key")
    return [row.visitor.staff_number if row.visitor else "-" for row in rows.select_related("visitor")]


def test_evenly_gives_each_a_stretch_of_neighbouring_doors(wide, cast):
    selection = Selection(campaign=wide, unit=cast.qingxi)
    people = [cast.visitor, cast.second_visitor, cast.outside_visitor]
    assert actions.assign_evenly(selection=selection, visitors=people, by=cast.township_admin) == 10
    assert holders(wide) == ["V001"] * 4 + ["V002"] * 3 + ["V101"] * 3
    event = AuditEvent.objects.filter(action="assignment.evenly").get()
    assert (event.detail["changed"], event.detail["unit"]) == (10, cast.qingxi.code)


def test_evenly_takes_in_households_imported_since(wide, cast):
    new = make_household(cast.shiqiao, 7)
    selection = Selection(campaign=wide, unit=cast.shiqiao)
    assert actions.assign_evenly(selection=selection, visitors=[cast.visitor], by=cast.township_admin) == 7
    assert Assignment.objects.get(household=new).visitor == cast.visitor


def test_assigning_leaves_assigned_and_visited_households_alone_unless_asked(round_, cast):
    actions.record_visit(by=cast.visitor, payload=round_.payload())
    arguments = {"campaign": round_.campaign, "unit": cast.qingxi}
    give = {"visitors": [cast.second_visitor], "by": cast.township_admin}
    assert actions.assign_evenly(selection=Selection(**arguments), **give) == 0
    assert actions.assign_evenly(selection=Selection(**arguments, include_assigned=True), **give) == 2
    assert holders(round_.campaign) == ["V001", "V002", "V002"]
    everything = Selection(**arguments, include_assigned=True, include_visited=True)
    assert actions.assign_evenly(selection=everything, **give) == 1
    assert holders(round_.campaign) == ["V002"] * 3


def test_reassigning_bumps_the_epoch_and_remembers_who_went_before(round_, cast):
    actions.assign_one(assignment=round_.duty, visitor=cast.second_visitor, by=cast.township_admin)
    duty = round_.duty
    assert (duty.epoch, duty.visitor, duty.previous_visitor, duty.assigned_by) == (
        2,
        cast.second_visitor,
        cast.visitor,
        cast.township_admin,
    )
    assert not actions.assign_one(assignment=duty, visitor=cast.second_visitor, by=cast.township_admin)
    assert round_.duty.epoch == 2


def test_places_give_a_village_or_a_group_its_visitor(wide, cast):
    places = [
        Place(village=cast.shiqiao, group="一组", visitor=cast.visitor),
        Place(village=cast.shiqiao, group="二组", visitor=cast.second_visitor),
        Place(village=cast.liutang, group=None, visitor=cast.outside_visitor),
    ]
    selection = Selection(campaign=wide, unit=cast.qingxi)
    assert actions.assign_places(selection=selection, places=places, by=cast.township_admin) == 10
    assert holders(wide) == ["V001"] * 3 + ["V002"] * 3 + ["V101"] * 4


def test_place_outside_the_selection_is_refused(wide, cast):
    places = [Place(village=cast.luzhou, group=None, visitor=cast.visitor)]
    with pytest.raises(ValidationError):
        actions.assign_places(
            selection=Selection(campaign=wide, unit=cast.qingxi), places=places, by=cast.township_admin
        )
    assert set(holders(wide)) == {"-"}


def test_table_gives_each_household_its_own(wide, cast):
    doors = list(Household.objects.order_by("village__sort_order", "door_key"))
    rows = [(doors[0].pk, cast.visitor.pk), (doors[9].pk, cast.second_visitor.pk)]
    selection = Selection(campaign=wide, unit=cast.qingxi)
    assert actions.assign_from_rows(selection=selection, rows=rows, by=cast.township_admin) == 2
    assert holders(wide) == ["V001"] + ["-"] * 8 + ["V002"]


def test_pairing_gives_each_paired_household_to_its_partner(wide, cast):
    doors = list(Household.objects.order_by("village__sort_order", "door_key"))
    actions.pair_household(household=doors[1], user=cast.visitor, by=cast.township_admin)
    actions.pair_household(household=doors[1], user=cast.second_visitor, by=cast.township_admin)
    actions.pair_household(household=doors[2], user=cast.leader, by=cast.township_admin)
    ended = actions.pair_household(household=doors[3], user=cast.visitor, by=cast.township_admin)
    actions.end_pairing(pairing=ended, by=cast.township_admin)
    selection = Selection(campaign=wide, unit=cast.qingxi)
    assert actions.assign_by_pairing(selection=selection, by=cast.township_admin) == 1
    assert holders(wide) == ["-", "V001"] + ["-"] * 8


def test_pairing_twice_is_one_pair_and_ending_it_keeps_it_on_record(round_, cast):
    first = actions.pair_household(household=round_.door, user=cast.visitor, by=cast.township_admin)
    assert actions.pair_household(household=round_.door, user=cast.visitor, by=cast.township_admin) == first
    actions.end_pairing(pairing=first, by=cast.township_admin)
    assert Pairing.objects.get().ended_on is not None
    assert AuditEvent.objects.filter(action__startswith="pairing.").count() == 2


def test_unassign_takes_what_was_not_visited_from_one_visitor(round_, cast):
    actions.record_visit(by=cast.visitor, payload=round_.payload())
    selection = Selection(campaign=round_.campaign, unit=cast.qingxi, include_assigned=True)
    assert actions.unassign(selection=selection, visitor=cast.second_visitor, by=cast.township_admin) == 0
    assert actions.unassign(selection=selection, visitor=cast.visitor, by=cast.township_admin) == 2
    assert holders(round_.campaign) == ["V001", "-", "-"]


def test_clerk_may_be_given_his_own_village_and_no_other(wide, cast):
    own, other = Selection(campaign=wide, unit=cast.shiqiao), Selection(campaign=wide, unit=cast.liutang)
    assert actions.assign_evenly(selection=own, visitors=[cast.village_clerk], by=cast.township_admin) == 6
    with pytest.raises(ValidationError):
        actions.assign_evenly(selection=other, visitors=[cast.village_clerk], by=cast.township_admin)


def test_visitor_of_a_department_may_be_given_households(wide, cast):
    of_roads = make_user("V201", "何交通", Role.VISITOR, cast.roads)
    selection = Selection(campaign=wide, unit=cast.liutang)
    assert actions.assign_evenly(selection=selection, visitors=[of_roads], by=cast.township_admin) == 4


def test_people_without_a_visiting_post_or_switched_off_are_refused(wide, cast):
    cast.second_visitor.is_active = False
    cast.second_visitor.save()
    for person in (cast.leader, cast.second_visitor, cast.department_handler):
        with pytest.raises(ValidationError):
            actions.assign_evenly(
                selection=Selection(campaign=wide, unit=cast.qingxi), visitors=[person], by=cast.township_admin
            )
    assert set(holders(wide)) == {"-"}


def test_assigning_in_a_campaign_that_does_not_run_is_refused(wide, cast):
    actions.close_campaign(campaign=wide, by=cast.district_office)
    with pytest.raises(ValidationError):
        actions.assign_evenly(
            selection=Selection(campaign=wide, unit=cast.qingxi), visitors=[cast.visitor], by=cast.township_admin
        )


def test_visitor_may_not_assign(wide, cast):
    with pytest.raises(PermissionDenied):
        actions.assign_evenly(
            selection=Selection(campaign=wide, unit=cast.qingxi), visitors=[cast.visitor], by=cast.visitor
        )


def test_assigning_costs_the_same_queries_for_few_and_many_households(wide, cast):
    def cost(visitor) -> int:
        selection = Selection(campaign=wide, unit=cast.qingxi, include_assigned=True)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            actions.assign_evenly(selection=selection, visitors=[visitor], by=cast.township_admin)
        return len(queries)

    few = cost(cast.visitor)
    for number in range(100, 400):
        make_household(cast.liutang, number)
    actions.refresh_roster(campaign=wide, by=cast.township_admin)
    assert cost(cast.second_visitor) == few


def attempts(round_, cast, days_ago, outcome="nobody_home", times=((5, 10), (4, 15), (3, 19))):
    for days, hour in times:
        actions.record_visit(by=cast.visitor, payload=round_.payload(outcome, visited_at=days_ago(days, hour)))


def test_unreachable_is_confirmed_after_enough_attempts_days_and_bands(round_, cast, days_ago):
    attempts(round_, cast, days_ago)
    actions.confirm_unreachable(assignment=round_.duty, by=cast.supervisor)
    duty = round_.duty
    assert (duty.state, duty.unreachable_by, duty.due_on) == (State.UNREACHABLE, cast.supervisor, None)
    assert Household.objects.get(pk=round_.door.pk).roster_state == "in_residence"
    assert AuditEvent.objects.filter(action="assignment.unreachable").exists()


@pytest.mark.parametrize(
    ("outcome", "times"),
    [
        ("nobody_home", ((5, 10), (4, 19))),
        ("nobody_home", ((5, 9), (5, 15), (4, 19))),
        ("nobody_home", ((5, 9), (4, 10), (3, 11))),
        ("leaflet_left", ((5, 10), (4, 15), (3, 19))),
        ("come_back", ((5, 10), (4, 15), (3, 19))),
    ],
)
def test_unreachable_is_refused_before_the_rule_is_met(round_, cast, days_ago, outcome, times):
    attempts(round_, cast, days_ago, outcome, times)
    with pytest.raises(ValidationError):
        actions.confirm_unreachable(assignment=round_.duty, by=cast.supervisor)
    assert round_.duty.state == State.MAKE_UP


def test_met_after_unreachable_is_met(round_, cast, days_ago):
    attempts(round_, cast, days_ago)
    actions.confirm_unreachable(assignment=round_.duty, by=cast.supervisor)
    actions.record_visit(by=cast.visitor, payload=round_.payload())
    assert round_.duty.state == State.MET


def test_visitor_and_outsider_may_not_confirm(round_, cast, days_ago):
    attempts(round_, cast, days_ago)
    with pytest.raises(PermissionDenied):
        actions.confirm_unreachable(assignment=round_.duty, by=cast.visitor)
    with pytest.raises(Assignment.DoesNotExist):
        actions.confirm_unreachable(assignment=round_.duty, by=cast.outside_admin)


def test_moved_is_confirmed_and_leaves_the_roster(round_, cast):
    actions.record_visit(by=cast.visitor, payload=round_.payload("moved"))
    assert round_.duty.state == State.TO_CONFIRM
    actions.confirm_off_roster(assignment=round_.duty, roster_state="moved", by=cast.township_admin)
    assert round_.duty.state == State.OFF_ROSTER
    assert Household.objects.get(pk=round_.door.pk).roster_state == "moved"
    assert AuditEvent.objects.filter(action="assignment.off_roster").exists()


def test_household_nobody_reported_cannot_be_taken_off(round_, cast):
    with pytest.raises(ValidationError):
        actions.confirm_off_roster(assignment=round_.duty, roster_state="moved", by=cast.township_admin)
    actions.record_visit(by=cast.visitor, payload=round_.payload("moved"))
    with pytest.raises(ValidationError):
        actions.confirm_off_roster(assignment=round_.duty, roster_state="in_residence", by=cast.township_admin)
    assert round_.duty.state == State.TO_CONFIRM


def test_recheck_sends_the_visitor_once_more(round_, cast):
    actions.record_visit(by=cast.visitor, payload=round_.payload("moved"))
    due_on = actions.ask_recheck(assignment=round_.duty, by=cast.township_admin)
    assert (round_.duty.state, round_.duty.due_on) == (State.MAKE_UP, due_on)

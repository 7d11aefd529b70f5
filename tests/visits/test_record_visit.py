"""The write door of visits: what is stored, what counts, and what is refused whole."""

import io
import threading
from base64 import b64encode
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone
from PIL import Image

from households.models import Household, Pairing, ResidentChange
from issues.models import Category, Issue
from outreach.models import Campaign
from tests.cast import make_cast
from tests.visits.conftest import make_campaign, make_household, make_round, raw_visit
from visits import actions
from visits.actions import Result, record_visit
from visits.attempts import State
from visits.models import Assignment, Topic, Visit, VisitConflict, VisitItem, VisitStandard
from visits.payload import parse


def road() -> Category:
    return Category.objects.filter(parent__isnull=False, is_active=True).order_by("pk").first()


def photo() -> str:
    out = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(out, "JPEG")
    return b64encode(out.getvalue()).decode()


def nothing_stored() -> bool:
    return not (Visit.objects.exists() or VisitItem.objects.exists() or Issue.objects.exists()) and not (
        ResidentChange.objects.exists() or VisitConflict.objects.exists()
    )


def test_met_visit_is_stored_counts_and_covers_the_household(round_, cast):
    payload = round_.payload("met", note="身体好", seconds=30)
    receipt = record_visit(by=cast.visitor, payload=payload)
    visit = Visit.objects.get()
    assert (receipt.result, receipt.uuid) == (Result.STORED, str(payload.uuid))
    assert (visit.pk, visit.visitor, visit.visitor_unit, visit.note) == (
        payload.uuid,
        cast.visitor,
        cast.qingxi,
        "身体好",
    )
    assert (visit.is_counted, visit.standard.version, visit.epoch, visit.seconds) == (True, 1, 1, 30)
    duty = round_.duty
    today = timezone.localdate(visit.visited_at)
    assert (duty.state, duty.attempts, duty.covered_on, duty.met_on) == (State.MET, 1, today, today)


def test_nobody_home_makes_the_make_up_visit(round_, cast):
    record_visit(by=cast.visitor, payload=round_.payload("nobody_home"))
    duty = round_.duty
    assert (duty.state, duty.attempts, duty.covered_on) == (State.MAKE_UP, 1, None)
    assert duty.due_on > timezone.localdate()
    assert duty.suggested_band
    assert round_.counted() == []


@pytest.mark.parametrize("outcome", ["leaflet_left", "nobody_home", "refused", "come_back", "no_access", "moved"])
def test_visit_without_a_meeting_never_counts(round_, cast, outcome):
    record_visit(by=cast.visitor, payload=round_.payload(outcome))
    assert round_.counted() == []
    assert round_.duty.covered_on is None


def test_problem_opens_an_issue_with_its_photo_in_the_same_visit(round_, cast):
    category = road()
    item = {"kind": "problem", "category": category.code, "text": "路灯不亮", "urgent": True, "photo": photo()}
    receipt = record_visit(by=cast.visitor, payload=round_.payload(items=[item]))
    issue = Issue.objects.get()
    assert receipt.result == Result.STORED
    assert (issue.text, issue.category, issue.household, issue.campaign) == (
        "路灯不亮",
        category,
        round_.door,
        round_.campaign,
    )
    assert (issue.is_urgent, issue.recorded_by, issue.place) == (True, cast.visitor, cast.shiqiao)
    assert issue.attachments.count() == 1
    assert issue.heard_at.visit == Visit.objects.get()


def test_needs_opinions_topics_help_and_corrections_are_kept(round_, cast):
    topic = Topic.objects.first()
    resident = round_.door.residents.get(relation="01")
    payload = round_.payload(
        resident=resident.pk,
        topics=[topic.pk],
        help_given="帮忙交话费",
        items=[{"kind": "need", "text": "想办残疾证"}, {"kind": "opinion", "category": road().code, "text": "路好走"}],
        roster=[{"resident": resident.pk, "phone": "13811112222"}, {"name": "张新生", "relation": "20"}],
    )
    record_visit(by=cast.visitor, payload=payload)
    visit = Visit.objects.get()
    assert (visit.resident, visit.help_given, list(visit.topics.all())) == (resident, "帮忙交话费", [topic])
    assert [(item.kind, item.text, item.issue) for item in visit.items.all()] == [
        ("need", "想办残疾证", None),
        ("opinion", "路好走", None),
    ]
    assert [(change.resident, change.changes, change.proposed_by) for change in ResidentChange.objects.all()] == [
        (resident, {"phone": "13811112222"}, cast.visitor),
        (None, {"name": "张新生", "relation": "20"}, cast.visitor),
    ]
    assert Issue.objects.count() == 0


def test_same_visit_sent_twice_is_stored_once(round_, cast):
    payload = round_.payload(items=[{"kind": "problem", "category": road().code, "text": "路灯"}])
    results = [record_visit(by=cast.visitor, payload=payload).result for _ in range(3)]
    assert results == [Result.STORED, Result.ALREADY, Result.ALREADY]
    assert (Visit.objects.count(), Issue.objects.count(), VisitConflict.objects.count()) == (1, 1, 0)


def test_same_uuid_with_other_content_is_kept_as_a_conflict_once(round_, cast):
    raw = round_.raw(note="一")
    record_visit(by=cast.visitor, payload=parse(raw))
    receipts = [record_visit(by=cast.visitor, payload=parse(raw | {"note": "二"})) for _ in range(2)]
    assert [receipt.result for receipt in receipts] == [Result.CONFLICT_KEPT] * 2
    assert receipts[0].message
    conflict = VisitConflict.objects.get()
    assert (conflict.payload["note"], conflict.sent_by, Visit.objects.get().note) == ("二", cast.visitor, "一")


def test_visit_stored_before_is_confirmed_after_the_campaign_closed_and_the_duty_went(round_, cast):
    payload = round_.payload()
    record_visit(by=cast.visitor, payload=payload)
    Campaign.objects.update(state="closed")
    Assignment.objects.update(visitor=cast.second_visitor, previous_visitor=None)
    assert record_visit(by=cast.visitor, payload=payload).result == Result.ALREADY


def test_of_two_visits_the_earlier_one_counts_even_if_it_arrives_later(round_, cast, days_ago):
    late = round_.payload(visited_at=days_ago(1))
    early = round_.payload(visited_at=days_ago(3))
    record_visit(by=cast.visitor, payload=late)
    assert [visit.pk for visit in round_.counted()] == [late.uuid]
    record_visit(by=cast.village_clerk, payload=early)
    assert [visit.pk for visit in round_.counted()] == [early.uuid]
    assert (Visit.objects.count(), round_.duty.attempts) == (2, 2)
    assert round_.duty.covered_on == timezone.localdate(early.visited_at)


def test_rollup_run_again_changes_nothing(round_, cast, days_ago):
    for days, outcome in [(3, "nobody_home"), (2, "partly_met"), (1, "come_back")]:
        record_visit(by=cast.visitor, payload=round_.payload(outcome, visited_at=days_ago(days)))
    before = Assignment.objects.filter(pk=round_.duty.pk).values().get()
    counted = round_.counted()
    actions.roll_up_assignment(round_.duty)
    assert Assignment.objects.filter(pk=round_.duty.pk).values().get() == before
    assert round_.counted() == counted


def test_standard_in_force_on_the_day_decides_what_counts(round_, cast, days_ago):
    strict = VisitStandard.objects.create(campaign=round_.campaign, version=2, counted_outcomes=["met"])
    VisitStandard.objects.filter(pk=strict.pk).update(created_at=timezone.now() - timedelta(days=2))
    record_visit(by=cast.visitor, payload=round_.payload("partly_met", visited_at=days_ago(1)))
    assert round_.counted() == []
    record_visit(by=cast.visitor, payload=round_.payload("partly_met", visited_at=days_ago(4)))
    assert [visit.standard.version for visit in round_.counted()] == [1]


def test_clock_a_little_ahead_is_taken_for_now(round_, cast):
    ahead = (timezone.now() + timedelta(minutes=4)).isoformat()
    assert record_visit(by=cast.visitor, payload=round_.payload(visited_at=ahead)).result == Result.STORED
    visit = Visit.objects.get()
    assert visit.visited_at == visit.received_at


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda r: {"visited_at": (timezone.now() + timedelta(minutes=9)).isoformat()}, "in_future"),
        (lambda r: {"visited_at": (timezone.now() - timedelta(days=12)).isoformat()}, "before_campaign"),
        (lambda r: {"household": r.foreign.pk}, "not_yours"),
        (lambda r: {"household": 999_999_999}, "not_yours"),
        (lambda r: {"campaign": 999_999_999}, "unknown_campaign"),
        (lambda r: {"campaign": None}, "no_campaign"),
        (lambda r: {"resident": r.doors[1].residents.first().pk}, "foreign_resident"),
        (lambda r: {"resident": 999_999_999}, "foreign_resident"),
        (lambda r: {"roster": [{"resident": r.doors[1].residents.first().pk, "name": "改"}]}, "foreign_resident"),
        (lambda r: {"topics": [999_999_999]}, "unknown_topic"),
        (lambda r: {"items": [{"kind": "problem", "category": "nothing", "text": "灯"}]}, "unknown_category"),
        (
            lambda r: {"items": [{"kind": "problem", "category": road().code, "text": "灯", "photo": "aGVsbG8="}]},
            "bad_problem",
        ),
        (
            lambda r: {
                "items": [
                    {"kind": "problem", "category": road().code, "text": "灯"},
                    {"kind": "need", "category": "nothing", "text": "医保"},
                ]
            },
            "unknown_category",
        ),
    ],
)
def test_record_visit_refuses_and_writes_nothing(round_, cast, change, code):
    receipt = record_visit(by=cast.visitor, payload=round_.payload(**change(round_)))
    assert (receipt.result, receipt.code) == (Result.REFUSED, code)
    assert receipt.message
    assert nothing_stored()
    assert (round_.duty.state, round_.duty.attempts) == (State.TO_VISIT, 0)


@pytest.mark.parametrize("state", ["closed", "draft"])
def test_visit_in_a_campaign_that_does_not_run_is_refused(round_, cast, state):
    Campaign.objects.update(state=state)
    receipt = record_visit(by=cast.visitor, payload=round_.payload())
    assert (receipt.code, nothing_stored()) == ("campaign_not_open", True)
    assert round_.campaign.name in receipt.message


def test_visit_after_the_last_day_is_refused(round_, cast):
    Campaign.objects.update(ends_on=timezone.localdate() - timedelta(days=2))
    assert record_visit(by=cast.visitor, payload=round_.payload()).code == "after_campaign"
    assert nothing_stored()


def test_household_that_asked_not_to_be_visited_is_refused_with_its_reason(round_, cast):
    Household.objects.filter(pk=round_.door.pk).update(
        do_not_visit_reason="家中有病人需静养",
        do_not_visit_at=timezone.now() - timedelta(days=1),
        do_not_visit_by=cast.village_clerk,
    )
    receipt = record_visit(by=cast.visitor, payload=round_.payload())
    assert (receipt.code, nothing_stored()) == ("do_not_visit", True)
    assert "家中有病人需静养" in receipt.message


def test_visit_made_before_they_asked_not_to_be_visited_is_kept(round_, cast, days_ago):
    Household.objects.filter(pk=round_.door.pk).update(
        do_not_visit_reason="静养", do_not_visit_at=timezone.now(), do_not_visit_by=cast.village_clerk
    )
    assert record_visit(by=cast.visitor, payload=round_.payload(visited_at=days_ago(2))).result == Result.STORED


def test_post_without_the_right_may_not_record(round_, cast):
    with pytest.raises(PermissionDenied):
        record_visit(by=cast.leader, payload=round_.payload())


def test_duty_of_another_visitor_is_refused(round_, cast):
    assert record_visit(by=cast.second_visitor, payload=round_.payload()).code == "not_yours"


def test_old_duty_in_another_campaign_gives_no_right_in_this_one(round_, cast):
    old = make_campaign(cast, name="去年大走访", state="closed")
    Assignment.objects.create(campaign=old, household=round_.door, visitor=cast.second_visitor)
    assert record_visit(by=cast.second_visitor, payload=round_.payload()).code == "not_yours"


def test_late_visit_by_the_visitor_before_is_kept_and_told_apart(round_, cast, days_ago):
    actions.assign_one(assignment=round_.duty, visitor=cast.second_visitor, by=cast.township_admin)
    before = round_.payload("nobody_home", visited_at=days_ago(1))
    after = round_.payload("nobody_home", visited_at=timezone.now().isoformat())
    assert record_visit(by=cast.visitor, payload=before).result == Result.STORED
    assert record_visit(by=cast.visitor, payload=after).code == "not_yours"
    assert (Visit.objects.get().epoch, round_.duty.epoch) == (1, 2)


def test_village_clerk_visits_any_household_of_the_village(round_, cast):
    assert record_visit(by=cast.village_clerk, payload=round_.payload()).result == Result.STORED


def test_household_new_in_the_village_joins_the_roster_with_its_first_visit(round_, cast):
    new = make_household(cast.shiqiao, 9, "新来户")
    receipt = record_visit(by=cast.village_clerk, payload=parse(raw_visit(new, round_.campaign)))
    assert receipt.result == Result.STORED
    assert Assignment.objects.get(household=new).state == State.MET


def test_household_outside_the_campaigns_scope_is_refused(round_, cast):
    Campaign.objects.update(categories=["dibao"])
    new = make_household(cast.shiqiao, 9, "新来户")
    receipt = record_visit(by=cast.village_clerk, payload=parse(raw_visit(new, round_.campaign)))
    assert (receipt.code, nothing_stored()) == ("not_on_roster", True)
    assert not Assignment.objects.filter(household=new).exists()


def test_paired_household_may_be_visited_without_a_campaign(round_, cast):
    Pairing.objects.create(household=round_.foreign, user=cast.visitor)
    receipt = record_visit(by=cast.visitor, payload=parse(raw_visit(round_.foreign, None)))
    visit = Visit.objects.get()
    assert receipt.result == Result.STORED
    assert (visit.campaign, visit.standard, visit.is_counted, visit.epoch) == (None, None, False, None)


def test_pairing_that_ended_gives_no_right(round_, cast):
    Pairing.objects.create(household=round_.foreign, user=cast.visitor, ended_on=timezone.localdate())
    assert record_visit(by=cast.visitor, payload=parse(raw_visit(round_.foreign, None))).code == "not_yours"


def at_once(*calls):
    """Run the calls in threads of their own that start together; return what they return, or raise what they raise."""
    barrier, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(index, call):
        try:
            barrier.wait()
            results[index] = call()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


@pytest.fixture
def real_round(transactional_db, django_db_serialized_rollback):
    """The round with real commits, which other threads see."""
    return make_round(make_cast())


def test_same_visit_sent_at_the_same_moment_is_stored_once(real_round):
    by = real_round.cast.visitor
    payload = real_round.payload(items=[{"kind": "problem", "category": road().code, "text": "路灯"}])
    receipts = at_once(*[lambda: record_visit(by=by, payload=payload)] * 4)
    assert sorted(receipt.result for receipt in receipts) == [Result.ALREADY] * 3 + [Result.STORED]
    assert (Visit.objects.count(), Issue.objects.count()) == (1, 1)


def test_same_uuid_for_two_doors_at_the_same_moment_keeps_both(real_round):
    by = real_round.cast.visitor
    raw = real_round.raw()
    other = raw | {"household": real_round.doors[1].pk}
    receipts = at_once(
        lambda: record_visit(by=by, payload=parse(raw)), lambda: record_visit(by=by, payload=parse(other))
    )
    assert sorted(receipt.result for receipt in receipts) == [Result.CONFLICT_KEPT, Result.STORED]
    assert (Visit.objects.count(), VisitConflict.objects.count()) == (1, 1)


def test_two_visitors_at_one_door_at_once_are_both_kept_and_one_counts(real_round):
    cast = real_round.cast
    visits = [(cast.visitor, real_round.payload()), (cast.village_clerk, real_round.payload())] * 1
    visits += [(cast.township_admin, real_round.payload("partly_met"))]
    receipts = at_once(*[lambda by=by, payload=payload: record_visit(by=by, payload=payload) for by, payload in visits])
    assert [receipt.result for receipt in receipts] == [Result.STORED] * 3
    assert Visit.objects.count() == 3
    earliest = min((payload for _by, payload in visits), key=lambda payload: (payload.visited_at, payload.uuid))
    assert [visit.pk for visit in real_round.counted()] == [earliest.uuid]
    assert (real_round.duty.state, real_round.duty.attempts) == (State.MET, 3)

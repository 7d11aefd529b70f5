from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from households.models import Household
from issues import actions, edits, facts, verify
from issues.actions import EditConflictError
from issues.models import Issue
from outreach import calendar
from tests.issues.make import category, issue_at, move, route

pytestmark = pytest.mark.django_db


def edit(issue: Issue, by, base=None, note="", **fields) -> Issue:
    """Correct an issue as somebody who saw it as it stands in `issue`."""
    return actions.correct_issue(issue=issue, by=by, base=base or facts.of(issue), fields=fields, note=note)


def test_a_correction_is_kept_with_what_stood_there_before(cast):
    issue = issue_at(cast, "accepted")
    version, due = issue.version, issue.due_on
    after = edit(issue, cast.district_office, text="村口第三盏路灯不亮", note="电话核实")
    assert (after.text, after.version, after.due_on, after.state) == (
        "村口第三盏路灯不亮",
        version + 1,
        due,
        "accepted",
    )
    event = after.events.order_by("-seq").first()
    assert (event.move, event.by, event.note, event.from_state, event.to_state) == (
        "edit",
        cast.district_office,
        "电话核实",
        "accepted",
        "accepted",
    )
    assert event.detail == {"changes": {"text": ["村口路灯不亮", "村口第三盏路灯不亮"]}}
    assert issue.events.get(seq=1).detail["facts"]["text"] == "村口路灯不亮"
    assert verify.read_through().faults == []


def test_nothing_changed_leaves_no_trace(cast):
    issue = issue_at(cast, "accepted")
    after = edit(issue, cast.district_office, text="村口路灯不亮", kind="need")
    assert (after.version, after.events.count()) == (issue.version, issue.event_count)


@pytest.mark.parametrize(
    ("person", "state", "may"),
    [
        ("district_office", "new", True),
        ("district_office", "accepted", True),
        ("district_office", "paused", True),
        ("district_office", "done", False),
        ("district_office", "closed", False),
        ("township_admin", "accepted", True),
        ("department_handler", "accepted", False),
        ("department_head", "assigned", False),
        ("village_clerk", "new", False),
        ("supervisor", "accepted", False),
        ("outside_admin", "accepted", False),
        ("publicity", "accepted", False),
    ],
)
def test_who_dispatches_above_corrects_while_the_issue_is_open_and_the_holder_never(cast, person, state, may):
    issue = issue_at(cast, state)
    by = getattr(cast, person)
    assert bool(actions.editable_fields(issue, by)) == may
    if may:
        assert edit(issue, by, text="改过").text == "改过"
    else:
        with pytest.raises(PermissionDenied):
            edit(issue, by, text="改过")
        issue.refresh_from_db()
        assert issue.text == "村口路灯不亮"


def test_who_recorded_an_issue_corrects_it_until_it_is_accepted(cast):
    issue = issue_at(cast, "new", by=cast.visitor)
    assert edit(issue, cast.visitor, text="改过").text == "改过"
    with pytest.raises(PermissionDenied):
        edit(issue, cast.second_visitor, text="再改")
    issue = issue_at(cast, "assigned", by=cast.visitor)
    assert edit(issue, cast.visitor, is_urgent=True).is_urgent
    issue = move(Issue.objects.get(pk=issue.pk), "accept", cast.department_handler)
    with pytest.raises(PermissionDenied):
        edit(issue, cast.visitor, text="晚了")


def test_another_category_gives_another_limit_from_the_same_start(cast):
    issue = issue_at(cast, "accepted", kind="dispute")
    started, version = issue.dispatched_at, issue.due_version
    assert issue.limit_workdays == 15
    after = edit(issue, cast.district_office, kind="consultation")
    assert (after.limit_workdays, after.dispatched_at, after.due_version) == (3, started, version + 1)
    assert after.due_on == calendar.add_workdays(timezone.localdate(started), 3)
    detail = after.events.order_by("-seq").first().detail
    assert detail["changes"] == {"kind": ["dispute", "consultation"]}
    assert detail["clock"] == {
        "limit": [15, 3],
        "due_on": [issue.due_on.isoformat(), after.due_on.isoformat()],
    }
    after = edit(after, cast.district_office, kind="dispute")
    assert (after.limit_workdays, after.due_on, after.due_version) == (15, issue.due_on, version + 2)


def test_a_unit_cannot_give_itself_more_time_by_another_kind(cast):
    issue = issue_at(cast, "accepted", holder=cast.qingxi)
    with pytest.raises(ValidationError) as error:
        edit(issue, cast.township_admin, kind="dispute")
    assert "15" in error.value.message_dict["category"][0]
    issue.refresh_from_db()
    assert (issue.kind, issue.limit_workdays) == ("need", 7)
    assert edit(issue, cast.township_admin, kind="hazard").limit_workdays == 3
    issue.refresh_from_db()
    assert edit(issue, cast.district_office, kind="dispute").limit_workdays == 15


def test_limits_that_changed_meanwhile_touch_no_issue_whose_kind_stays(cast):
    from issues.models import KindLimit

    issue = issue_at(cast, "accepted")
    KindLimit.objects.filter(kind="need").update(workdays=20)
    after = edit(issue, cast.district_office, text="改过")
    assert (after.limit_workdays, after.due_on) == (issue.limit_workdays, issue.due_on)


def test_an_issue_nobody_dispatched_goes_where_the_rules_send_what_it_now_says(cast):
    route(cast.roads, "路灯照明")
    issue = issue_at(cast, "new")
    after = edit(issue, cast.township_admin, category=category("路灯照明").pk)
    assert (after.state, after.unit, after.rule.unit) == ("assigned", cast.roads, cast.roads)
    assert after.dispatched_at is not None and after.segments.get().unit == cast.roads
    event = after.events.order_by("-seq").first()
    assert (event.from_state, event.to_state, event.to_unit) == ("new", "assigned", cast.roads)
    dispatched = issue_at(cast, "accepted", holder=cast.water)
    assert edit(dispatched, cast.district_office, category=category("路灯照明").pk).unit == cast.water
    assert verify.read_through().faults == []


def test_the_place_and_the_household_belong_together(cast):
    here = Household.objects.create(village=cast.shiqiao, number="1", head_name="张三")
    there = Household.objects.create(village=cast.liutang, number="1", head_name="李四")
    outside = Household.objects.create(village=cast.luzhou, number="1", head_name="王五")
    issue = issue_at(cast, "new", household=here)
    for changes, field in [
        ({"place": cast.liutang.pk}, "household"),
        ({"household": there.pk}, "household"),
        ({"household": 10**9}, "household"),
        ({"place": cast.luzhou.pk, "household": outside.pk}, "place"),
        ({"place": cast.roads.pk, "household": None}, "place"),
        ({"text": " "}, "text"),
        ({"text": "a\x00"}, "text"),
        ({"kind": "joke"}, "kind"),
        ({"category": 10**9}, "category"),
    ]:
        with pytest.raises(ValidationError) as error:
            edit(issue, cast.township_admin, **changes)
        assert field in error.value.message_dict, changes
    after = edit(issue, cast.township_admin, place=cast.liutang.pk, household=there.pk)
    assert (after.place, after.household) == (cast.liutang, there)
    assert edit(after, cast.township_admin, household=None).household is None
    assert Issue.objects.get(pk=issue.pk).events.count() == 3


def test_two_who_change_different_things_both_have_their_way(cast):
    issue = issue_at(cast, "accepted")
    seen = facts.of(issue)
    edit(issue, cast.district_office, base=seen, **{**seen, "text": "甲改的内容"})
    after = edit(issue, cast.township_admin, base=seen, **{**seen, "is_urgent": True})
    assert (after.text, after.is_urgent) == ("甲改的内容", True)


def test_two_who_change_the_same_thing_differently_clash_and_nothing_is_written(cast):
    issue = issue_at(cast, "accepted")
    seen = facts.of(issue)
    edit(issue, cast.district_office, base=seen, text="甲改的内容")
    with pytest.raises(EditConflictError) as conflict:
        edit(issue, cast.township_admin, base=seen, text="乙改的内容", is_urgent=True)
    assert conflict.value.clashes == [edits.Clash("text", "村口路灯不亮", "甲改的内容", "乙改的内容")]
    now = Issue.objects.get(pk=issue.pk)
    assert (now.text, now.is_urgent, now.event_count) == ("甲改的内容", False, issue.event_count + 1)
    assert edit(issue, cast.township_admin, base=seen, text="甲改的内容").version == now.version


def test_a_correction_goes_through_although_the_issue_has_moved_on_meanwhile(cast):
    issue = issue_at(cast, "assigned")
    seen = facts.of(issue)
    moved = move(issue, "accept", cast.department_handler)
    after = edit(issue, cast.district_office, base=seen, text="改过")
    assert (after.state, after.text, after.version) == ("accepted", "改过", moved.version + 1)


values = st.dictionaries(st.sampled_from(list(facts.FIELDS)), st.integers(0, 2))


@given(values, values, values)
def test_merging_keeps_every_change_of_either_or_names_the_clash(base, theirs, mine):
    whole = dict.fromkeys(facts.FIELDS, 0) | base
    there = whole | theirs
    merged, clashes = edits.merge(base=whole, theirs=there, mine=mine)
    names = {clash.name for clash in clashes}
    assert not names & set(merged)
    result = there | merged
    for name in facts.FIELDS:
        wanted = mine.get(name, whole[name])
        if name in names:
            assert len({whole[name], there[name], wanted}) == 3 or whole[name] not in (there[name], wanted)
        elif wanted != whole[name]:
            assert result[name] == wanted
        else:
            assert result[name] == there[name]

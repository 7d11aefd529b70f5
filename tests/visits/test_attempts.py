"""The rollup of attempts: the same in whatever order they arrive."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from visits.attempts import (
    MET_OUTCOMES,
    Attempt,
    Decisions,
    Outcome,
    State,
    TimeBand,
    band_of,
    better_band,
    roll_up,
)

# Monday 2026-03-02 10:00 in 星河区
MONDAY = datetime(2026, 3, 2, 2, tzinfo=UTC)
NO_EXCEPTIONS: dict[date, bool] = {}


def attempt(outcome: str, days: float = 0, number: int = 1, **fields) -> Attempt:
    return Attempt(
        uuid=UUID(int=number),
        outcome=outcome,
        visited_at=MONDAY + timedelta(days=days),
        valid=outcome in MET_OUTCOMES,
        **fields,
    )


def rolled(*attempts: Attempt, **decisions):
    return roll_up(attempts, Decisions(**decisions), NO_EXCEPTIONS)


attempts_of_a_door = st.lists(
    st.builds(
        attempt,
        st.sampled_from(Outcome.values),
        days=st.integers(0, 200).map(lambda tenth: tenth / 10),
        number=st.integers(1, 10_000),
        appointment_at=st.sampled_from([None, MONDAY + timedelta(days=30)]),
    ),
    max_size=8,
    unique_by=lambda one: one.uuid,
)
decisions_of_people = st.builds(
    Decisions,
    best_time=st.sampled_from(["", "morning", "evening", "weekend"]),
    is_off_roster=st.booleans(),
    is_unreachable=st.booleans(),
)


@given(attempts_of_a_door, decisions_of_people, st.randoms())
def test_rollup_is_the_same_in_any_order_of_arrival(attempts, decisions, random):
    shuffled = list(attempts)
    random.shuffle(shuffled)
    assert roll_up(shuffled, decisions, NO_EXCEPTIONS) == roll_up(attempts, decisions, NO_EXCEPTIONS)


@given(attempts_of_a_door, decisions_of_people)
def test_rollup_keeps_its_promises(attempts, decisions):
    result = roll_up(attempts, decisions, NO_EXCEPTIONS)
    valid = [one for one in attempts if one.valid]
    assert result.attempts == len(attempts)
    assert (result.counted is not None) == bool(valid) == (result.covered_on is not None)
    if valid:
        earliest = min(valid, key=lambda one: (one.visited_at, one.uuid))
        assert result.counted == earliest.uuid
    assert (result.state == State.MET) or Outcome.MET not in {one.outcome for one in attempts}
    assert (result.state == State.MAKE_UP) == (result.due_on is not None)
    if result.due_on is not None:
        assert result.suggested_band in TimeBand.values


@given(attempts_of_a_door.filter(lambda attempts: all(one.outcome not in MET_OUTCOMES for one in attempts)))
def test_rollup_without_a_meeting_never_counts(attempts):
    result = roll_up(attempts, Decisions(), NO_EXCEPTIONS)
    assert (result.counted, result.covered_on, result.met_on) == (None, None, None)
    assert result.state != State.MET


def test_nobody_home_is_due_again_after_the_standards_working_days():
    result = rolled(attempt("nobody_home", makeup_workdays=5))
    assert (result.state, result.due_on) == (State.MAKE_UP, date(2026, 3, 9))


def test_leaflet_left_is_no_visit_and_asks_for_another():
    result = rolled(attempt("leaflet_left"))
    assert (result.state, result.counted, result.attempts) == (State.MAKE_UP, None, 1)


def test_nobody_home_in_the_morning_suggests_the_evening():
    assert rolled(attempt("nobody_home")).suggested_band == TimeBand.EVENING


def test_nobody_home_suggests_the_households_best_time_where_it_was_not_tried():
    assert rolled(attempt("nobody_home"), best_time="afternoon").suggested_band == TimeBand.AFTERNOON


def test_nobody_home_at_the_best_time_suggests_another():
    assert rolled(attempt("nobody_home"), best_time="morning").suggested_band != TimeBand.MORNING


def test_better_band_of_all_three_tried_is_the_one_tried_least():
    tried = [TimeBand.MORNING, TimeBand.EVENING, TimeBand.EVENING, TimeBand.AFTERNOON, TimeBand.AFTERNOON]
    assert better_band(tried, "") == TimeBand.MORNING


def test_appointment_is_the_day_and_time_of_the_make_up_visit():
    result = rolled(attempt("come_back", appointment_at=MONDAY + timedelta(days=20, hours=9)))
    assert (result.due_on, result.suggested_band) == (date(2026, 3, 22), TimeBand.EVENING)


def test_partly_met_counts_and_is_to_be_finished():
    result = rolled(attempt("partly_met"))
    assert (result.state, result.counted, result.met_on) == (State.MAKE_UP, UUID(int=1), date(2026, 3, 2))


def test_met_after_refused_is_met():
    result = rolled(attempt("refused"), attempt("met", 2, 2))
    assert (result.state, result.covered_on) == (State.MET, date(2026, 3, 4))


def test_nobody_home_after_met_stays_met():
    result = rolled(attempt("met"), attempt("nobody_home", 2, 2))
    assert (result.state, result.due_on, result.last_outcome) == (State.MET, None, "nobody_home")


def test_refused_is_not_asked_again():
    assert rolled(attempt("refused")).state == State.REFUSED


def test_moved_waits_for_somebody_to_confirm_it():
    result = rolled(attempt("moved"))
    assert (result.state, result.due_on) == (State.TO_CONFIRM, None)


def test_moved_is_due_again_where_it_was_not_believed():
    result = rolled(attempt("moved"), recheck_at=MONDAY + timedelta(days=1), recheck_due_on=date(2026, 3, 10))
    assert (result.state, result.due_on) == (State.MAKE_UP, date(2026, 3, 10))


def test_moved_reported_again_after_the_recheck_waits_again():
    result = rolled(
        attempt("moved"),
        attempt("moved", 3, 2),
        recheck_at=MONDAY + timedelta(days=1),
        recheck_due_on=date(2026, 3, 10),
    )
    assert result.state == State.TO_CONFIRM


def test_met_overrules_unreachable_and_empty():
    assert rolled(attempt("met"), is_unreachable=True, is_off_roster=True).state == State.MET


def test_household_taken_off_the_roster_is_off_without_a_visit():
    assert rolled(is_off_roster=True).state == State.OFF_ROSTER


def test_bands_follow_the_districts_clock():
    noon = datetime(2026, 3, 2, 4, tzinfo=UTC)
    assert [band_of(noon - timedelta(minutes=1)), band_of(noon), band_of(noon + timedelta(hours=6))] == [
        TimeBand.MORNING,
        TimeBand.AFTERNOON,
        TimeBand.EVENING,
    ]

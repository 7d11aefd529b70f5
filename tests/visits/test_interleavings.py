"""Every order of handing over, visiting and sending: no visit of a rightful holder is lost, one counts, and it does not
matter which arrives first.

All sequences of LENGTH steps are tried on a model that asks the program's own rules (acceptance.standing,
attempts.roll_up); a sample of longer ones runs on the database itself.
"""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from django.utils import timezone

from tests.visits.conftest import make_household, raw_visit
from visits import actions, leases
from visits.acceptance import Duty, Standing, standing
from visits.actions.record import Result, record_visit
from visits.attempts import MET_OUTCOMES, Attempt, Decisions, RollUp, roll_up
from visits.models import Assignment, Visit
from visits.payload import parse

STEPS = ["assign A", "assign B", "take away", "visit A", "visit B", "sync A", "sync B"]
LENGTH = 6  # 7 ** 6 = 117 649 sequences
SAMPLE = 150
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def moment(step: int) -> datetime:
    return NOON + timedelta(minutes=step)


def outcome_at(step: int, who: str) -> str:
    return "met" if (step + (who == "B")) % 2 else "nobody_home"


@dataclass
class Phone:
    """`lease`: the turn of the duty it last heard to be its own; `queue`: (step, lease) of visits not sent yet."""

    lease: int | None = None
    queue: list[tuple[int, int | None]] = field(default_factory=list)


@dataclass
class Model:
    """The duty as the server has it, two phones, and what was taken in."""

    duty: Duty = field(default_factory=lambda: Duty(1, None, 1, moment(0)))
    phones: dict[str, Phone] = field(default_factory=lambda: {"A": Phone(lease=1), "B": Phone()})
    rightful: set[int] = field(default_factory=set)
    taken: list[int] = field(default_factory=list)
    late: set[int] = field(default_factory=set)

    def step(self, number: int, what: str) -> None:
        """Do one step."""
        action, _, who = what.rpartition(" ")
        if action == "assign":
            self.hand_to(number, {"A": 1, "B": 2}[who])
        elif action == "take":
            self.hand_to(number, None)
        elif action == "visit":
            phone = self.phones[who]
            phone.queue.append((number, phone.lease))
            if phone.lease is not None:
                self.rightful.add(number)
        else:
            self.sync(who)

    def hand_to(self, number: int, visitor: int | None) -> None:
        if visitor != self.duty.visitor:
            self.duty = Duty(visitor, self.duty.visitor, self.duty.epoch + 1, moment(number))

    def sync(self, who: str) -> None:
        """Send what waits, then take the list."""
        phone, user = self.phones[who], {"A": 1, "B": 2}[who]
        for number, lease in phone.queue:
            found = standing(self.duty, by=user, visited_at=moment(number), proven_epoch=lease)
            if found != Standing.NONE:
                self.taken.append(number)
            if found == Standing.HELD_BEFORE:
                self.late.add(number)
        phone.queue = []
        phone.lease = self.duty.epoch if self.duty.visitor == user else None

    def play(self, steps: Iterable[str], last: str) -> Model:
        """Do all steps; in the end both phones send, in the order `last`."""
        for number, what in enumerate(steps, 1):
            self.step(number, what)
        for who in last:
            self.sync(who)
        return self


@cache
def rolled(visits: tuple[tuple[int, str], ...]) -> RollUp:
    attempts = [
        Attempt(uuid.UUID(int=number), outcome, moment(number), valid=outcome in MET_OUTCOMES)
        for number, outcome in visits
    ]
    return roll_up(attempts, Decisions(), {})


def counted_on_arrival(visits: list[tuple[int, str]]) -> list[uuid.UUID | None]:
    """Which visit counts after each arrival, as the server rolls up every time."""
    return [rolled(tuple(visits[:end])).counted for end in range(1, len(visits) + 1)]


def test_in_every_interleaving_one_visit_counts_and_no_holders_visit_is_lost():
    tried = 0
    for steps in itertools.product(STEPS, repeat=LENGTH):
        tried += 1
        one = Model().play(steps, "AB")
        assert one.rightful <= set(one.taken), steps
        assert len(set(one.taken)) == len(one.taken), steps
        who = {number: what[-1] for number, what in enumerate(steps, 1)}
        visits = [(number, outcome_at(number, who[number])) for number in one.taken]
        final = rolled(tuple(visits))
        # the earliest valid one, whatever came first
        assert final.counted == min(
            (uuid.UUID(int=number) for number, outcome in visits if outcome in MET_OUTCOMES), default=None
        ), steps
        assert rolled(tuple(reversed(visits))) == final == rolled(tuple(sorted(visits))), steps
        if visits:
            assert counted_on_arrival(visits)[-1] == final.counted, steps
    assert tried >= 100_000


def test_which_phone_sends_first_changes_nothing_for_rightful_holders():
    for steps in itertools.product(STEPS, repeat=5):
        one, other = Model().play(steps, "AB"), Model().play(steps, "BA")
        assert one.rightful == other.rightful
        assert set(one.taken) == set(other.taken), steps
        # nobody sends in between: all that is rightful arrives in the end all the same
        silent = Model().play(["visit A" if what == "sync A" else what for what in steps], "BA")
        assert silent.rightful <= set(silent.taken), steps


def test_a_visit_without_proof_by_one_who_never_held_the_duty_is_not_taken():
    for steps in itertools.product([step for step in STEPS if step != "assign B"], repeat=5):
        one = Model().play(steps, "AB")
        assert {number for number in one.taken if steps[number - 1] == "visit B"} == set(), steps


@pytest.mark.django_db
def test_the_database_does_as_the_model_says(round_, cast):
    chance = random.Random(20260302)
    users = {"A": cast.visitor, "B": cast.second_visitor}
    for number in range(SAMPLE):
        steps = chance.choices(STEPS, k=8)
        last = chance.choice(["AB", "BA"])
        model = Model().play(steps, last)
        door = make_household(cast.shiqiao, 1000 + number, "张三")
        duty = Assignment.objects.create(
            campaign=round_.campaign,
            household=door,
            visitor=cast.visitor,
            epoch=1,
            assigned_at=timezone.now() - timedelta(minutes=1),
        )
        played = Played(duty, users, round_.campaign, cast.township_admin)
        for at, what in enumerate(steps, 1):
            played.step(at, what)
        for who in last:
            played.sync(who)
        taken = {played.numbers[pk] for pk in Visit.objects.filter(household=door).values_list("pk", flat=True)}
        late = Visit.objects.filter(household=door, is_late=True)
        assert taken == set(model.taken), steps
        assert {played.numbers[visit.pk] for visit in late} == model.late, steps
        who = {at: what[-1] for at, what in enumerate(steps, 1)}
        expected = rolled(tuple((at, outcome_at(at, who[at])) for at in model.taken))
        counted = [played.numbers[one.pk] for one in Visit.objects.filter(household=door, is_counted=True)]
        assert counted == ([expected.counted.int] if expected.counted else []), steps
        duty.refresh_from_db()
        assert (duty.state, duty.attempts, duty.last_outcome) == (
            expected.state,
            expected.attempts,
            expected.last_outcome,
        ), steps


class Played:
    """The same steps on the database: the real actions, the real leases, phones that keep what they were told."""

    def __init__(self, duty: Assignment, users: dict, campaign, admin) -> None:
        self.duty, self.users, self.campaign, self.admin = duty, users, campaign, admin
        self.leases: dict[str, dict] = {"A": self.lease("A", 1), "B": {}}
        self.queues: dict[str, list[dict]] = {"A": [], "B": []}
        self.numbers: dict[uuid.UUID, int] = {}

    def lease(self, who: str, epoch: int) -> dict:
        return {
            "epoch": epoch,
            "lease": leases.lease_of(user=self.users[who].pk, assignment=self.duty.pk, epoch=epoch),
        }

    def step(self, at: int, what: str) -> None:
        action, _, who = what.rpartition(" ")
        if action in ("assign", "take"):
            self.duty.refresh_from_db()
            actions.assign_one(assignment=self.duty, visitor=self.users.get(who), by=self.admin)
        elif action == "visit":
            visited_at = timezone.now().isoformat()
            raw = raw_visit(self.duty.household, self.campaign, outcome_at(at, who), visited_at=visited_at)
            self.numbers[uuid.UUID(raw["uuid"])] = at
            self.queues[who].append(raw | self.leases[who])
        else:
            self.sync(who)

    def sync(self, who: str) -> None:
        for raw in self.queues[who]:
            receipt = record_visit(by=self.users[who], payload=parse(raw))
            assert receipt.result == Result.STORED or receipt.code == "not_yours", receipt
        self.queues[who] = []
        self.duty.refresh_from_db()
        is_mine = self.duty.visitor_id == self.users[who].pk
        self.leases[who] = self.lease(who, self.duty.epoch) if is_mine else {}

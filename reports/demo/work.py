"""What was done in the demo district: a campaign, its visits, and the issues that came of them, as of a day."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from django.utils import timezone

from households.models import Household, Resident
from issues import actions as issue_actions
from issues import chain, clock, routing, workflow
from issues.models import CallBack, Category, Issue, IssueEvent, IssueSegment, KindLimit, RoutingRule
from outreach import calendar
from outreach.models import Campaign, Unit, User
from reports.demo import texts
from reports.demo.staff import NUMBERS
from visits.actions.assign import Place, Selection, assign_places
from visits.actions.campaigns import open_campaign, save_campaign
from visits.actions.confirm import confirm_off_roster, confirm_unreachable
from visits.attempts import MAKE_UP_OUTCOMES, Attempt, Decisions, Outcome, State, band_of, roll_up
from visits.models import Assignment, Topic, Visit, VisitItem, VisitStandard

OUTCOMES = {
    "met": 66,
    "partly_met": 5,
    "nobody_home": 16,
    "come_back": 3,
    "refused": 2,
    "away_long": 3,
    "moved": 1,
    "no_access": 1,
    "leaflet_left": 3,
}
SECOND_OUTCOMES = {"met": 74, "nobody_home": 18, "refused": 3, "come_back": 5}

# what an Assignment takes from its visits
ROLLED_UP = [
    "state",
    "attempts",
    "last_outcome",
    "last_visit_at",
    "covered_on",
    "met_on",
    "due_on",
    "suggested_band",
    "appointment_at",
]


HOURS = (9, 10, 11, 14, 15, 16, 17, 19, 19, 20)


@dataclass(frozen=True)
class Pace:
    """How a township works: share of households tried, share of make-up visits made, days an issue takes it."""

    tried: float
    made_up: float
    days: tuple[int, int]


@dataclass(frozen=True)
class Stage:
    """How far a campaign has come."""

    days_gone: int
    days_left: int
    paces: dict[str, Pace]
    is_over: bool


MIDWAY = Stage(
    24,
    21,
    {
        "439900101": Pace(0.78, 0.75, (1, 6)),
        "439900102": Pace(0.42, 0.35, (6, 18)),
        "439900001": Pace(0.6, 0.55, (2, 9)),
    },
    is_over=False,
)
FULL = Stage(
    60,
    -3,
    {
        "439900101": Pace(1.0, 0.97, (1, 6)),
        "439900102": Pace(0.91, 0.7, (6, 20)),
        "439900001": Pace(0.97, 0.86, (2, 9)),
    },
    is_over=True,
)


def moment(day: date, hour: int, minute: int) -> datetime:
    """Return a time of day by the district's clock."""
    return datetime.combine(day, time(hour, minute), tzinfo=timezone.get_current_timezone())


class Work:
    """Builds the campaign; nothing in it lies after `now`, the evening before `today`: so the same day gives the
    same rows at any hour, and nothing lies in the future."""

    def __init__(self, random: Random, stage: Stage, today: date, staff: dict[str, User]) -> None:
        self.random = random
        self.stage = stage
        self.today = today
        self.now = moment(today - timedelta(days=1), 21, 0)
        self.staff = staff
        self.table = calendar.overrides()
        self.starts_on = today - timedelta(days=stage.days_gone)
        self.ends_on = today + timedelta(days=stage.days_left)
        self.units = {user.pk: user.posts[0].unit for user in staff.values()}
        self.admins = {code: staff[f"A{hundred + 1}"] for code, hundred in NUMBERS.items()}

    def run(self, visitors: dict[str, list[User]]) -> Campaign:
        """Make the campaign, assign its households, visit them, and let the issues take their way."""
        campaign = self._campaign()
        self._assign(campaign, visitors)
        visits = self._visit(campaign)
        self._hear(campaign, visits)
        self._confirm(campaign)
        return campaign

    def _campaign(self) -> Campaign:
        office = self.staff["O001"]
        campaign = save_campaign(
            by=office,
            campaign=None,
            name=f"{self.starts_on.year}年“走村入户解民忧”活动",
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            units=list(Unit.objects.townships()),
            categories=[],
        )
        open_campaign(campaign=campaign, by=office)
        start = moment(self.starts_on, 8, 0)
        Campaign.objects.filter(pk=campaign.pk).update(created_at=start)
        VisitStandard.objects.filter(campaign=campaign).update(created_at=start)
        return campaign

    def _assign(self, campaign: Campaign, visitors: dict[str, list[User]]) -> None:
        """Groups and buildings go to the township's visitors in turn."""
        groups = defaultdict(set)
        for village_id, group in Household.objects.values_list("village", "group"):
            groups[village_id].add(group)
        for township in Unit.objects.townships():
            turn, places = 0, []
            for village in Unit.objects.villages().filter(parent=township).order_by("sort_order"):
                for group in sorted(groups[village.pk]):
                    people = visitors[township.code]
                    places.append(Place(village=village, group=group, visitor=people[turn % len(people)]))
                    turn += 1
            selection = Selection(campaign=campaign, unit=township)
            assign_places(selection=selection, places=places, by=self.admins[township.code])
        Assignment.objects.filter(campaign=campaign).update(assigned_at=moment(self.starts_on, 9, 0))

    def _visit(self, campaign: Campaign) -> list[Visit]:
        standard = VisitStandard.objects.get(campaign=campaign)
        duties = list(
            Assignment.objects.filter(campaign=campaign)
            .select_related("household__village", "visitor")
            .order_by("household__village__code", "household__number")
        )
        heads = dict(Resident.objects.filter(relation="01").values_list("household", "pk"))
        visits: list[Visit] = []
        for duty in duties:
            made = self._visits_of(duty, standard, heads) if duty.household.do_not_visit_at is None else []
            result = roll_up(
                [
                    Attempt(
                        uuid=visit.uuid,
                        outcome=visit.outcome,
                        visited_at=visit.visited_at,
                        valid=visit.outcome in standard.counted_outcomes,
                        makeup_workdays=standard.makeup_workdays,
                        appointment_at=visit.appointment_at,
                    )
                    for visit in made
                ],
                Decisions(best_time=duty.household.best_time),
                self.table,
            )
            for visit in made:
                visit.is_counted = visit.uuid == result.counted
            for field in ROLLED_UP:
                setattr(duty, field, getattr(result, field))
            visits += made
        Visit.objects.bulk_create(visits)
        Assignment.objects.bulk_update(duties, ROLLED_UP)
        topics = list(Topic.objects.all())
        through = Visit.topics.through
        through.objects.bulk_create(
            through(visit_id=visit.uuid, topic_id=topic.pk)
            for visit in visits
            if visit.outcome in ("met", "partly_met")
            for topic in self.random.sample(topics, self.random.randrange(1, 4))
        )
        return visits

    def _visits_of(self, duty: Assignment, standard: VisitStandard, heads: dict[int, int]) -> list[Visit]:
        """The attempts at one door: a first one, and make-up visits while nobody is met."""
        pace = self.stage.paces[duty.household.village.township_code]
        # priority households go first
        if self.random.random() > pace.tried + (0.15 if duty.household.priority >= 70 else 0):
            return []
        last_day = min(timezone.localdate(self.now), self.ends_on)
        day = self.starts_on + timedelta(days=int((last_day - self.starts_on).days * self.random.random() ** 0.9))
        made: list[Visit] = []
        shares = OUTCOMES
        while day <= last_day and len(made) < 4:
            outcome = self.random.choices(list(shares), list(shares.values()))[0]
            visited_at = moment(day, self.random.choice(HOURS), self.random.randrange(60))
            if visited_at > self.now:
                break
            made.append(self._attempt(duty, standard, outcome, visited_at, heads))
            if outcome not in MAKE_UP_OUTCOMES or self.random.random() > pace.made_up:
                break
            day += timedelta(days=self.random.randrange(2, 7))
            shares = SECOND_OUTCOMES
        return made

    def _attempt(
        self, duty: Assignment, standard: VisitStandard, outcome: str, visited_at: datetime, heads: dict[int, int]
    ) -> Visit:
        is_met = outcome in ("met", "partly_met")
        assert duty.visitor is not None
        appointment = None
        if outcome == "come_back":
            appointment = moment(timezone.localdate(visited_at) + timedelta(days=3), 19, 0)
        return Visit(
            uuid=uuid.UUID(int=self.random.getrandbits(128), version=4),
            payload_hash=f"{self.random.getrandbits(256):064x}",
            household=duty.household,
            campaign_id=duty.campaign_id,
            standard=standard,
            visitor=duty.visitor,
            visitor_unit=self.units[duty.visitor.pk],
            epoch=duty.epoch,
            outcome=outcome,
            visited_at=visited_at,
            received_at=min(self.now, visited_at + timedelta(seconds=self.random.randrange(20, 400))),
            time_band=band_of(visited_at),
            seconds=self.random.randrange(18, 140),
            resident_id=heads[duty.household_id] if is_met and self.random.random() < 0.8 else None,
            note=self.random.choice(texts.NOTES) if is_met else "",
            help_given=self.random.choice(texts.HELP) if is_met and self.random.random() < 0.06 else "",
            appointment_at=appointment,
        )

    def _confirm(self, campaign: Campaign) -> None:
        """The townships' admins decide about doors where nobody lives or nobody was ever reached; 白鹭镇's is slow."""
        standard = VisitStandard.objects.get(campaign=campaign)
        for township, admin in self.admins.items():
            share = self.stage.paces[township].made_up
            duties = Assignment.objects.filter(campaign=campaign, household__village__code__startswith=township)
            by_door = duties.order_by("household__village__code", "household__number")
            for duty in by_door.filter(state=State.TO_CONFIRM):
                if self.random.random() < share:
                    gone = duty.last_outcome == Outcome.MOVED
                    state = Household.RosterState.MOVED if gone else Household.RosterState.VERIFIED_EMPTY
                    confirm_off_roster(assignment=duty, roster_state=state, by=admin)
            for duty in by_door.filter(pk__in=duties.unreachable_candidates(standard).values("pk")):
                if self.random.random() < share:
                    confirm_unreachable(assignment=duty, by=admin)

    def _hear(self, campaign: Campaign, visits: list[Visit]) -> None:
        """Needs, opinions and problems of the people met; a problem becomes an issue with its history."""
        rules = issue_actions.active_rules()
        limits = {row.kind: (row.workdays, row.urgent_workdays) for row in KindLimit.objects.all()}
        categories = list(
            Category.objects.filter(name__in=texts.PROBLEMS, parent__isnull=False)
            .select_related("parent")
            .order_by("pk")
        )
        items: list[VisitItem] = []
        events: list[IssueEvent] = []
        segments: list[IssueSegment] = []
        calls: list[CallBack] = []
        for visit in sorted(visits, key=lambda visit: (visit.visited_at, visit.uuid)):
            if visit.outcome not in ("met", "partly_met"):
                continue
            for kind, said, share in (
                ("need", texts.NEEDS, 0.08),
                ("opinion", texts.OPINIONS, 0.15),
                ("suggestion", texts.SUGGESTIONS, 0.07),
            ):
                if self.random.random() < share:
                    items.append(VisitItem(visit=visit, kind=kind, text=self.random.choice(said)))
            if self.random.random() < 0.19:
                category = self.random.choice(categories)
                issue = self._issue(campaign, visit, category, rules, limits)
                steps = self._take_its_way(issue)
                issue.save()
                chain_up(issue, steps)
                events += steps
                segments += self._segments(issue)
                calls += self._call_back(issue)
                items.append(VisitItem(visit=visit, kind="problem", category=category, text=issue.text, issue=issue))
        IssueEvent.objects.bulk_create(events)
        IssueSegment.objects.bulk_create(segments)
        CallBack.objects.bulk_create(calls)
        VisitItem.objects.bulk_create(items)

    def _issue(
        self,
        campaign: Campaign,
        visit: Visit,
        category: Category,
        rules: list[RoutingRule],
        limits: dict[str, tuple[int, int]],
    ) -> Issue:
        text = self.random.choice(texts.PROBLEMS[category.name])
        place = visit.household.village
        route = routing.choose(rules, category=category, place=place, kind=category.kind, text=text)
        is_urgent = category.kind == "hazard" and self.random.random() < 0.3
        recorded_at = visit.received_at
        limit = clock.limit(
            kind=category.kind,
            category_limits=[node.workdays for node in category.path()],
            kind_limits=limits,
            is_urgent=is_urgent,
        )
        return Issue(
            number=issue_actions.next_number(recorded_at),
            kind=category.kind,
            category=category,
            text=text,
            is_urgent=is_urgent,
            place=place,
            household=visit.household,
            campaign=campaign,
            state=workflow.State.NEW if route.rule is None else workflow.State.ASSIGNED,
            unit=route.unit,
            rule=route.rule,
            rule_text=route.why,
            limit_workdays=limit,
            due_on=clock.deadline(
                dispatched_on=timezone.localdate(recorded_at), limit=limit, extended=0, segments=(), table=self.table
            ),
            recorded_at=recorded_at,
            recorded_by=visit.visitor,
            dispatched_at=None if route.rule is None else recorded_at,
        )

    def _take_its_way(self, issue: Issue) -> list[IssueEvent]:
        """Move the issue on step by step until now; returns its history."""
        place = issue.place
        admin = self.admins[place.township_code]
        holder_days = self.stage.paces[place.township_code].days
        events = [self._event(issue, "open", issue.recorded_by, issue.recorded_at, "", None, issue.rule_text)]
        at = issue.recorded_at
        if issue.state == workflow.State.NEW:
            at = self._later(at, 0, 3)
            if at > self.now:
                return events
            before = issue.unit
            issue.state, issue.dispatched_at = workflow.State.ASSIGNED, at
            issue.rule_text = routing.by_hand(issue.unit, "由镇街自行办理")
            events.append(self._event(issue, "dispatch", admin, at, "new", before, "由镇街自行办理"))
        handler = self._handler(issue.unit, admin)
        # some departments are slow to accept: their issues wait on the ledger
        at = self._later(at, 0, 5 if issue.unit.code[-1] in "67" else 2)
        if at > self.now:
            return events
        issue.state, issue.accepted_at = workflow.State.ACCEPTED, at
        note = self.random.choice(texts.MOVE_NOTES["accept"])
        events.append(self._event(issue, "accept", handler, at, "assigned", issue.unit, note))
        at = self._later(at, *holder_days)
        if at > self.now:
            return events
        issue.state, issue.done_at, issue.done_by = workflow.State.DONE, at, handler
        issue.done_by_unit = self.units[handler.pk]
        issue.outcome = self.random.choices(list(texts.RESULTS), (78, 12, 5, 5))[0]
        issue.result = self.random.choice(texts.RESULTS[issue.outcome])
        events.append(self._event(issue, "finish", handler, at, "accepted", issue.unit, issue.result))
        at = self._later(at, 1, 4)
        if at > self.now:
            return events
        supervisor = self.staff["S001"]
        issue.state, issue.verified_at, issue.verified_by = workflow.State.VERIFIED, at, supervisor
        note = self.random.choice(texts.MOVE_NOTES["verify"])
        events.append(self._event(issue, "verify", supervisor, at, "done", issue.unit, note))
        at = self._later(at, 0, 3)
        if at > self.now:
            return events
        issue.state, issue.closed_at, issue.closed_by = workflow.State.CLOSED, at, supervisor
        note = self.random.choice(texts.MOVE_NOTES["close"])
        events.append(self._event(issue, "close", supervisor, at, "verified", issue.unit, note))
        return events

    def _segments(self, issue: Issue) -> list[IssueSegment]:
        """The clock's ledger of an issue whose way went straight on."""
        if issue.dispatched_at is None:
            return []
        running = IssueSegment(
            issue=issue, unit=issue.unit, kind="running", started_at=issue.dispatched_at, ended_at=issue.done_at
        )
        if issue.done_at is None:
            return [running]
        review = IssueSegment(
            issue=issue, unit=issue.unit, kind="reviewing", started_at=issue.done_at, ended_at=issue.closed_at
        )
        return [running, review]

    def _call_back(self, issue: Issue) -> list[CallBack]:
        """The answer on which a closed issue was signed off."""
        if issue.closed_at is None or issue.closed_by is None:
            return []
        return [
            CallBack(
                issue=issue,
                round=0,
                channel=CallBack.Channel.PHONE,
                reached=CallBack.Reached.REACHED,
                contacted=True,
                solved=issue.outcome == "solved",
                content="content" if issue.outcome == "solved" and self.random.random() < 0.7 else "mostly",
                at=issue.closed_at,
                by=issue.closed_by,
                by_unit=self.units[issue.closed_by.pk],
            )
        ]

    def _handler(self, unit: Unit, admin: User) -> User:
        return self.staff[f"H{unit.code[-2:]}1"] if unit.kind == Unit.Kind.DEPARTMENT else admin

    def _later(self, at: datetime, least: int, most: int) -> datetime:
        """Some days later in working hours, but never before `at`."""
        day = timezone.localdate(at) + timedelta(days=self.random.randint(least, most))
        later = moment(day, self.random.randrange(9, 17), self.random.randrange(60))
        return max(later, at + timedelta(minutes=self.random.randrange(20, 90)))

    def _event(
        self, issue: Issue, move: str, by: User, at: datetime, from_state: str, from_unit: Unit | None, note: str
    ) -> IssueEvent:
        return IssueEvent(
            issue=issue,
            at=at,
            by=by,
            by_unit=self.units[by.pk],
            move=move,
            from_state=from_state,
            to_state=issue.state,
            from_unit=from_unit,
            to_unit=issue.unit,
            note=note,
        )


def chain_up(issue: Issue, steps: list[IssueEvent]) -> None:
    """Number the steps of a stored issue and chain them, as append_event does one by one."""
    head = chain.GENESIS
    for seq, step in enumerate(steps, 1):
        step.issue, step.seq, step.previous_hash = issue, seq, head
        head = step.hash = chain.digest(step.canonical())

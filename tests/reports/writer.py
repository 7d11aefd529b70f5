"""Writes at random into everything that is counted, in every way the program may come to change rows."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from django.db.models import F

from households.models import Household
from issues.actions.history import append_event
from issues.models import CallBack, HelpingUnit, Issue, IssueEvent, IssueSegment, LookBack, ResidentMessage
from outreach.models import Campaign
from tests.reports.rows import START, at, issue_fields, make_duty, make_issue, make_visit
from visits.models import Assignment, Visit

STATES = ["assigned", "accepted", "done", "returned"]


class Writer:
    """Writes at random, one row or many at a time, in every way the program may come to change rows."""

    def __init__(self, cast, random: Random) -> None:
        self.cast, self.random = cast, random
        self.villages = [cast.shiqiao, cast.liutang, cast.luzhou]
        self.places = [*self.villages, cast.qingxi, cast.district]
        self.holders = [cast.roads, cast.water, cast.qingxi, cast.shiqiao]
        self.campaigns = list(Campaign.objects.order_by("pk"))

    def day(self):
        return START + timedelta(days=self.random.randrange(6))

    def some(self, model, share=0.3):
        pks = sorted(model.objects.values_list("pk", flat=True))
        return model.objects.filter(pk__in=[pk for pk in pks if self.random.random() < share])

    @classmethod
    def steps(cls) -> list[str]:
        return [name for name in dir(cls) if name.startswith("do_")]

    def write(self) -> None:
        getattr(self, self.random.choice(self.steps()))()

    def do_add_duties(self):
        for _ in range(self.random.randrange(1, 4)):
            covered_on = self.random.choice([None, self.day()])
            make_duty(self.random.choice(self.campaigns), self.random.choice(self.villages), covered_on=covered_on)

    def do_add_duties_in_bulk(self):
        households = list(self.some(Household))
        campaign = self.random.choice(self.campaigns)
        Assignment.objects.bulk_create(
            [Assignment(campaign=campaign, household=household) for household in households], ignore_conflicts=True
        )

    def do_cover(self):
        self.some(Assignment).update(covered_on=self.day(), state="met")

    def do_correct_one(self):
        if duty := self.some(Assignment).first():
            duty.covered_on, duty.state = None, "refused"
            duty.save()

    def do_upsert(self):
        duties = list(self.some(Assignment))
        for duty in duties:
            duty.state = "off_roster"
        Assignment.objects.bulk_update(duties, ["state"])

    def do_reassign(self):
        self.some(Assignment).update(visitor=self.cast.visitor, epoch=F("epoch") + 1)

    def do_delete_duties(self):
        self.some(Assignment, 0.1).delete()

    def do_visit_late(self):
        for household in self.some(Household):
            campaign = self.random.choice([None, *self.campaigns])
            make_visit(self.cast, campaign, household, self.day(), hour=self.random.choice([1, 12, 23]))

    def do_correct_visits(self):
        self.some(Visit).update(visited_at=at(self.day(), 7), campaign=self.random.choice([None, *self.campaigns]))

    def do_delete_visits(self):
        self.some(Visit, 0.2).delete()

    def do_roster_state(self):
        self.some(Household).update(roster_state=self.random.choice(["in_residence", "verified_empty", "moved"]))

    def do_move_households(self):
        self.some(Household).update(village=self.random.choice(self.villages))

    def do_delete_households(self):
        self.some(Household, 0.1).filter(visits=None).delete()

    def do_raise_issues(self):
        for _ in range(3):
            make_issue(
                self.cast,
                self.random.choice([None, *self.campaigns]),
                self.random.choice(self.places),
                state=self.random.choice(
                    ["new", "assigned", "accepted", "paused", "reported", "done", "verified", "closed", "refused"]
                ),
                outcome=self.random.choice(["solved", "explained", "not_accepted", "reported"]),
                raised_on=self.day(),
                done_on=self.day(),
            )

    def do_move_issues(self):
        self.some(Issue).update(place=self.random.choice(self.places))

    def do_finish_issues(self):
        outcome = self.random.choice(["solved", "explained", "duplicate"])
        self.some(Issue).filter(state="accepted").update(**issue_fields("done", self.cast, self.day(), outcome))

    def do_redo_issues(self):
        self.some(Issue).filter(state="done").update(**issue_fields("accepted", self.cast, self.day()))

    def do_correct_outcomes(self):
        self.some(Issue).filter(state__in=["done", "closed"]).update(
            outcome=self.random.choice(["solved", "explained", "not_accepted", "withdrawn"])
        )

    def do_extend_issues(self):
        self.some(Issue).update(due_on=self.day(), campaign=self.random.choice([None, *self.campaigns]))

    def do_delete_issues(self):
        self.some(Issue, 0.1).filter(events=None).delete()

    def do_prioritise(self):
        self.some(Household).update(priority=self.random.choice([0, 9]))

    def do_try_again(self):
        self.some(Assignment).update(
            attempts=self.random.choice([1, 2, 3]),
            last_visit_at=self.random.choice([None, at(self.day())]),
            due_on=self.day(),
            state=self.random.choice(["make_up", "met", "refused", "to_confirm"]),
        )

    def do_change_outcomes(self):
        self.some(Visit).update(outcome=self.random.choice(["met", "partly_met", "nobody_home"]))

    def do_hand_on_issues(self):
        self.some(Issue).update(unit=self.random.choice(self.holders))

    def do_judge_issues(self):
        self.some(Issue).update(solvability=self.random.choice(["", "solvable", "above"]))

    def do_write_history(self):
        for issue in self.some(Issue):
            before, issue.state = self.random.choice(STATES), self.random.choice(STATES)
            holder, issue.unit = self.random.choice(self.holders), self.random.choice(self.holders)
            append_event(
                issue,
                self.random.choice(["dispatch", "accept", "return", "finish", "redo", "remark"]),
                by=None,
                actor="system",
                at=at(self.day()),
                from_state=before,
                from_unit=holder,
                note="",
            )

    def do_turn_clocks(self):
        for issue in self.some(Issue):
            first, last = sorted([self.day(), self.day()])
            IssueSegment.objects.create(
                issue=issue,
                unit=self.random.choice(self.holders),
                kind=self.random.choice(["running", "paused", "reviewing"]),
                started_at=at(first),
                ended_at=at(last),
            )

    def do_correct_clocks(self):
        self.some(IssueSegment).update(unit=self.random.choice(self.holders), ended_at=at(START + timedelta(days=9)))

    def do_forget_clocks(self):
        self.some(IssueSegment, 0.2).delete()

    def do_ask_for_help(self):
        for issue in self.some(Issue):
            HelpingUnit.objects.get_or_create(
                issue=issue,
                unit=self.random.choice(self.holders),
                answered_at=None,
                defaults={"asked_at": at(self.day()), "asked_by": self.cast.supervisor, "question": "请协助"},
            )

    def do_help(self):
        self.some(HelpingUnit).update(
            answered_at=at(self.day(), 20), answered_by=self.cast.supervisor, asked_at=at(self.day())
        )

    def do_call_back(self):
        for issue in self.some(Issue):
            reached = self.random.random() < 0.7
            CallBack.objects.create(
                issue=issue,
                round=self.random.choice([0, 1]),
                channel="phone",
                reached="reached" if reached else "no_answer",
                contacted=self.random.random() < 0.5 if reached else None,
                solved=self.random.random() < 0.5 if reached else None,
                content=self.random.choice(["content", "mostly", "not_content"]) if reached else "",
                at=at(self.day()),
                by=self.cast.supervisor,
                by_unit=self.cast.district,
            )

    def do_correct_call_backs(self):
        self.some(CallBack).filter(reached="reached").update(
            content=self.random.choice(["content", "mostly", "not_content"]), at=at(self.day())
        )

    def do_forget_call_backs(self):
        self.some(CallBack, 0.2).delete()

    def do_look_back(self):
        for issue in self.some(Issue):
            LookBack.objects.get_or_create(issue=issue, closed_at=at(self.day()), months=1)

    def do_finish_look_backs(self):
        self.some(LookBack).update(
            result=self.random.choice(["holds", "relapsed", "unreached"]),
            done_at=at(self.day()),
            done_by=self.cast.supervisor,
            done_by_unit=self.cast.district,
        )

    def do_tell_residents(self):
        for event in self.some(IssueEvent).filter(resident_message=None):
            ResidentMessage.objects.create(
                issue_id=event.issue_id, event=event, kind="change", state="by_hand", made_at=event.at
            )

    def do_have_told_residents(self):
        self.some(ResidentMessage).exclude(state="told").update(
            state=self.random.choice(["sent", "overtaken", "failed"])
        )

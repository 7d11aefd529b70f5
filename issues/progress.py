"""What a resident reads of an issue: plain words, and nothing about anybody else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from households.models import Resident
from issues import workflow
from issues.models import CallBack, Issue, IssueEvent
from issues.workflow import State

STAGES = (
    gettext_lazy("Recorded"),
    gettext_lazy("Sent"),
    gettext_lazy("Being handled"),
    gettext_lazy("Done"),
    gettext_lazy("Checked"),
    gettext_lazy("Closed"),
)
STAGE_OF = {
    State.NEW: 1,
    State.ASSIGNED: 2,
    State.RETURNED: 2,
    State.ARBITRATION: 2,
    State.ACCEPTED: 3,
    State.PAUSED: 3,
    State.REPORTED: 3,
    State.DONE: 4,
    State.VERIFIED: 5,
    State.CLOSED: 7,  # past the last: all done
}
HEADLINES: dict[str, str | Promise] = {
    State.NEW: gettext_lazy("It is recorded. Which unit handles it is being decided."),
    State.ASSIGNED: gettext_lazy("It was sent to %(unit)s, which must take it up within one working day."),
    State.ACCEPTED: gettext_lazy("%(unit)s is handling it."),
    State.RETURNED: gettext_lazy("Which unit handles it is being decided anew."),
    State.ARBITRATION: gettext_lazy("The district is deciding which unit handles it."),
    State.PAUSED: gettext_lazy("%(unit)s handles it. It is paused for the time being."),
    State.REPORTED: gettext_lazy("It is beyond the district's powers. It was reported upward; the answer is awaited."),
    State.DONE: gettext_lazy("%(unit)s reports it done. Another unit now checks the result."),
    State.VERIFIED: gettext_lazy("The result was checked. We would like to know from you: is it solved?"),
    State.CLOSED: gettext_lazy("It is closed."),
    State.MERGED: gettext_lazy("It is handled together with another report of the same matter."),
    State.REFUSED: gettext_lazy("It was not taken up."),
}
STEPS: dict[str, str | Promise] = {
    "open": gettext_lazy("Recorded"),
    "dispatch": gettext_lazy("Sent to %(unit)s"),
    "arbitrate": gettext_lazy("Sent to %(unit)s by decision of the district"),
    "accept": gettext_lazy("Taken up by %(unit)s"),
    "refuse": gettext_lazy("Not taken up"),
    "restore": gettext_lazy("Taken up after all"),
    "grant": gettext_lazy("More time was granted"),
    "pause": gettext_lazy("Paused"),
    "resume": gettext_lazy("Goes on"),
    "report_up": gettext_lazy("Reported upward"),
    "answer_up": gettext_lazy("The answer from above has come"),
    "finish": gettext_lazy("Reported done by %(unit)s"),
    "verify": gettext_lazy("The result was checked by another unit"),
    "redo": gettext_lazy("To be done again"),
    "redo_up": gettext_lazy("To be done again, one level up"),
    "close": gettext_lazy("Closed"),
    "close_not_content": gettext_lazy("Closed; you were not content"),
    "merge": gettext_lazy("Joined with another report of the same matter"),
    "unmerge": gettext_lazy("Handled by itself again"),
    "remark": gettext_lazy("You added"),
}
ANSWERABLE_STATES = (State.DONE, State.VERIFIED, State.CLOSED)
DUE_STATES = (*workflow.RUNNING_STATES, State.PAUSED)
PHONE = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|0\d{2,3}[- ]?\d{7,8})(?!\d)")
ID_NUMBER = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)|(?<!\d)\d{15}(?!\d)")


@dataclass(frozen=True)
class Step:
    """One line of the history a resident reads."""

    title: str
    at: datetime
    text: str = ""
    photos: int = 0


@dataclass(frozen=True)
class Progress:
    """What the page of an issue shows. `text` is "" where the code is the household's: others there may read it."""

    issue: Issue
    headline: str
    stage: int
    due_on: date | None
    text: str
    outcome: str
    result: str
    steps: list[Step]
    waits_for_resident: bool
    may_add: bool
    may_answer: bool
    answer: CallBack | None


def progress_of(issue: Issue, *, shows_text: bool) -> Progress:
    """Return what the resident reads of `issue`, loaded with unit, done_by_unit and merged_into.

    Of a merged issue the state and result are those of the issue it went into, without a word of its author.
    """
    shown = issue.merged_into if issue.state == State.MERGED and issue.merged_into else issue
    headline = str(HEADLINES[shown.state]) % {"unit": shown.unit.name}
    if shown is not issue:
        headline = f"{HEADLINES[State.MERGED]} {headline}"
    is_finished = shown.state in ANSWERABLE_STATES
    answer = issue.call_backs.filter(round=issue.redos, channel=CallBack.Channel.PAGE).first()
    return Progress(
        issue=issue,
        headline=headline,
        stage=STAGE_OF.get(State(shown.state), 0),
        due_on=shown.due_on if shown.state in DUE_STATES else None,
        text=issue.text if shows_text else "",
        outcome=shown.get_outcome_display() if is_finished and shown.outcome else "",
        result=without_others(shown, issue) if is_finished else "",
        steps=steps_of(issue, shows_text=shows_text),
        waits_for_resident=waits_for_resident(issue),
        may_add=issue.state in workflow.ALIVE_STATES,
        may_answer=issue.state in ANSWERABLE_STATES and answer is None,
        answer=answer,
    )


def steps_of(issue: Issue, *, shows_text: bool) -> list[Step]:
    """Return the steps a resident hears of, newest first. Of notes only why an issue was not taken up, and what the
    resident added."""
    events = issue.events.filter(move__in=STEPS).select_related("to_unit", "from_unit").order_by("-pk")
    steps = []
    for event in events:
        if event.move == "remark" and event.actor != workflow.Actor.RESIDENT:
            continue
        holder = event.from_unit if event.move in ("finish", "answer_up") and event.from_unit else event.to_unit
        title = str(STEPS[event.move]) % {"unit": holder.name}
        steps.append(Step(title, event.at, step_text(event) if shows_text or event.move != "remark" else ""))
    return steps


def step_text(event: IssueEvent) -> str:
    """Return what the resident may read beside a step."""
    if event.move == "remark":
        return event.note
    if event.move == "refuse" and event.reason in workflow.RefuseReason.values:
        return str(workflow.RefuseReason(event.reason).label)
    return ""


def waits_for_resident(issue: Issue) -> bool:
    """Is the issue paused because something is needed from the resident?"""
    if issue.state != State.PAUSED:
        return False
    asked = issue.events.filter(move="ask_pause").order_by("-pk").values_list("reason", flat=True).first()
    return asked == workflow.WaitReason.RESIDENT


def without_others(shown: Issue, issue: Issue) -> str:
    """Return what was done, without phone and ID numbers, and without the names of another issue's household."""
    text = ID_NUMBER.sub("***", PHONE.sub("***", shown.result))
    if shown.household_id is not None and shown.household_id != issue.household_id:
        names = Resident.objects.filter(household=shown.household_id).values_list("name", flat=True)
        head = shown.household.head_name if shown.household else ""
        for name in sorted({*names, head} - {""}, key=len, reverse=True):
            text = text.replace(name, _("a resident"))
    return text

"""What is rare but must not look empty in the demo: difficult issues, leaders' instructions, a report upward.

Written row by row at moments that follow from the issues themselves: the actions would write the time of the seeding,
and the same day would not give the same rows.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from issues import actions
from issues.actions.timing import turn_clock
from issues.models import DifficultMark, Instruction, Issue, UpwardReport
from issues.workflow import State
from outreach.models import User

MARK = "牵涉单位多，多次协调未果"
ORDER = "请承办单位主要负责同志牵头，三日内拿出办理方案，并向群众说明进度。"
ANSWER = "已召开协调会，方案和时间表已定，并已当面告知群众。"
REPORT = "所需资金和审批权限超出区级，恳请上级研究支持。"


def add_instructions(staff: dict[str, User]) -> None:
    """Put the longest accepted issues on the list of difficult ones: one overdue for its answer, one answered, one not
    yet instructed; and report one upward."""
    accepted = Issue.objects.filter(state=State.ACCEPTED).select_related("unit", "place")
    issues = list(accepted.order_by("accepted_at", "text")[:4])
    for issue in issues[:3]:
        at = moment(issue, 1)
        DifficultMark.objects.create(issue=issue, reason=MARK, marked_at=at, marked_by=staff["O001"])
        note(issue, "difficult", by=staff["O001"], at=at, text=MARK)
    for issue in issues[:2]:
        at = moment(issue, 2)
        Instruction.objects.create(
            issue=issue,
            by=staff["L001"],
            text=ORDER,
            to_unit=issue.unit,
            due_on=(at + timedelta(days=3)).date(),
            given_at=at,
        )
        note(issue, "instruct", by=staff["L001"], at=at, text=ORDER)
    for issue in issues[1:2]:
        at, by = moment(issue, 5), answerer(issue)
        issue.instructions.update(answer=ANSWER, answered_at=at, answered_by=by)
        note(issue, "instruct_answer", by=by, at=at, text=ANSWER)
    for issue in issues[3:]:
        report_up(issue, by=answerer(issue), at=moment(issue, 3))


def moment(issue: Issue, hours: int) -> datetime:
    """So many hours after the issue was accepted."""
    assert issue.accepted_at is not None
    return issue.accepted_at + timedelta(hours=hours)


def answerer(issue: Issue) -> User:
    """Who accepted the issue speaks for its unit."""
    accepted = issue.events.filter(move="accept").select_related("by").latest("seq")
    assert accepted.by is not None
    return accepted.by


def note(issue: Issue, move: str, *, by: User, at: datetime, text: str, before: str = "") -> None:
    """Append a step to the history."""
    actions.append_event(issue, move, by=by, at=at, from_state=before or issue.state, from_unit=issue.unit, note=text)


def report_up(issue: Issue, *, by: User, at: datetime) -> None:
    """What the step report_up writes, at `at`."""
    before, issue.state = issue.state, State.REPORTED
    turn_clock(issue, at=at)
    issue.version += 1
    issue.save()
    note(issue, "report_up", by=by, at=at, text=f"市级主管部门：{REPORT}", before=before)
    UpwardReport.objects.create(
        issue=issue, unit=issue.unit, to_whom="市级主管部门", text=REPORT, reported_at=at, reported_by=by
    )

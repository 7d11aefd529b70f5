"""Telling people of a step at once: the column `tell` of workflow.MOVES. Number, step and unit only, never a text."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from issues import workflow
from issues.models import Instruction, Issue, IssueEvent
from issues.recipients import DISPATCH_STATES, Posts
from issues.workflow import Told
from outreach.access import Role
from outreach.models import Unit, User
from outreach.notify import notify

OPEN_TELLS = (Told.HOLDER,)


def tell_of(event: IssueEvent, issue: Issue) -> None:
    """Tell all whom the step of `event` concerns, but not who took it. Part of the step's own transaction: there are
    notices exactly if there was the step."""
    step = workflow.BY_NAME.get(event.move)
    told = step.tell if step else OPEN_TELLS if event.move == "open" else ()
    if not told:
        return
    before = event.from_unit if event.from_unit_id != issue.unit_id else None
    helpers = []
    if Told.HELPERS in told:
        helpers = [row.unit for row in issue.helping_units.select_related("unit").filter(answered_at=None)]
    units = [issue.unit, *([before] if before else []), *helpers]
    posts = Posts({unit.code for unit in units})
    people: set[int] = set()
    groups: set[int] = set()
    for who in told:
        match who:
            case Told.HOLDER:
                people |= posts.holders(issue)
                groups.add(issue.unit_id)
            case Told.BEFORE if before:
                people |= posts.handlers(before.code)
                groups.add(before.pk)
            case Told.ABOVE:
                people |= deciders(issue, posts)
            case Told.VERIFIERS:
                people |= posts.verifiers(issue.unit.code)
            case Told.HELPERS:
                people |= {user for unit in helpers for user in posts.handlers(unit.code)}
                groups |= {unit.pk for unit in helpers}
            case Told.RECORDER:
                people.add(issue.recorded_by_id)
    people.discard(event.by_id or 0)
    if not people and not groups:
        return
    with translation.override(settings.LANGUAGE_CODE):
        notify(
            kind="issue.step",
            title=title_of(issue, step, event.by_unit),
            text=_("Due on %(day)s, held by %(unit)s") % {"day": issue.due_on, "unit": issue.unit.name},
            url=reverse("issues:detail", args=[issue.pk]),
            key=f"step:{event.pk}",
            users=people,
            units=groups,
            is_urgent=issue.is_urgent and event.move in ("open", "dispatch"),
        )


def tell_of_instruction(instruction: Instruction, issue: Issue, step: str, *, by: User) -> None:
    """Tell the unit that it must answer an instruction ("given") or that its answer was taken ("settled"), and the
    leader that it "answered". Never the instruction's text. Part of the step's own transaction."""
    unit = instruction.to_unit
    is_for_leader = step == "answered"
    people = {instruction.by_id} if is_for_leader else Posts({unit.code}).handlers(unit.code)
    groups = set() if is_for_leader else {unit.pk}
    people.discard(by.pk)
    if not people and not groups:
        return
    with translation.override(settings.LANGUAGE_CODE):
        titles = {
            "given": _("Issue %(number)s: a leader's instruction for %(unit)s"),
            "answered": _("Issue %(number)s: %(unit)s answered your instruction"),
            "settled": _("Issue %(number)s: the answer of %(unit)s to the instruction was taken"),
        }
        notify(
            kind="issue.step",
            title=titles[step] % {"number": issue.number, "unit": unit.name},
            text=_("Answer due on %(day)s") % {"day": instruction.due_on},
            url=reverse("issues:detail", args=[issue.pk]),
            key=f"instruction:{instruction.pk}:{step}",
            users=people,
            units=groups,
        )


def tell_of_risk(issue: Issue, *, by: User, key: str) -> None:
    """Tell the township's administrators and the district office that a dispute was rated high risk: at any hour, for a
    warning must not wait. Part of the step's own transaction."""
    place = issue.place.code
    posts = Posts({place})
    people = posts.in_role(place[:9], Role.TOWNSHIP_ADMIN) | posts.in_role(place[:6], Role.DISTRICT_OFFICE)
    people.discard(by.pk)
    if not people:
        return
    with translation.override(settings.LANGUAGE_CODE):
        notify(
            kind="issue.risk",
            title=_("Issue %(number)s: dispute of high risk (%(place)s)")
            % {"number": issue.number, "place": issue.place.name},
            text=_("Due on %(day)s, held by %(unit)s") % {"day": issue.due_on, "unit": issue.unit.name},
            url=reverse("issues:dispute_detail", args=[issue.pk]),
            key=key,
            users=people,
            is_urgent=True,
        )


def tell_units(units: Iterable[Unit], *, title: str, url: str, key: str, by: User) -> None:
    """Tell those who handle at `units`, and the units' groups, what concerns their issues. Part of the step's own
    transaction. `title` is in the site's language and holds numbers and names of units alone."""
    concerned = {unit.pk: unit for unit in units}
    posts = Posts({unit.code for unit in concerned.values()})
    people = {user for unit in concerned.values() for user in posts.handlers(unit.code)} - {by.pk}
    if people or concerned:
        notify(kind="issue.step", title=title, url=url, key=key, users=people, units=concerned)


def title_of(issue: Issue, step: workflow.Move | None, unit: Unit | None) -> str:
    """Return what a message says: number, step, and the unit that took it."""
    values = {"number": issue.number, "step": step.label if step else _("New issue")}
    if unit is None:
        return _("Issue %(number)s: %(step)s") % values
    return _("Issue %(number)s: %(step)s (%(unit)s)") % {**values, "unit": unit.name}


def deciders(issue: Issue, posts: Posts) -> set[int]:
    """Those who must decide next: where the issue was sent back to, or else above its holder."""
    code = issue.unit.code
    if issue.state in DISPATCH_STATES:
        return posts.dispatchers(code)
    return posts.verifiers(code) if len(code) <= 6 else posts.dispatchers(code[:9] if len(code) > 9 else code[:6])

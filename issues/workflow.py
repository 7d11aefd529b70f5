"""The life of an issue: the one table of states and moves. Checks, buttons, the manual and the tests come from it.

A leaf module: it knows no models. Who may: the permission, and the side the acting post stands on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from outreach.access import Permission


class State(models.TextChoices):
    """Where an issue stands (domain.md §4)."""

    NEW = "new", _("to be dispatched")
    ASSIGNED = "assigned", _("to be accepted")
    ACCEPTED = "accepted", _("being handled")
    DONE = "done", _("done, to be verified")
    CLOSED = "closed", _("signed off")


OPEN_STATES = (State.NEW, State.ASSIGNED, State.ACCEPTED)


class Side(StrEnum):
    """Where the acting post stands to the issue."""

    AREA = "area"  # the post's unit is the place's or above it, or the holder's superior
    HOLDER = "holder"  # the post's unit holds the issue
    NOT_HOLDER = "not_holder"  # the post's unit sees the issue but did not handle it: no one judges himself


@dataclass(frozen=True)
class Move:
    """One edge of the table. `required` names the fields the form asks for and the action insists on."""

    name: str
    label: str | Promise
    sources: tuple[State, ...]
    target: State
    permission: Permission
    side: Side
    required: tuple[str, ...] = ()


MOVES = (
    Move(
        "dispatch",
        _("Dispatch"),
        (State.NEW, State.ASSIGNED),
        State.ASSIGNED,
        Permission.ISSUE_DISPATCH,
        Side.AREA,
        ("unit", "note"),
    ),
    Move("accept", _("Accept"), (State.ASSIGNED,), State.ACCEPTED, Permission.ISSUE_HANDLE, Side.HOLDER),
    Move(
        "finish",
        _("Report done"),
        (State.ACCEPTED,),
        State.DONE,
        Permission.ISSUE_HANDLE,
        Side.HOLDER,
        ("outcome", "note"),
    ),
    Move("close", _("Sign off"), (State.DONE,), State.CLOSED, Permission.ISSUE_CLOSE, Side.NOT_HOLDER),
    Move(
        "redo",
        _("Send back to be redone"),
        (State.DONE,),
        State.ACCEPTED,
        Permission.ISSUE_CLOSE,
        Side.NOT_HOLDER,
        ("note",),
    ),
)

BY_NAME = {move.name: move for move in MOVES}

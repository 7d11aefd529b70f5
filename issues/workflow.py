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


class Refusal(models.TextChoices):
    """Why a move is refused; the label says it to people."""

    PERMISSION = "permission", _("Your post may not take this step.")
    SIDE = "side", _("This step is for another unit: nobody judges their own work, nobody handles another's.")
    STATE = "state", _("The issue is no longer in the state this step starts from.")


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


def stands_on(
    side: Side, *, post_code: str, place_code: str, holder_code: str, done_by_code: str, is_doer: bool
) -> bool:
    """Say whether a post of the unit `post_code` stands on `side` of an issue.

    Unit codes are paths: a unit is above another where its code begins the other's. `done_by_code` is "" while nobody
    reported the issue done; `is_doer` says that this very person did, perhaps in another post.
    """
    above_place = place_code.startswith(post_code)
    above_holder = holder_code.startswith(post_code) and holder_code != post_code
    if side == Side.HOLDER:
        return post_code == holder_code
    if side == Side.AREA:
        return above_place or above_holder
    return (above_place or above_holder) and post_code not in (holder_code, done_by_code) and not is_doer

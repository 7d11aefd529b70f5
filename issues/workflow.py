"""The life of an issue: the one table of states and moves. Checks, buttons, the clock, who is told, the manual and the
tests come from it (domain.md §4).

A leaf module: it knows no models. Who may: the permission, and the side the acting post stands on. When: the state, and
the guards. The clock follows from the state a move leads to (CLOCK).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from outreach.access import Permission

MAX_RETURNS = 2  # the third goes to arbitration, which binds
MAX_EXTENSIONS = 1
REDOS_BEFORE_GOING_UP = 1  # the second time an issue must be redone, it goes one level up


class State(models.TextChoices):
    """Where an issue stands."""

    NEW = "new", _("to be dispatched")
    ASSIGNED = "assigned", _("to be accepted")
    ACCEPTED = "accepted", _("being handled")
    RETURNED = "returned", _("returned, to be dispatched again")
    ARBITRATION = "arbitration", _("to be decided above")
    PAUSED = "paused", _("paused")
    REPORTED = "reported", _("reported upward")
    DONE = "done", _("done, to be verified")
    VERIFIED = "verified", _("verified, to be called back")
    CLOSED = "closed", _("signed off")
    MERGED = "merged", _("merged")
    REFUSED = "refused", _("not taken up")


# Somebody can be late.
RUNNING_STATES = (State.NEW, State.ASSIGNED, State.ACCEPTED, State.RETURNED, State.ARBITRATION)
# Not yet claimed done.
OPEN_STATES = (*RUNNING_STATES, State.PAUSED, State.REPORTED)
REVIEW_STATES = (State.DONE, State.VERIFIED)
ENDED_STATES = (State.CLOSED, State.MERGED, State.REFUSED)
ALIVE_STATES = (*OPEN_STATES, *REVIEW_STATES)


class Clock(models.TextChoices):
    """What the clock does in a state; the three in the middle are what its ledger of segments holds."""

    WAITING = "waiting", _("not yet started")
    RUNNING = "running", _("running")
    PAUSED = "paused", _("paused")
    REVIEWING = "reviewing", _("stopped for review")
    ENDED = "ended", _("ended")


CLOCK = {
    State.NEW: Clock.WAITING,
    State.ASSIGNED: Clock.RUNNING,
    State.ACCEPTED: Clock.RUNNING,
    State.RETURNED: Clock.RUNNING,
    State.ARBITRATION: Clock.RUNNING,
    State.PAUSED: Clock.PAUSED,
    State.REPORTED: Clock.PAUSED,
    State.DONE: Clock.REVIEWING,
    State.VERIFIED: Clock.REVIEWING,
    State.CLOSED: Clock.ENDED,
    State.MERGED: Clock.ENDED,
    State.REFUSED: Clock.ENDED,
}


class Side(StrEnum):
    """Where the acting post stands to the issue."""

    READER = "reader"  # whoever sees the issue
    AREA = "area"  # the post's unit is the place's or above it, or the holder's superior
    HOLDER = "holder"  # the post's unit holds the issue
    ABOVE = "above"  # the post's unit stands above the holder
    HELPER = "helper"  # the post's unit was asked to help and has not answered
    NOT_HOLDER = "not_holder"  # the post's unit sees the issue but did not handle it: no one judges himself


class Told(StrEnum):
    """Who hears of a move."""

    HOLDER = "holder"  # those who handle at the unit that holds it now
    BEFORE = "before"  # those who handle at the unit that held it before
    ABOVE = "above"  # those above the holder who decide
    VERIFIERS = "verifiers"  # those who may verify and sign off
    HELPERS = "helpers"  # those of the helping units
    RECORDER = "recorder"  # who recorded it: who was asked first carries the answer back (首问负责)
    RESIDENT = "resident"


class Actor(models.TextChoices):
    """Who takes a step: a person with a post, the resident on the page of the code, or the program itself."""

    STAFF = "staff", _("staff")
    RESIDENT = "resident", _("the resident")
    SYSTEM = "system", _("the program")


class Request(models.TextChoices):
    """What the holder asked of those above and is not answered yet."""

    NONE = "", _("nothing asked")
    TIME = "time", _("more time asked for")
    PAUSE = "pause", _("a pause asked for")


class ReturnReason(models.TextChoices):
    """Why a unit says an issue is not its own."""

    NOT_MINE = "not_mine", _("not this unit's duty")
    OTHER_PLACE = "other_place", _("another place")
    UNCLEAR = "unclear", _("what was asked is unclear")
    MANY_UNITS = "many_units", _("another unit must lead")


class WaitReason(models.TextChoices):
    """Why an issue needs more time or a pause."""

    RESIDENT = "resident", _("waits for the resident")
    PROCEDURE = "procedure", _("a procedure takes its time")
    FUNDS = "funds", _("waits for funds or material")
    WEATHER = "weather", _("weather or season")
    OTHER_UNIT = "other_unit", _("waits for another unit")


class RefuseReason(models.TextChoices):
    """Why an issue is not taken up; the resident reads it."""

    COURT = "court", _("before a court, in arbitration or under review")
    SETTLED = "settled", _("settled before, nothing new")
    NO_FACTS = "no_facts", _("no facts to work on")
    NOT_PUBLIC = "not_public", _("a private matter no authority may decide")
    UNLAWFUL = "unlawful", _("asks for what the law forbids")


class RedoReason(models.TextChoices):
    """Why an issue must be done again."""

    NOT_DONE = "not_done", _("not done, or only in part")
    NO_PROOF = "no_proof", _("the evidence does not show it")
    NOT_CONTENT = "not_content", _("the resident is not content")
    RELAPSE = "relapse", _("it came back")


@dataclass(frozen=True)
class Facts:
    """What guards read of an issue. `call_back`: content, not_content, unreachable, nobody (to ask), or "" for none."""

    returns: int = 0
    redos: int = 0
    extensions: int = 0
    is_bound: bool = False
    is_supervised: bool = False
    is_late: bool = False
    has_open_child: bool = False
    can_go_up: bool = True
    request: str = Request.NONE
    call_back: str = ""
    lacks_agreement: bool = False


@dataclass(frozen=True)
class Guard:
    """A condition on an issue. `label` tells people what is missing; a `hint` is shown where the button would be."""

    name: str
    label: str | Promise
    holds: Callable[[Facts], bool]
    hint: bool = False


NOT_BOUND = Guard("not_bound", _("A decision from above binds: it cannot be sent on."), lambda f: not f.is_bound)
RETURNS_LEFT = Guard(
    "returns_left",
    _("It was returned twice: only a decision from above can send it elsewhere now."),
    lambda f: f.returns < MAX_RETURNS,
)
NO_RETURN_LEFT = Guard(
    "no_return_left", _("It can still be returned in the ordinary way."), lambda f: f.returns >= MAX_RETURNS
)
NOTHING_ASKED = Guard(
    "nothing_asked", _("A request is waiting for its answer already."), lambda f: f.request == Request.NONE
)
TIME_ASKED = Guard("time_asked", _("No more time was asked for."), lambda f: f.request == Request.TIME)
PAUSE_ASKED = Guard("pause_asked", _("No pause was asked for."), lambda f: f.request == Request.PAUSE)
SOMETHING_ASKED = Guard("something_asked", _("Nothing was asked for."), lambda f: f.request != Request.NONE)
EXTENSION_LEFT = Guard("extension_left", _("More time is granted only once."), lambda f: f.extensions < MAX_EXTENSIONS)
NOT_LATE = Guard("not_late", _("More time must be asked for before the due day is over."), lambda f: not f.is_late)
NO_OPEN_CHILD = Guard(
    "no_open_child",
    _("An issue below this one is still open: it must end first."),
    lambda f: not f.has_open_child,
    True,
)
NO_REQUEST = Guard("no_request", _("Answer or withdraw the request first."), lambda f: f.request == "", True)
CALLED_BACK = Guard(
    "called_back",
    _("Call the resident back first: content, or not reached on three days."),
    lambda f: f.call_back in ("content", "unreachable", "nobody"),
    True,
)
NOT_CONTENT_TWICE = Guard(
    "not_content_twice",
    _("Only where the resident is still not content after it was redone and decided above."),
    lambda f: f.call_back == "not_content" and f.redos > REDOS_BEFORE_GOING_UP,
)
STAYS_DOWN = Guard(
    "stays_down",
    _("It was redone before: this time it goes one level up."),
    lambda f: f.redos < REDOS_BEFORE_GOING_UP or not f.can_go_up,
)
GOES_UP = Guard(
    "goes_up",
    _("It goes up only when it must be redone again."),
    lambda f: f.redos >= REDOS_BEFORE_GOING_UP and f.can_go_up,
)
NOT_SUPERVISED = Guard("not_supervised", _("It is under supervision already."), lambda f: not f.is_supervised)
SUPERVISED = Guard("supervised", _("It is not under supervision."), lambda f: f.is_supervised)
AGREED = Guard(
    "agreed",
    _("A dispute is solved by an agreement: record it with the mediation first."),
    lambda f: not f.lacks_agreement,
)
# What one outcome of finish asks for beyond the move's own guards.
OUTCOME_GUARDS = {"solved": (AGREED,)}


class Refusal(models.TextChoices):
    """Why a move is refused where no guard says it; the label says it to people."""

    PERMISSION = "permission", _("Your post may not take this step.")
    SIDE = "side", _("This step is for another unit: nobody judges their own work, nobody handles another's.")
    STATE = "state", _("The issue is no longer in the state this step starts from.")


@dataclass(frozen=True)
class Move:
    """One edge of the table.

    `target` is None where the state stays, and where the move leads `back` to the state before the last step.
    `required` and `optional` name the fields the form asks for; the action insists on the first. `reasons` are the
    codes of the field reason. `actors` are who else may take the step besides staff.
    """

    name: str
    label: str | Promise
    sources: tuple[State, ...]
    target: State | None
    permission: Permission
    side: Side
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ("note",)
    reasons: type[models.TextChoices] | None = None
    guards: tuple[Guard, ...] = ()
    tell: tuple[Told, ...] = ()
    actors: tuple[Actor, ...] = ()
    back: bool = False
    can_attach: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields of the form, the required ones first and the note last."""
        names = (*self.required, *(name for name in self.optional if name not in self.required))
        return tuple(sorted(names, key=lambda name: name == "note"))

    @property
    def clock(self) -> Clock | None:
        """What the clock does from this move on; None: as before."""
        return None if self.target is None else CLOCK[self.target]

    @property
    def turns_clock(self) -> bool:
        """Does it change the state, the holder or the time granted, from which the due day follows?"""
        return self.target is not None or self.back or self.name == "grant"

    def targets(self) -> tuple[State, ...]:
        """The states it can lead to from another one; empty where the state stays."""
        if self.back:
            return next(move.sources for move in MOVES if move.target == self.sources[0])
        return () if self.target is None else (self.target,)


P, S = Permission, State

MOVES = (
    Move(
        "dispatch",
        _("Dispatch"),
        (S.NEW, S.ASSIGNED, S.RETURNED),
        S.ASSIGNED,
        P.ISSUE_DISPATCH,
        Side.AREA,
        ("unit", "note"),
        guards=(NOT_BOUND,),
        tell=(Told.HOLDER, Told.BEFORE, Told.RECORDER, Told.RESIDENT),
    ),
    Move(
        "accept",
        _("Accept"),
        (S.ASSIGNED,),
        S.ACCEPTED,
        P.ISSUE_HANDLE,
        Side.HOLDER,
        tell=(Told.RECORDER, Told.RESIDENT),
    ),
    Move(
        "return",
        _("Return as not mine"),
        (S.ASSIGNED, S.ACCEPTED),
        S.RETURNED,
        P.ISSUE_HANDLE,
        Side.HOLDER,
        ("reason", "note"),
        reasons=ReturnReason,
        guards=(NOT_BOUND, RETURNS_LEFT),
        tell=(Told.ABOVE, Told.RECORDER),
    ),
    Move(
        "appeal",
        _("Ask for a decision above"),
        (S.ASSIGNED, S.ACCEPTED),
        S.ARBITRATION,
        P.ISSUE_HANDLE,
        Side.HOLDER,
        ("reason", "note"),
        reasons=ReturnReason,
        guards=(NOT_BOUND, NO_RETURN_LEFT),
        tell=(Told.HOLDER, Told.RECORDER),
    ),
    Move(
        "arbitrate",
        _("Decide, binding"),
        (S.ARBITRATION,),
        S.ASSIGNED,
        P.ISSUE_DISPATCH,
        Side.HOLDER,
        ("unit", "note"),
        tell=(Told.HOLDER, Told.BEFORE, Told.RECORDER, Told.RESIDENT),
    ),
    Move(
        "refuse",
        _("Do not take up"),
        (S.NEW, S.RETURNED),
        S.REFUSED,
        P.ISSUE_DISPATCH,
        Side.AREA,
        ("reason", "note"),
        reasons=RefuseReason,
        tell=(Told.RECORDER, Told.RESIDENT),
    ),
    Move(
        "restore",
        _("Take up after all"),
        (S.REFUSED,),
        None,
        P.ISSUE_CLOSE,
        Side.AREA,
        ("note",),
        back=True,
        tell=(Told.ABOVE, Told.RECORDER, Told.RESIDENT),
    ),
    Move(
        "progress",
        _("Note progress"),
        OPEN_STATES,
        None,
        P.ISSUE_HANDLE,
        Side.HOLDER,
        ("note",),
        can_attach=True,
        tell=(Told.RECORDER,),
    ),
    Move(
        "remark",
        _("Add what was said"),
        ALIVE_STATES,
        None,
        P.ISSUE_OPEN,
        Side.READER,
        ("note",),
        can_attach=True,
        tell=(Told.HOLDER, Told.HELPERS),
        actors=(Actor.RESIDENT,),
    ),
    Move("urge", _("Urge"), OPEN_STATES, None, P.ISSUE_CLOSE, Side.AREA, ("note",), tell=(Told.HOLDER, Told.HELPERS)),
    Move(
        "ask_help",
        _("Ask a unit to help"),
        (S.ACCEPTED,),
        None,
        P.ISSUE_HANDLE,
        Side.HOLDER,
        ("unit", "note"),
        tell=(Told.HELPERS,),
    ),
    Move(
        "answer_help",
        _("Answer as helper"),
        ALIVE_STATES,
        None,
        P.ISSUE_HANDLE,
        Side.HELPER,
        ("note",),
        can_attach=True,
        tell=(Told.HOLDER,),
    ),
    Move(
        "ask_time",
        _("Ask for more time"),
        (S.ACCEPTED,),
        None,
        P.ISSUE_HANDLE,
        Side.HOLDER,
        ("workdays", "reason", "note"),
        reasons=WaitReason,
        guards=(NOTHING_ASKED, EXTENSION_LEFT, NOT_LATE),
        tell=(Told.ABOVE,),
    ),
    Move(
        "grant",
        _("Grant more time"),
        (S.ACCEPTED,),
        None,
        P.ISSUE_DISPATCH,
        Side.ABOVE,
        guards=(TIME_ASKED,),
        tell=(Told.HOLDER, Told.RECORDER, Told.RESIDENT),
    ),
    Move(
        "ask_pause",
        _("Ask for a pause"),
        (S.ACCEPTED,),
        None,
        P.ISSUE_HANDLE,
        Side.HOLDER,
        ("until", "reason", "note"),
        reasons=WaitReason,
        guards=(NOTHING_ASKED,),
        tell=(Told.ABOVE,),
    ),
    Move(
        "pause",
        _("Grant the pause"),
        (S.ACCEPTED,),
        S.PAUSED,
        P.ISSUE_DISPATCH,
        Side.ABOVE,
        guards=(PAUSE_ASKED,),
        tell=(Told.HOLDER, Told.RECORDER, Told.RESIDENT),
    ),
    Move(
        "deny",
        _("Deny the request"),
        (S.ACCEPTED,),
        None,
        P.ISSUE_DISPATCH,
        Side.ABOVE,
        ("note",),
        guards=(SOMETHING_ASKED,),
        tell=(Told.HOLDER,),
    ),
    Move(
        "resume",
        _("Go on"),
        (S.PAUSED, S.REPORTED),
        S.ACCEPTED,
        P.ISSUE_HANDLE,
        Side.HOLDER,
        ("note",),
        tell=(Told.HOLDER, Told.RECORDER, Told.RESIDENT),
        actors=(Actor.RESIDENT, Actor.SYSTEM),
    ),
    Move(
        "report_up",
        _("Report upward"),
        (S.ACCEPTED,),
        S.REPORTED,
        P.ISSUE_HANDLE,
        Side.HOLDER,
        ("to_whom", "note"),
        ("document",),
        guards=(NO_REQUEST,),
        tell=(Told.ABOVE, Told.RECORDER, Told.RESIDENT),
    ),
    Move(
        "answer_up",
        _("Record the answer from above"),
        (S.REPORTED,),
        S.DONE,
        P.ISSUE_HANDLE,
        Side.HOLDER,
        ("note",),
        can_attach=True,
        tell=(Told.VERIFIERS, Told.RECORDER, Told.RESIDENT),
    ),
    Move(
        "finish",
        _("Report done"),
        (S.ACCEPTED,),
        S.DONE,
        P.ISSUE_HANDLE,
        Side.HOLDER,
        ("outcome", "note"),
        ("solvability",),
        guards=(NO_OPEN_CHILD, NO_REQUEST),
        can_attach=True,
        tell=(Told.VERIFIERS, Told.RECORDER, Told.RESIDENT),
    ),
    Move(
        "verify",
        _("Verify"),
        (S.DONE,),
        S.VERIFIED,
        P.ISSUE_CLOSE,
        Side.NOT_HOLDER,
        optional=("solvability", "note"),
        can_attach=True,
        tell=(Told.HOLDER,),
    ),
    Move(
        "redo",
        _("Send back to be redone"),
        (S.DONE, S.VERIFIED, S.CLOSED),
        S.ACCEPTED,
        P.ISSUE_CLOSE,
        Side.NOT_HOLDER,
        ("reason", "note"),
        reasons=RedoReason,
        guards=(STAYS_DOWN,),
        tell=(Told.HOLDER, Told.RECORDER, Told.RESIDENT),
        actors=(Actor.RESIDENT, Actor.SYSTEM),
    ),
    Move(
        "redo_up",
        _("Redone before: send one level up"),
        (S.DONE, S.VERIFIED, S.CLOSED),
        S.ARBITRATION,
        P.ISSUE_CLOSE,
        Side.NOT_HOLDER,
        ("reason", "note"),
        reasons=RedoReason,
        guards=(GOES_UP,),
        tell=(Told.HOLDER, Told.BEFORE, Told.RECORDER, Told.RESIDENT),
        actors=(Actor.RESIDENT, Actor.SYSTEM),
    ),
    Move(
        "close",
        _("Sign off"),
        (S.VERIFIED,),
        S.CLOSED,
        P.ISSUE_CLOSE,
        Side.NOT_HOLDER,
        guards=(NO_OPEN_CHILD, CALLED_BACK),
        tell=(Told.HOLDER, Told.RECORDER, Told.RESIDENT),
    ),
    Move(
        "close_not_content",
        _("Sign off as not accepted"),
        (S.VERIFIED,),
        S.CLOSED,
        P.ISSUE_SUPERVISE,
        Side.NOT_HOLDER,
        ("note",),
        guards=(NO_OPEN_CHILD, NOT_CONTENT_TWICE),
        tell=(Told.HOLDER, Told.RECORDER, Told.RESIDENT),
    ),
    Move(
        "merge",
        _("Merge into another issue"),
        (S.NEW, S.ASSIGNED, S.ACCEPTED, S.RETURNED),
        S.MERGED,
        P.ISSUE_DISPATCH,
        Side.AREA,
        ("main", "note"),
        guards=(NO_OPEN_CHILD, NO_REQUEST),
        tell=(Told.HOLDER, Told.RECORDER, Told.RESIDENT),
    ),
    Move(
        "unmerge",
        _("Take out of the merger"),
        (S.MERGED,),
        None,
        P.ISSUE_DISPATCH,
        Side.AREA,
        ("note",),
        back=True,
        tell=(Told.HOLDER, Told.RECORDER, Told.RESIDENT),
    ),
    Move(
        "supervise",
        _("Put under supervision"),
        ALIVE_STATES,
        None,
        P.ISSUE_SUPERVISE,
        Side.AREA,
        ("note",),
        guards=(NOT_SUPERVISED,),
        tell=(Told.HOLDER, Told.ABOVE, Told.RECORDER),
    ),
    Move(
        "release",
        _("End the supervision"),
        ALIVE_STATES,
        None,
        P.ISSUE_SUPERVISE,
        Side.AREA,
        ("note",),
        guards=(SUPERVISED,),
        tell=(Told.HOLDER, Told.RECORDER),
    ),
)

BY_NAME = {move.name: move for move in MOVES}


def pairs() -> Iterator[tuple[State, State]]:
    """Yield every change of state some move makes: what the database lets through."""
    for move in MOVES:
        for source in move.sources:
            yield from ((source, target) for target in move.targets() if target != source)


def stands_on(
    side: Side,
    *,
    post_code: str,
    place_code: str,
    holder_code: str,
    done_by_code: str = "",
    is_doer: bool = False,
    helper_codes: tuple[str, ...] = (),
) -> bool:
    """Say whether a post of the unit `post_code` stands on `side` of an issue.

    Unit codes are paths: a unit is above another where its code begins the other's. `done_by_code` is "" while nobody
    reported the issue done; `is_doer` says that this very person did, perhaps in another post. `helper_codes` are the
    units asked to help that have not answered.
    """
    above_place = place_code.startswith(post_code)
    above_holder = holder_code.startswith(post_code) and holder_code != post_code
    match side:
        case Side.READER:
            return True
        case Side.HOLDER:
            return post_code == holder_code
        case Side.AREA:
            return above_place or above_holder
        case Side.ABOVE:
            return above_holder
        case Side.HELPER:
            return post_code in helper_codes
        case Side.NOT_HOLDER:
            judges_self = post_code in (holder_code, done_by_code) or is_doer
            return (above_place or above_holder) and not judges_self

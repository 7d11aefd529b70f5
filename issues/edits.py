"""Who may correct what an issue says, and how two corrections are put together. A leaf module: it knows no models.

The table is plain on purpose: whoever recorded an issue corrects it until somebody has taken it on; from then on only
those who dispatch issues above do. The unit that handles an issue never edits it: its category and kind set the limit
the unit is judged by, and its text is what the unit was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from issues.facts import FIELDS
from issues.workflow import OPEN_STATES, State
from outreach.access import Permission


@dataclass(frozen=True)
class Editor:
    """One line of the table: who, in which states, which fields. `recorder`: only who recorded the issue."""

    name: str
    permission: Permission
    recorder: bool
    states: tuple[State, ...]
    fields: tuple[str, ...] = tuple(FIELDS)


EDITORS = (
    Editor("recorder", Permission.ISSUE_OPEN, True, (State.NEW, State.ASSIGNED)),
    # on the side AREA of workflow.py
    Editor("dispatcher", Permission.ISSUE_DISPATCH, False, OPEN_STATES),
)


def editable(
    *, state: str, permissions: frozenset[Permission], is_recorder: bool, is_above: bool, knows_resident: bool
) -> tuple[str, ...]:
    """Return the fields one may correct. `is_above`: the post stands on the side AREA; `knows_resident`: may know whose
    issue it is, without which nobody says of which household it is."""
    names = {
        name
        for editor in EDITORS
        if editor.permission in permissions and state in editor.states
        if (is_recorder if editor.recorder else is_above)
        for name in editor.fields
    }
    if not knows_resident:
        names.discard("household")
    return tuple(name for name in FIELDS if name in names)


@dataclass(frozen=True)
class Clash:
    """A field two people changed differently: what it was when the page was loaded, what it is now, what was typed."""

    name: str
    base: Any
    theirs: Any
    mine: Any


def merge(
    *, base: Mapping[str, Any], theirs: Mapping[str, Any], mine: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Clash]]:
    """Put together what a person changed (`mine` against `base`) with what stands there now (`theirs`).

    Returns what is to be set, and where both changed the same field to different values. A field left as it was loaded
    is left as it is now.
    """
    changed = {name: value for name, value in mine.items() if value != base[name] and value != theirs[name]}
    clashes = [Clash(name, base[name], theirs[name], mine[name]) for name in changed if theirs[name] != base[name]]
    return {name: value for name, value in changed.items() if theirs[name] == base[name]}, clashes

"""Two scoreboards side by side: who moves, and which lines move them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from reports.scoreboard import LineScore, Scoreboard, UnitScore

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LineMove:
    """A line's marks before and after; None where it is not counted, or not part of the scheme."""

    title: str
    before: Decimal | None
    after: Decimal | None

    @property
    def change(self) -> Decimal:
        """By how many marks it moves the total."""
        return (self.after or ZERO) - (self.before or ZERO)


@dataclass(frozen=True, slots=True)
class UnitMove:
    """A unit before and after; `lines` that change, the largest change first. None: not judged on that side."""

    code: str
    name: str
    before: UnitScore | None
    after: UnitScore | None
    lines: tuple[LineMove, ...]

    @property
    def change(self) -> Decimal | None:
        """By how many marks the total moves, None where there is none on one side."""
        if not (self.before and self.after) or self.before.total is None or self.after.total is None:
            return None
        return self.after.total - self.before.total

    @property
    def places(self) -> int | None:
        """By how many places the unit rises (positive) or falls, None where it has no rank on one side."""
        if not (self.before and self.after) or self.before.rank is None or self.after.rank is None:
            return None
        return self.before.rank - self.after.rank


@dataclass(frozen=True, slots=True)
class GroupMoves:
    """The units of one ranking, in the order of the new board."""

    name: str
    units: tuple[UnitMove, ...]


def moves(before: Scoreboard | None, after: Scoreboard) -> tuple[GroupMoves, ...]:
    """Compare two boards, matching units by code and lines by key; `before` None: everything is new."""
    old = {unit.code: unit for group in before.groups for unit in group.units} if before else {}
    groups = [
        GroupMoves(group.name, tuple(_move(old.pop(unit.code, None), unit) for unit in group.units))
        for group in after.groups
    ]
    return tuple(groups)


def _move(before: UnitScore | None, after: UnitScore) -> UnitMove:
    return UnitMove(after.code, after.name, before, after, line_moves(before, after))


def line_moves(before: UnitScore | None, after: UnitScore | None) -> tuple[LineMove, ...]:
    """Return the lines whose marks differ, the largest change first."""
    was = {line.key: line for line in (before.lines if before else ())}
    now = {line.key: line for line in (after.lines if after else ())}
    found = [
        LineMove((now.get(key) or was[key]).title, _marks(was.get(key)), _marks(now.get(key)))
        for key in dict.fromkeys([*now, *was])
    ]
    changed = [line for line in found if line.change]
    return tuple(sorted(changed, key=lambda line: -abs(line.change)))


def _marks(line: LineScore | None) -> Decimal | None:
    return line.marks if line else None

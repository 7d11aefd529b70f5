"""Whose visit a duty takes: pure, so that every order of handing over, visiting and sending can be tried.

A phone sends late. Whoever held the duty when the phone last heard of it has made the visit in good faith: it is
kept, whoever holds the duty by the time it arrives. Which of a household's visits counts is attempts.roll_up's matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Duty:
    """The duty as it stands when a visit arrives: whose it is and was, its turn, and since when."""

    visitor: int | None
    previous: int | None
    epoch: int
    assigned_at: datetime | None


class Standing(StrEnum):
    """What the sender of a visit is to the duty."""

    HOLDER = "holder"
    HELD_BEFORE = "held before"  # proven by the phone: kept and marked late
    HANDED_OVER = "handed over"  # went there before it was handed on; a phone without proof
    NONE = "none"


def standing(duty: Duty, *, by: int, visited_at: datetime, proven_epoch: int | None) -> Standing:
    """Return what `by` is to the duty. `proven_epoch`: the turn the phone proves to have held (leases), or None."""
    if duty.visitor == by:
        return Standing.HOLDER
    if proven_epoch is not None and proven_epoch <= duty.epoch:
        return Standing.HELD_BEFORE
    if duty.previous == by and duty.assigned_at is not None and visited_at <= duty.assigned_at:
        return Standing.HANDED_OVER
    return Standing.NONE

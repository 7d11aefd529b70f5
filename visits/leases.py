"""Proof that a duty was given to a phone: so that a visit made without signal, on a duty that has passed to somebody
else meanwhile, is known from one that was never its sender's.

No row is kept: the proof is a signature over who, which duty and its epoch, and does not change while these do not.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils.crypto import constant_time_compare, salted_hmac

# How long a phone may keep its list without having heard from the server; then it is wiped, waiting visits excepted.
LEASE = timedelta(days=14)
LENGTH = 16


def lease_of(*, user: int, assignment: int, epoch: int) -> str:
    """Return the proof that `user` holds the duty `assignment` in its turn `epoch`."""
    return salted_hmac("visits.lease", f"{user}:{assignment}:{epoch}").hexdigest()[:LENGTH]


def holds(lease: str, *, user: int, assignment: int, epoch: int) -> bool:
    """Is `lease` such a proof?"""
    return constant_time_compare(lease, lease_of(user=user, assignment=assignment, epoch=epoch))

"""The hash chain of an issue's history. Pure: what a step's hash covers, and how it is worked out.

Every step carries the hash of the step before it; its own hash covers that and all that the step says, so nothing in a
history can be changed, removed, added or moved without the chain breaking from there on. docs/decisions/0016 says what
this proves and what not. The canonical form must never change: histories of years ago are checked by it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

GENESIS = ""  # what stands for the step before the first
SHOWN = 12  # characters of a hash on screen and paper: 48 bits, more than anybody could forge by trying

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def canonical(
    *,
    number: str,
    seq: int,
    previous: str,
    at: datetime,
    actor: str,
    by: int | None,
    by_unit: int | None,
    move: str,
    from_state: str,
    to_state: str,
    from_unit: int | None,
    to_unit: int | None,
    reason: str,
    note: str,
    detail: Mapping[str, Any],
) -> str:
    """Return one step as text that is the same wherever it is worked out: JSON with sorted keys and no spaces.

    `number` is the issue's; people and units stand by their ids, `at` in UTC with microseconds. `detail` holds only
    what JSON itself knows (text, whole numbers, true and false, null, lists, objects): see `plain`.
    """
    content = {
        "issue": number,
        "seq": seq,
        "previous": previous,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": actor,
        "by": by,
        "by_unit": by_unit,
        "move": move,
        "from_state": from_state,
        "to_state": to_state,
        "from_unit": from_unit,
        "to_unit": to_unit,
        "reason": reason,
        "note": note,
        "detail": detail,
    }
    return _encode(content)


def digest(text: str) -> str:
    """Return the SHA-256 of a canonical text, 64 hexadecimal characters."""
    return hashlib.sha256(text.encode()).hexdigest()


def plain(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return `detail` as the database will give it back, so that the hash of today is the hash of then.

    Raises TypeError for what is no JSON, and for numbers with a fraction, which are written in more than one way.
    """
    return json.loads(json.dumps(detail), parse_float=_refuse)


def _refuse(number: str) -> Any:
    raise TypeError(f"{number}: a step's detail holds whole numbers only")


class Heads:
    """The digest over the heads of many chains, fed in the order of the issues: what the nightly seal keeps."""

    def __init__(self) -> None:
        self.count = 0
        self._hash = hashlib.sha256()

    def add(self, number: str, seq: int, head: str) -> None:
        """Add the chain of issue `number`, which has `seq` steps and ends in the hash `head`."""
        self.count += 1
        self._hash.update(f"{number}:{seq}:{head}\n".encode())

    def hexdigest(self) -> str:
        """Return the digest so far."""
        return self._hash.hexdigest()

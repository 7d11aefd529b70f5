"""What an issue says, apart from where it stands: the part that people correct. How it is written into the history,
and how the history is read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from issues.models import Issue

# name → the attribute that holds the plain value: text, code, id, yes or no
FIELDS = {
    "text": "text",
    "kind": "kind",
    "category": "category_id",
    "is_urgent": "is_urgent",
    "place": "place_id",
    "household": "household_id",
}

Facts = dict[str, Any]


def of(issue: Issue) -> Facts:
    """Return the facts of `issue` as plain values."""
    return {name: getattr(issue, attribute) for name, attribute in FIELDS.items()}


def replay(facts: Facts, detail: Mapping[str, Any]) -> Facts:
    """Return the facts after a step with this `detail`: {"facts": {…}} states them, {"changes": {name: [old, new]}}
    changes some."""
    facts = {**facts, **detail.get("facts", {})}
    return {**facts, **{name: pair[1] for name, pair in detail.get("changes", {}).items()}}

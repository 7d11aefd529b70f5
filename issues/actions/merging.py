"""The other side of a merger: the issue that others went into keeps in its history what came and what left."""

from __future__ import annotations

from datetime import datetime

from issues.actions.history import append_event
from issues.models import Issue
from outreach.models import User

MOVES = ("merge", "unmerge")


def lock_both(issue: Issue, main: Issue | None) -> None:
    """Lock `issue` and the issue it goes into or comes out of, always in the same order: two people who merge two
    issues into each other would else wait for each other for ever."""
    now = Issue.objects.filter(pk=issue.pk).values_list("merged_into", flat=True).first()
    other = main.pk if main else now
    keys = [issue.pk] if other is None else [issue.pk, other]
    list(Issue.objects.select_for_update(of=("self",)).filter(pk__in=keys).order_by("pk").values_list("pk"))


def tell_main(move: str, main: Issue | None, issue: Issue, *, by: User | None, at: datetime) -> None:
    """Append to the history of `main` that `issue` came or left: its number, and nothing of whose it is."""
    if main is None:
        return
    name = "merged_here" if move == "merge" else "unmerged_here"
    append_event(main, name, by=by, at=at, from_state=main.state, from_unit=main.unit, note=issue.number)

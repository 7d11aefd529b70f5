"""What an issue's page shows staff of the resident's side: may the code be printed, what was the resident told."""

from __future__ import annotations

from typing import Any

from issues import actions
from issues.models import Issue, ResidentMessage
from outreach.models import User

SHOWN_MESSAGES = 5


def resident_side(issue: Issue, user: User) -> dict[str, Any]:
    """Return the context of templates/issues/_resident_side.html."""
    messages = list(issue.resident_messages.order_by("-pk")[:SHOWN_MESSAGES])
    is_waiting = any(message.state == ResidentMessage.State.BY_HAND for message in messages)
    return {
        "may_print_code": actions.may_print_code(issue, user),
        "told": messages,
        "to_tell": is_waiting and issue.recorded_by_id == user.pk,
    }

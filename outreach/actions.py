"""What changes accounts and settings: keyword-only, atomic, by whom."""

from __future__ import annotations

from django.db import transaction

from outreach import audit
from outreach.models import Membership, User


@transaction.atomic
def switch_post(*, post: Membership, by: User) -> None:
    """Let `by` act in `post` from now on. Raises ValueError where the post is somebody else's."""
    if post.user_id != by.pk:
        raise ValueError("not one of the user's own posts")
    by.current_post = post
    by.save(update_fields=["current_post"])
    by.__dict__.pop("post", None)
    audit.record("post.switch", post, by=by)

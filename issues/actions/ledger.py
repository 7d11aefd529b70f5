"""What people keep of their way to read the ledger."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from issues.models import SavedFilter
from outreach import access
from outreach.access import Permission
from outreach.models import User


@transaction.atomic
def save_filter(*, by: User, name: str, query: str, is_shared: bool) -> SavedFilter:
    """Keep `query` (a query string of the ledger) under `name` for `by`, and for the unit of his post where shared.
    The same name again replaces what stood under it. Raises ValidationError past SavedFilter.MAX_EACH or MAX_QUERY."""
    access.demand(by, Permission.ISSUE_VIEW)
    post = access.post_of(by)
    assert post is not None
    if len(query) > SavedFilter.MAX_QUERY:
        raise ValidationError(_("These filters are too long to be kept."))
    User.objects.select_for_update().get(pk=by.pk)  # or two at once would pass the limit
    others = SavedFilter.objects.filter(owner=by).exclude(name=name)
    if others.count() >= SavedFilter.MAX_EACH:
        raise ValidationError(
            _("You keep %(count)d filters already. Delete one first.") % {"count": SavedFilter.MAX_EACH}
        )
    values = {"unit": post.unit, "query": query, "is_shared": is_shared, "saved_at": timezone.now()}
    return SavedFilter.objects.update_or_create(owner=by, name=name, defaults=values)[0]

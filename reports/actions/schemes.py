"""Writing, publishing, copying and replacing scoring schemes."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from outreach import audit
from outreach.access import Permission, demand
from outreach.models import Campaign, User
from reports.models import Scheme
from reports.schemes import SchemeContent


class SchemeConflictError(Exception):
    """Somebody saved the draft since it was opened. `scheme` is as it is stored now."""

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        super().__init__(str(scheme))


@transaction.atomic
def create_scheme(*, campaign: Campaign, name: str, content: dict[str, Any], by: User) -> Scheme:
    """Begin a draft: version 1 of a new name, else the name's next version.

    Raises ValidationError for a name that is empty or too long, SchemeError for content whose fields are not well
    formed.
    """
    demand(by, Permission.SCHEME_EDIT)
    name = _checked_name(name)
    clean = SchemeContent.from_json(content, draft=True).to_json()
    # two people beginning the next version at once take turns
    Campaign.objects.select_for_update(no_key=True, of=("self",)).get(pk=campaign.pk)
    last = Scheme.objects.filter(campaign=campaign, name=name).aggregate(last=Max("version"))["last"] or 0
    scheme = Scheme.objects.create(campaign=campaign, name=name, version=last + 1, content=clean, created_by=by)
    audit.record("scheme.create", scheme, by=by, name=name, version=scheme.version)
    return scheme


@transaction.atomic
def save_scheme(*, scheme: Scheme, name: str, content: dict[str, Any], edits: int, by: User) -> Scheme:
    """Store a draft's name and content; its fields must be well formed but need not agree yet.

    Raises SchemeConflictError where it was saved since `edits`, SchemeError, ValidationError: published, the name.
    """
    demand(by, Permission.SCHEME_EDIT)
    clean = SchemeContent.from_json(content, draft=True).to_json()
    row = _locked_draft(scheme)
    if row.edits != edits:
        raise SchemeConflictError(row)
    name = _checked_name(name)
    if name != row.name:
        last = Scheme.objects.filter(campaign=row.campaign_id, name=name).aggregate(last=Max("version"))["last"] or 0
        row.name, row.version = name, last + 1
    row.content, row.edits = clean, row.edits + 1
    row.save(update_fields=["name", "version", "content", "edits"])
    audit.record("scheme.save", row, by=by, name=row.name, version=row.version)
    return row


@transaction.atomic
def publish_scheme(*, scheme: Scheme, by: User) -> Scheme:
    """Put a draft in force; the version of the name that was in force until now is replaced.

    Raises SchemeError where the draft does not hold together, ValidationError where it is no draft.
    """
    demand(by, Permission.SCHEME_EDIT)
    row = _locked_draft(scheme)
    row.read_content()
    now = timezone.now()
    Scheme.objects.filter(campaign=row.campaign_id, name=row.name, state=Scheme.State.PUBLISHED).update(
        state=Scheme.State.RETIRED, retired_at=now, retired_by=by
    )
    row.state, row.published_at, row.published_by = Scheme.State.PUBLISHED, now, by
    row.save(update_fields=["state", "published_at", "published_by"])
    audit.record("scheme.publish", row, by=by, name=row.name, version=row.version)
    return row


@transaction.atomic
def retire_scheme(*, scheme: Scheme, by: User) -> Scheme:
    """Take a scheme out of force without another in its place. Raises ValidationError where it is not in force."""
    demand(by, Permission.SCHEME_EDIT)
    row = Scheme.objects.select_for_update(of=("self",)).get(pk=scheme.pk)
    if row.state != Scheme.State.PUBLISHED:
        raise ValidationError(_("Only a scheme in force can be taken out of force."))
    row.state, row.retired_at, row.retired_by = Scheme.State.RETIRED, timezone.now(), by
    row.save(update_fields=["state", "retired_at", "retired_by"])
    audit.record("scheme.retire", row, by=by, name=row.name, version=row.version)
    return row


@transaction.atomic
def delete_draft(*, scheme: Scheme, by: User) -> None:
    """Throw a draft away. Raises ValidationError where it is no draft."""
    demand(by, Permission.SCHEME_EDIT)
    row = _locked_draft(scheme)
    audit.record("scheme.delete", row, by=by, name=row.name, version=row.version)
    row.delete()


def _locked_draft(scheme: Scheme) -> Scheme:
    row = Scheme.objects.select_for_update(of=("self",)).get(pk=scheme.pk)
    if not row.is_draft:
        raise ValidationError(_("What is published does not change. Copy it to a new version and change that."))
    return row


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 60 or "\0" in name:
        raise ValidationError({"name": _("Give the scheme a name of at most 60 characters.")})
    return name

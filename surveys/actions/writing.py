"""Writing questionnaires: the draft, its publishing, the next version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from outreach import access, audit
from outreach.access import Permission
from outreach.models import Unit, User
from surveys import questionnaire
from surveys.models import Questionnaire, Version


class ConflictError(Exception):
    """Somebody else saved the draft since the page was loaded; nothing was written. The message is for people."""


@transaction.atomic
def create_questionnaire(*, district: Unit, name: str, content: Mapping[str, Any], by: User) -> Version:
    """Begin a questionnaire with its first draft. Raises ValidationError where the name is taken or too long."""
    access.demand(by, Permission.SURVEY_EDIT)
    made = Questionnaire(district=district, name=name.strip(), created_by=by)
    made.full_clean(exclude=["district", "created_by"])
    made.validate_constraints()
    made.save()
    version = Version.objects.create(questionnaire=made, number=1, content=dict(content), saved_by=by)
    audit.record("questionnaire.create", made, by=by)
    return version


def _lock_draft(version: Version, by: User, saves: int) -> Version:
    access.demand(by, Permission.SURVEY_EDIT)
    locked = Version.objects.visible_to(by).select_for_update(of=("self",)).get(pk=version.pk)
    if locked.published_at:
        raise ConflictError(_("This version has been published meanwhile: begin a new one."))
    if locked.saves != saves:
        raise ConflictError(_("Somebody else saved this draft meanwhile. Your text is still here: compare, then save."))
    return locked


@transaction.atomic
def save_draft(*, version: Version, content: Mapping[str, Any], saves: int, by: User) -> Version:
    """Store a draft as it is, complete or not. `saves`: what the page was loaded with.

    Raises ConflictError where it was saved or published since.
    """
    locked = _lock_draft(version, by, saves)
    locked.content = dict(content)
    locked.saves += 1
    locked.saved_at, locked.saved_by = timezone.now(), by
    locked.save(update_fields=["content", "saves", "saved_at", "saved_by"])
    return locked


@transaction.atomic
def publish(*, version: Version, saves: int, by: User) -> Version:
    """Freeze a draft. Raises ContentError with what is missing, ConflictError where it was saved since."""
    locked = _lock_draft(version, by, saves)
    content = questionnaire.from_json(locked.content)
    locked.content = questionnaire.to_json(content)
    locked.digest = hashlib.sha256(questionnaire.canonical(content).encode()).hexdigest()
    locked.published_at, locked.published_by = timezone.now(), by
    locked.save()
    audit.record("questionnaire.publish", locked.questionnaire, by=by, version=locked.number)
    return locked


@transaction.atomic
def new_draft(*, version: Version, by: User) -> Version:
    """Begin the next version from a published one, or return the draft there is."""
    access.demand(by, Permission.SURVEY_EDIT)
    whole = Questionnaire.objects.visible_to(by).select_for_update().get(pk=version.questionnaire_id)
    draft = whole.versions.drafts().first()
    if draft is not None:
        return draft
    last = whole.versions.order_by("-number").first()
    assert last is not None
    return Version.objects.create(questionnaire=whole, number=last.number + 1, content=version.content, saved_by=by)


@transaction.atomic
def retire(*, whole: Questionnaire, is_retired: bool, by: User) -> None:
    """Take a questionnaire out of the choice for new rounds, or back. Raises ValidationError while one is asked."""
    access.demand(by, Permission.SURVEY_EDIT)
    locked = Questionnaire.objects.visible_to(by).select_for_update().get(pk=whole.pk)
    if is_retired and Version.objects.filter(questionnaire=locked, rounds__state="open").exists():
        raise ValidationError(_("A round of this questionnaire is being asked: end it first."))
    locked.is_retired = is_retired
    locked.save(update_fields=["is_retired"])
    audit.record("questionnaire.retire" if is_retired else "questionnaire.reuse", locked, by=by)

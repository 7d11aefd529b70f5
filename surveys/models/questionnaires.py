"""Questionnaires and their versions: a draft that is edited, published versions that never change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from outreach import access
from outreach.models import Unit, User
from surveys.questionnaire import Content, from_json

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class QuestionnaireQuerySet(models.QuerySet["Questionnaire"]):
    """Questionnaires in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> QuestionnaireQuerySet:
        """Those of the district the user's post belongs to."""
        code = access.reach(user)
        return self.none() if code is None else self.filter(district__code=code[:6])


class Questionnaire(models.Model):
    """A questionnaire through all its versions."""

    district = models.ForeignKey(Unit, verbose_name=_("district"), on_delete=models.PROTECT, related_name="+")
    name = models.CharField(_("name"), max_length=100)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", editable=False)
    is_retired = models.BooleanField(_("no longer in use"), default=False)

    objects = QuestionnaireQuerySet.as_manager()

    class Meta:
        verbose_name = _("questionnaire")
        verbose_name_plural = _("questionnaires")
        ordering = ["is_retired", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["district", "name"],
                name="surveys_questionnaire_name_once",
                violation_error_message=_("A questionnaire of this name exists already."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class VersionQuerySet(models.QuerySet["Version"]):
    """Versions in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> VersionQuerySet:
        """Versions of the questionnaires one sees."""
        return self.filter(questionnaire__in=Questionnaire.objects.visible_to(user))

    def published(self) -> VersionQuerySet:
        """Those that may be asked."""
        return self.exclude(published_at=None)

    def drafts(self) -> VersionQuerySet:
        """Those still being written."""
        return self.filter(published_at=None)


class Version(models.Model):
    """One version. Its content changes until it is published, and never after (also a trigger: migration 0002)."""

    questionnaire = models.ForeignKey(Questionnaire, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveSmallIntegerField(_("version"))
    content = models.JSONField(help_text="questionnaire.to_json; a draft may be incomplete")
    digest = models.CharField(max_length=64, blank=True, editable=False)  # sha256 of the canonical content
    saves = models.PositiveIntegerField(default=1)  # a draft's form carries it: whoever saves on top of it is told
    saved_at = models.DateTimeField(default=timezone.now)
    saved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField(_("published at"), null=True)
    published_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = VersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version of a questionnaire")
        verbose_name_plural = _("versions of questionnaires")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["questionnaire", "number"], name="surveys_version_number_once"),
            models.UniqueConstraint(
                fields=["questionnaire"], condition=Q(published_at=None), name="surveys_version_one_draft"
            ),
            models.CheckConstraint(
                name="surveys_version_published_pair",
                condition=Q(published_at=None, published_by=None, digest="")
                | Q(published_at__isnull=False, published_by__isnull=False, digest__regex=r"^[0-9a-f]{64}$"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.questionnaire} {self.number}"

    @cached_property
    def parsed(self) -> Content:
        """The content as items. Raises ContentError for a draft that is not complete yet."""
        return from_json(self.content)

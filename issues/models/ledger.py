"""What people keep of their way to read the ledger: filters under a name, and the columns they chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from outreach import access
from outreach.models import Unit, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    """Saved filters in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> SavedFilterQuerySet:
        """The user's own, and those shared with the unit of the user's post."""
        post = access.post_of(user)
        if post is None:
            return self.none()
        return self.filter(Q(owner=user.pk) | Q(is_shared=True, unit=post.unit_id))


class SavedFilter(models.Model):
    """Filters of the ledger under a name, as a query string: its owner's, and where shared the whole unit's. What it
    shows to whom follows from who opens it."""

    MAX_EACH = 30
    MAX_QUERY = 1000

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_filters")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=30)
    query = models.CharField(max_length=MAX_QUERY)
    is_shared = models.BooleanField(_("shared with the unit"), default=False)
    saved_at = models.DateTimeField(default=timezone.now)

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="issues_savedfilter_name_once")]

    def __str__(self) -> str:
        return self.name


class LedgerLayout(models.Model):
    """The columns a person chose for the ledger."""

    owner = models.OneToOneField(User, on_delete=models.CASCADE, related_name="ledger_layout", primary_key=True)
    columns = ArrayField(models.CharField(max_length=20), help_text="keys of columns.COLUMNS")

    def __str__(self) -> str:
        return "、".join(self.columns)


class LedgerUpload(models.Model):
    """A ledger that came back as a workbook: what it would change, kept until it is committed or thrown away.

    The file is kept encrypted, for it names residents; it is deleted with the decision.
    """

    class State(models.TextChoices):
        CHECKED = "checked", _("checked, nothing changed yet")
        COMMITTED = "committed", _("changes taken over")
        DISCARDED = "discarded", _("thrown away")

    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    filename = models.CharField(max_length=200)
    file = models.FileField(upload_to="ledgers/%Y/%m", blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.CHECKED)
    rows = models.JSONField(default=list, help_text="what each row changes, or why it may not")
    rows_read = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="issues_ledgerupload_decided",
                condition=Q(state="checked", decided_at__isnull=True)
                | (~Q(state="checked") & Q(decided_at__isnull=False)),
            )
        ]

    def __str__(self) -> str:
        return self.filename

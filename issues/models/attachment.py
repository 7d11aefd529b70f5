"""Evidence: photos and papers of an issue."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from issues.models.issue import Issue, IssueEvent
from outreach.models import User


class StoredFile(models.Model):
    """What is kept of an upload beside its bytes (attachments.CleanFile.as_fields). Each kind of file adds its own
    `file`, with a folder, and what it belongs to; all are served only through a view that checks."""

    file: models.FileField  # each kind's own, with its folder
    content_type = models.CharField(max_length=80)
    name = models.CharField(_("file name"), max_length=100, blank=True)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name or str(self.file.name)


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    """Files in the words of the domain."""

    def present(self) -> AttachmentQuerySet:
        """Those nobody removed."""
        return self.filter(removed_at=None)


class Attachment(StoredFile):
    """A photo or paper that belongs to an issue, brought by one of its steps; the step's hash covers its content.

    Served only through a view that checks `visible_to`. Removing marks it: row and bytes stay, or the chain would name
    evidence nobody can show.
    """

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="attachments")
    event = models.ForeignKey(IssueEvent, on_delete=models.PROTECT, related_name="attachments")
    file = models.FileField(upload_to="issues/%Y/%m")
    added_at = models.DateTimeField(default=timezone.now)
    added_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    removed_at = models.DateTimeField(null=True)
    removed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    removed_why = models.CharField(_("reason"), max_length=200, blank=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["issue", "sha256"], name="issues_attachment_once", condition=Q(removed_at=None)
            ),
            models.CheckConstraint(
                name="issues_attachment_removed_by_whom",
                condition=Q(removed_at__isnull=True, removed_by__isnull=True, removed_why="")
                | (Q(removed_at__isnull=False, removed_by__isnull=False) & ~Q(removed_why="")),
            ),
        ]

    def __str__(self) -> str:
        return str(self.file.name)

    @property
    def is_photo(self) -> bool:
        """A picture, which pages show; everything else is only handed out as a download."""
        return self.content_type == "image/jpeg"

"""Boundaries of units for the map, and the links that open the large screen in a hall."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from outreach import access
from outreach.models import Unit, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class BoundaryFileQuerySet(models.QuerySet["BoundaryFile"]):
    """Files of boundaries in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> BoundaryFileQuerySet:
        """Those of the district the post stands for; a township's post keeps no boundaries."""
        code = access.reach(user)
        return self.none() if code is None else self.filter(district__code=code)


class BoundaryFile(models.Model):
    """A GeoJSON file as it was read: what each feature is, and which could not be used. Drawn once it is applied."""

    class Datum(models.TextChoices):
        """What the coordinates refer to. They are drawn as they are: there is nothing under the map to match."""

        WGS84 = "wgs84", _("WGS84 or CGCS2000")
        GCJ02 = "gcj02", _("GCJ-02 (as AMap and Tencent use it)")

    district = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    filename = models.CharField(max_length=200)
    datum = models.CharField(_("coordinates"), max_length=5, choices=Datum, default=Datum.WGS84)
    shapes = models.JSONField()  # unit code → list of polygons, each a list of rings of [longitude, latitude]
    faults = models.JSONField()  # list of [number of the feature, what it is called, why it was left out]
    uploaded_at = models.DateTimeField(default=timezone.now)
    uploaded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")  # null: by command
    applied_at = models.DateTimeField(null=True)

    objects = BoundaryFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("file of boundaries")

    def __str__(self) -> str:
        return self.filename


class Boundary(models.Model):
    """Where a unit lies: polygons, each a list of rings of [longitude, latitude], the outer ring first."""

    unit = models.OneToOneField(Unit, on_delete=models.CASCADE, related_name="+")
    file = models.ForeignKey(BoundaryFile, on_delete=models.PROTECT, related_name="+")
    polygons = models.JSONField()

    class Meta:
        verbose_name = _("boundary")

    def __str__(self) -> str:
        return str(self.unit)


class HallLinkQuerySet(models.QuerySet["HallLink"]):
    """Links in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> HallLinkQuerySet:
        """Those of the district the post stands for."""
        code = access.reach(user)
        return self.none() if code is None else self.filter(district__code=code)

    def in_force(self) -> HallLinkQuerySet:
        """Neither withdrawn nor run out."""
        return self.filter(ended_at=None, expires_at__gt=timezone.now())


class HallLink(models.Model):
    """A link that opens the large screen of a district without a login, totals only. The token itself is not kept."""

    district = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("where it hangs"), max_length=60)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField(_("runs out"))
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(null=True)

    objects = HallLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("link for a hall's screen")
        constraints = [
            models.CheckConstraint(name="reports_halllink_expires", condition=Q(expires_at__gt=F("created_at"))),
            models.CheckConstraint(
                name="reports_halllink_ended",
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_in_force(self, now: datetime) -> bool:
        """Does it still open the screen?"""
        return self.ended_at is None and self.expires_at > now

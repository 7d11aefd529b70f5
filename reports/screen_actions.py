"""What changes boundaries and the links of halls' screens."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from outreach import audit
from outreach.models import Unit, User
from reports import boundaries
from reports.models import Boundary, BoundaryFile, HallLink

TOKEN_BYTES = 24
# A screen that is switched on and off all day is written down once an hour.
OPENING_NOTED_AFTER = timedelta(hours=1)


@transaction.atomic
def read_boundaries(*, district: Unit, filename: str, content: bytes, datum: str, by: User | None) -> BoundaryFile:
    """Read a GeoJSON file and keep what it would bring, for looking at; nothing is drawn from it yet.

    `by` is None on the command line. What was read before and never applied goes. Raises UnusableBoundariesError.
    """
    plan = boundaries.read(content, list(Unit.objects.filter(code__startswith=district.code)))
    BoundaryFile.objects.filter(district=district, applied_at=None).delete()
    return BoundaryFile.objects.create(
        district=district,
        filename=filename[-200:],
        datum=datum,
        shapes=plan.shapes,
        faults=[[fault.number, fault.name, fault.reason] for fault in plan.faults],
        uploaded_by=by,
    )


@transaction.atomic
def apply_boundaries(*, file: BoundaryFile, by: User | None) -> int:
    """Draw the file's units from now on, and return how many; a second time changes nothing.

    Raises ValidationError where it names no unit, or where units it leaves out have other coordinates.
    """
    file = BoundaryFile.objects.select_for_update().get(pk=file.pk)
    if file.applied_at is not None:
        return len(file.shapes)
    if not file.shapes:
        raise ValidationError(_("No feature of the file could be matched to a unit: nothing was imported."))
    units = {unit.code: unit for unit in Unit.objects.filter(code__in=file.shapes)}
    others = Boundary.objects.filter(unit__code__startswith=file.district.code).exclude(unit__code__in=units)
    if others.exclude(file__datum=file.datum).exists():
        raise ValidationError(
            _(
                "Other units' boundaries have other coordinates, and the outlines would not meet. Import one file "
                "with all units, or convert this one."
            )
        )
    Boundary.objects.bulk_create(
        [Boundary(unit=unit, file=file, polygons=file.shapes[code]) for code, unit in sorted(units.items())],
        update_conflicts=True,
        unique_fields=["unit"],
        update_fields=["file", "polygons"],
    )
    file.applied_at = timezone.now()
    file.save(update_fields=["applied_at"])
    audit.record("boundary.apply", file, by=by, filename=file.filename, units=len(units))
    return len(units)


def token_hash(token: str) -> str:
    """What is kept of a token. It is long and random, so a plain hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


@transaction.atomic
def make_hall_link(*, district: Unit, name: str, days: int, by: User) -> tuple[HallLink, str]:
    """Make a link that opens the screen for `days` days; the token is returned once and kept nowhere."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    now = timezone.now()
    link = HallLink.objects.create(
        district=district,
        name=name,
        token_hash=token_hash(token),
        created_at=now,
        created_by=by,
        expires_at=now + timedelta(days=days),
    )
    audit.record("hall_link.create", link, by=by, name=name, ends_on=timezone.localdate(link.expires_at))
    return link, token


@transaction.atomic
def end_hall_link(*, link: HallLink, by: User) -> None:
    """Withdraw a link: the screen it opened goes blank at its next look; a second time changes nothing."""
    link = HallLink.objects.select_for_update().get(pk=link.pk)
    if link.ended_at is not None:
        return
    link.ended_at, link.ended_by = timezone.now(), by
    link.save(update_fields=["ended_at", "ended_by"])
    audit.record("hall_link.end", link, by=by, name=link.name)


@transaction.atomic
def open_hall(*, token: str, address: str) -> HallLink | None:
    """Return the link of this token if it is in force, and write down that its screen was opened."""
    link = HallLink.objects.in_force().select_for_update().filter(token_hash=token_hash(token)).first()
    if link is None:
        return None
    now = timezone.now()
    if link.opened_at is None or now - link.opened_at >= OPENING_NOTED_AFTER:
        link.opened_at = now
        link.save(update_fields=["opened_at"])
        audit.record("hall_link.open", link, by=None, name=link.name, ip=address)
    return link

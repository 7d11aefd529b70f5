"""Handing households to visitors, many at a time: set-based, audited, and never a household already visited unless
asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F, OuterRef, Q, Subquery, Window
from django.db.models.functions import Ntile
from django.utils import timezone
from django.utils.translation import gettext as _

from households.models import Pairing
from outreach import access, audit
from outreach.access import Permission, Role
from outreach.models import Campaign, Unit, User
from visits.actions.campaigns import RosterUpdate, bring_in_step, record_update
from visits.attempts import State
from visits.models import Assignment, AssignmentQuerySet, may_be_given, staff_areas, staff_posts

DOOR_ORDER = ("household__village__sort_order", "household__village__code", "household__door_key", "household__pk")


@dataclass(frozen=True)
class Selection:
    """Which households of a campaign are to be handed over. The caller has loaded `unit` through `visible_to(by)`."""

    campaign: Campaign
    unit: Unit
    group: str | None = None
    category: str = ""
    include_assigned: bool = False
    include_visited: bool = False

    def assignments(self) -> AssignmentQuerySet:
        """The duties selected."""
        rows = Assignment.objects.filter(
            campaign=self.campaign, household__village__code__startswith=self.unit.code
        ).exclude(state=State.OFF_ROSTER)
        if self.group is not None:
            rows = rows.filter(household__group=self.group)
        if self.category:
            rows = rows.filter(household__categories__contains=[self.category])
        if not self.include_assigned:
            rows = rows.filter(visitor=None)
        if not self.include_visited:
            rows = rows.filter(attempts=0)
        return rows


@dataclass(frozen=True)
class Place:
    """A village, or one group of it, and who is to visit there."""

    village: Unit
    group: str | None
    visitor: User


@transaction.atomic
def assign_evenly(*, selection: Selection, visitors: Sequence[User], by: User) -> int:
    """Share the selection out among `visitors` in equal parts, each a stretch of neighbouring doors; returns how many
    households changed hands.

    Raises PermissionDenied without HOUSEHOLD_ASSIGN, ValidationError for somebody who may not visit there or a
    campaign that is not running.
    """
    update = _begin(selection, by)
    if not visitors:
        raise ValidationError(_("Choose at least one visitor."))
    _check_visitors([(visitor, selection.unit) for visitor in visitors], selection.unit)
    shares = selection.assignments().annotate(
        share=Window(Ntile(len(visitors)), order_by=[F(name).asc() for name in DOOR_ORDER])
    )
    sql, params = shares.order_by().values("pk", "share").query.sql_with_params()
    ids = [visitor.pk for visitor in visitors]
    changed = _hand_over(f"SELECT s.id, (%s::bigint[])[s.share] FROM ({sql}) AS s(id, share)", [ids, *params], by=by)
    _audit("assignment.evenly", selection, by, update, changed, visitors=ids)
    return changed


@transaction.atomic
def assign_places(*, selection: Selection, places: Sequence[Place], by: User) -> int:
    """Give each village or group its visitor; returns how many households changed hands. Raises as assign_evenly."""
    update = _begin(selection, by)
    for place in places:
        if not place.village.code.startswith(selection.unit.code):
            raise ValidationError(_("%(place)s is not part of the unit chosen.") % {"place": place.village})
    _check_visitors([(place.visitor, place.village) for place in places], selection.unit)
    rows = selection.assignments().order_by().values("pk", "household__village_id", "household__group")
    sql, params = rows.query.sql_with_params()
    changed = _hand_over(
        f"SELECT s.id, p.visitor FROM ({sql}) AS s(id, village, grp)"
        " JOIN unnest(%s::bigint[], %s::text[], %s::bigint[]) AS p(village, grp, visitor)"
        " ON p.village = s.village AND (p.grp IS NULL OR p.grp = s.grp)",
        [
            *params,
            [place.village.pk for place in places],
            [place.group for place in places],
            [place.visitor.pk for place in places],
        ],
        by=by,
    )
    _audit("assignment.places", selection, by, update, changed, places=len(places))
    return changed


@transaction.atomic
def assign_from_rows(*, selection: Selection, rows: Iterable[tuple[int, int]], by: User) -> int:
    """Give each (household id, user id) as a table says; returns how many households changed hands.

    The caller has matched the rows among the selection's households and checked that each person `may_be_given` the
    household's village. Raises
    PermissionDenied without HOUSEHOLD_ASSIGN, ValidationError for a campaign that is not running.
    """
    update = _begin(selection, by)
    pairs = list(rows)
    sql, params = selection.assignments().order_by().values("pk", "household_id").query.sql_with_params()
    changed = _hand_over(
        f"SELECT s.id, p.visitor FROM ({sql}) AS s(id, household)"
        " JOIN unnest(%s::bigint[], %s::bigint[]) AS p(household, visitor) ON p.household = s.household",
        [*params, [household for household, _visitor in pairs], [visitor for _household, visitor in pairs]],
        by=by,
    )
    _audit("assignment.table", selection, by, update, changed, rows=len(pairs))
    return changed


@transaction.atomic
def assign_by_pairing(*, selection: Selection, by: User) -> int:
    """Give each paired household to the one it has been paired with longest; returns how many changed hands.

    A pair whose visitor is switched off, or holds no post to visit there with, is left out. Raises as
    assign_from_rows.
    """
    update = _begin(selection, by)
    visitors = staff_posts(selection.unit).filter(
        Q(role=Role.VISITOR) | Q(unit__code__in=[selection.unit.code[:length] for length in (6, 9, 12)])
    )
    partner = Pairing.objects.filter(
        household=OuterRef("household"), ended_on=None, user__in=visitors.values("user")
    ).order_by("started_on", "pk")
    rows = selection.assignments().annotate(partner=Subquery(partner.values("user")[:1])).filter(partner__isnull=False)
    sql, params = rows.order_by().values("pk", "partner").query.sql_with_params()
    changed = _hand_over(f"SELECT s.id, s.partner FROM ({sql}) AS s(id, partner)", list(params), by=by)
    _audit("assignment.pairing", selection, by, update, changed)
    return changed


@transaction.atomic
def assign_one(*, assignment: Assignment, visitor: User | None, by: User) -> bool:
    """Hand one household to `visitor`, or take it from everybody; says whether anything changed.

    An explicit wish, so a household already visited may change hands too. Raises PermissionDenied without
    HOUSEHOLD_ASSIGN, ValidationError for somebody who may not visit there.
    """
    access.demand(by, Permission.HOUSEHOLD_ASSIGN)
    if visitor is not None:
        village = assignment.household.village
        _check_visitors([(visitor, village)], village)
    changed = _hand_over("SELECT %s::bigint, %s::bigint", [assignment.pk, visitor.pk if visitor else None], by=by)
    if changed:
        audit.record(
            "assignment.one",
            assignment,
            by=by,
            household=assignment.household_id,
            before=assignment.visitor_id,
            after=visitor.pk if visitor else None,
        )
    return bool(changed)


@transaction.atomic
def unassign(*, selection: Selection, visitor: User | None, by: User) -> int:
    """Take the selection's households not yet visited from `visitor`, or from everybody; returns how many.

    Raises PermissionDenied without HOUSEHOLD_ASSIGN, ValidationError for a campaign that is not running.
    """
    update = _begin(selection, by)
    rows = selection.assignments().filter(visitor__isnull=False)
    if visitor is not None:
        rows = rows.filter(visitor=visitor)
    sql, params = rows.order_by().values("pk").query.sql_with_params()
    changed = _hand_over(f"SELECT s.id, NULL::bigint FROM ({sql}) AS s(id)", list(params), by=by)
    _audit("assignment.remove", selection, by, update, changed, visitor=visitor.pk if visitor else None)
    return changed


def _begin(selection: Selection, by: User) -> RosterUpdate:
    """Check the right and the campaign, make bulk hand-overs of one campaign take turns, and take in new
    households."""
    access.demand(by, Permission.HOUSEHOLD_ASSIGN)
    campaign = Campaign.objects.select_for_update(no_key=True).select_related(None).get(pk=selection.campaign.pk)
    if campaign.state != Campaign.State.OPEN:
        raise ValidationError(_("The campaign is not running: open it before assigning."))
    return bring_in_step(campaign=campaign, within=selection.unit)


def _check_visitors(duties: Sequence[tuple[User, Unit]], within: Unit) -> None:
    areas = staff_areas(within)
    for visitor, unit in duties:
        if not may_be_given(areas, visitor.pk, unit):
            raise ValidationError(_("%(name)s cannot visit in %(unit)s.") % {"name": visitor, "unit": unit})


def _hand_over(new_sql: str, params: list[Any], *, by: User) -> int:
    """Run the one UPDATE behind every way of assigning. `new_sql` yields (assignment id, user id or NULL)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE visits_assignment AS a SET previous_visitor_id = a.visitor_id, visitor_id = n.visitor,"
            f" epoch = a.epoch + 1, assigned_at = %s, assigned_by_id = %s FROM ({new_sql}) AS n(id, visitor)"
            " WHERE a.id = n.id AND a.visitor_id IS DISTINCT FROM n.visitor",
            [timezone.now(), by.pk, *params],
        )
        return int(cursor.rowcount)


def _audit(action: str, selection: Selection, by: User, update: RosterUpdate, changed: int, **detail: Any) -> None:
    record_update(update, campaign=selection.campaign, by=by, within=selection.unit)
    if changed:
        audit.record(
            action,
            selection.campaign,
            by=by,
            unit=selection.unit.code,
            group=selection.group,
            changed=changed,
            **detail,
        )

"""Campaigns: making, changing, opening and closing them, and the roster each of them has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from households.models import Household, HouseholdQuerySet
from outreach import access, audit
from outreach.access import Permission
from outreach.models import Campaign, Unit, User
from visits.actions.rollup import roll_up_assignment
from visits.attempts import Outcome, State
from visits.models import Assignment, Visit, VisitStandard


@dataclass(frozen=True)
class RosterUpdate:
    """What a refresh did: households added, taken off as empty or moved, and put back."""

    added: int = 0
    taken_off: int = 0
    put_back: int = 0


def households_in_scope(campaign: Campaign) -> HouseholdQuerySet:
    """The households a campaign is about: of its units (all of the district where none is named), of its categories
    (any where none is named), in the roster states of its standard."""
    standard = VisitStandard.objects.in_force(campaign)
    states = standard.roster_states if standard else [Household.RosterState.IN_RESIDENCE.value]
    return _in_places_and_categories(campaign).filter(roster_state__in=states)


def _in_places_and_categories(campaign: Campaign) -> HouseholdQuerySet:
    codes = list(campaign.units.values_list("code", flat=True)) or [campaign.district.code]
    places = Q()
    for code in codes:
        places |= Q(code__startswith=code)
    households = Household.objects.filter(village__in=Unit.objects.villages().filter(places).values("pk"))
    return households.filter(categories__overlap=campaign.categories) if campaign.categories else households


@transaction.atomic
def save_campaign(
    *,
    by: User,
    campaign: Campaign | None,
    name: str,
    starts_on: date,
    ends_on: date,
    units: Sequence[Unit],
    categories: Sequence[str],
) -> Campaign:
    """Create a campaign of the user's district, or change one that is not closed; returns it.

    A running campaign takes in what its new scope adds, and lets go of households outside it that nobody visited.
    Raises PermissionDenied without CAMPAIGN_EDIT, ValidationError where the dates would leave recorded visits outside
    or the campaign is closed, IntegrityError for a name already used.
    """
    access.demand(by, Permission.CAMPAIGN_EDIT)
    if campaign is None:
        post = access.post_of(by)
        assert post is not None
        district = Unit.objects.districts().get(code=post.unit.district_code)
        campaign = Campaign(district=district, created_by=by)
        verb = "campaign.create"
    else:
        campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        verb = "campaign.edit"
        if campaign.state == Campaign.State.CLOSED:
            raise ValidationError(_("A closed campaign cannot be changed. Open it again first."))
        visits = Visit.objects.filter(campaign=campaign)
        if visits.filter(Q(visited_at__date__lt=starts_on) | Q(visited_at__date__gt=ends_on)).exists():
            raise ValidationError(_("There are visits outside these dates. Choose dates that include them."))
    campaign.name, campaign.starts_on, campaign.ends_on = name, starts_on, ends_on
    campaign.categories = list(categories)
    campaign.save()
    campaign.units.set(units)
    if not campaign.standards.exists():
        VisitStandard.objects.create(campaign=campaign, created_by=by)
    removed = 0
    if campaign.state == Campaign.State.OPEN:
        outside = Assignment.objects.filter(campaign=campaign, attempts=0).exclude(
            household__in=_in_places_and_categories(campaign).values("pk")
        )
        removed = outside.delete()[0]
        refresh_roster(campaign=campaign, by=by)
    audit.record(
        verb,
        campaign,
        by=by,
        name=name,
        starts_on=str(starts_on),
        ends_on=str(ends_on),
        units=[unit.code for unit in units],
        categories=list(categories),
        households_removed=removed,
    )
    return campaign


@transaction.atomic
def save_standard(
    *,
    by: User,
    campaign: Campaign,
    counted_outcomes: Sequence[str],
    roster_states: Sequence[str],
    makeup_workdays: int,
    min_attempts: int,
    min_days: int,
    min_time_bands: int,
    text: str,
) -> VisitStandard:
    """Make a new version of the visit standard where anything changed; the version in force otherwise.

    Visits made before keep the version of their moment. Raises PermissionDenied without CAMPAIGN_EDIT,
    ValidationError where the campaign is closed.
    """
    access.demand(by, Permission.CAMPAIGN_EDIT)
    locked = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    if locked.state == Campaign.State.CLOSED:
        raise ValidationError(_("A closed campaign cannot be changed. Open it again first."))
    rule = {
        "counted_outcomes": sorted(counted_outcomes),
        "roster_states": sorted(roster_states),
        "makeup_workdays": makeup_workdays,
        "min_attempts": min_attempts,
        "min_days": min_days,
        "min_time_bands": min_time_bands,
        "text": text,
    }
    latest = VisitStandard.objects.in_force(locked)
    if latest is not None:
        before = {key: getattr(latest, key) for key in rule}
        before["counted_outcomes"] = sorted(latest.counted_outcomes)
        before["roster_states"] = sorted(latest.roster_states)
        if before == rule:
            return latest
    standard = VisitStandard.objects.create(
        campaign=locked, version=(latest.version if latest else 0) + 1, created_by=by, **rule
    )
    if locked.state == Campaign.State.OPEN:
        refresh_roster(campaign=locked, by=by)
    audit.record("campaign.standard", locked, by=by, version=standard.version, **rule)
    return standard


@transaction.atomic
def open_campaign(*, campaign: Campaign, by: User) -> RosterUpdate:
    """Let visits be recorded from now on and build the roster: one duty for each household in scope.

    Raises PermissionDenied without CAMPAIGN_EDIT, ValidationError where it is open already or no household is in
    scope.
    """
    access.demand(by, Permission.CAMPAIGN_EDIT)
    locked = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    if locked.state == Campaign.State.OPEN:
        raise ValidationError(_("This campaign is running already."))
    if not households_in_scope(locked).exists():
        raise ValidationError(_("No household is in the scope of this campaign. Import a roster or widen the scope."))
    locked.state = campaign.state = Campaign.State.OPEN
    locked.save(update_fields=["state"])
    update = refresh_roster(campaign=locked, by=by)
    audit.record("campaign.open", locked, by=by, households_added=update.added)
    return update


@transaction.atomic
def close_campaign(*, campaign: Campaign, by: User) -> None:
    """End the campaign: no more visits can be recorded. Raises PermissionDenied without CAMPAIGN_EDIT,
    ValidationError where it is not running."""
    access.demand(by, Permission.CAMPAIGN_EDIT)
    if not Campaign.objects.filter(pk=campaign.pk, state=Campaign.State.OPEN).update(state=Campaign.State.CLOSED):
        raise ValidationError(_("This campaign is not running."))
    campaign.state = Campaign.State.CLOSED
    audit.record("campaign.close", campaign, by=by)


@transaction.atomic
def refresh_roster(*, campaign: Campaign, by: User, within: Unit | None = None) -> RosterUpdate:
    """Bring the campaign's roster in step with the households as they are now, within a unit or everywhere.

    Set-based; running it again changes nothing. Nothing visited is lost. Does nothing unless the campaign is running.
    Raises PermissionDenied without CAMPAIGN_EDIT or HOUSEHOLD_ASSIGN.
    """
    if not access.has_permission(by, Permission.CAMPAIGN_EDIT):
        access.demand(by, Permission.HOUSEHOLD_ASSIGN)
    update = bring_in_step(campaign=campaign, within=within)
    record_update(update, campaign=campaign, by=by, within=within)
    return update


def record_update(update: RosterUpdate, *, campaign: Campaign, by: User, within: Unit | None) -> None:
    """Write to the audit trail what bring_in_step changed, if anything: last in the transaction, like every event."""
    if update != RosterUpdate():
        code = within.code if within else campaign.district.code
        audit.record("campaign.roster", campaign, by=by, within=code, **asdict(update))


def bring_in_step(*, campaign: Campaign, within: Unit | None = None) -> RosterUpdate:
    """Do what refresh_roster says, without recording it, within the caller's transaction.

    Locks the campaign, so that whatever changes many duties of it takes turns.
    """
    campaign = (
        Campaign.objects.select_for_update(no_key=True, of=("self",)).select_related("district").get(pk=campaign.pk)
    )
    if campaign.state != Campaign.State.OPEN:
        return RosterUpdate()
    code = within.code if within else campaign.district.code
    missing = households_in_scope(campaign).filter(
        ~Exists(Assignment.objects.filter(campaign=campaign, household=OuterRef("pk"))), village__code__startswith=code
    )
    sql, params = missing.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO visits_assignment"
            " (campaign_id, household_id, epoch, state, attempts, last_outcome, suggested_band)"
            f" SELECT %s, missing.id, 0, 'to_visit', 0, '', '' FROM ({sql}) AS missing(id)"
            " ON CONFLICT (campaign_id, household_id) DO NOTHING",
            [campaign.pk, *params],
        )
        added = cursor.rowcount
    standard = VisitStandard.objects.in_force(campaign)
    states = standard.roster_states if standard else [Household.RosterState.IN_RESIDENCE.value]
    duties = Assignment.objects.filter(campaign=campaign, household__village__code__startswith=code)
    met = Visit.objects.filter(campaign=campaign, household=OuterRef("household"), outcome=Outcome.MET)
    gone = duties.exclude(household__roster_state__in=states).exclude(state=State.OFF_ROSTER)
    # What roll_up says of them, without reading them one by one: only a meeting overrules "empty or moved".
    taken_off = gone.filter(~Exists(met)).update(state=State.OFF_ROSTER, due_on=None, suggested_band="")
    back = duties.filter(household__roster_state__in=states, state=State.OFF_ROSTER)
    put_back = back.filter(attempts=0).update(state=State.TO_VISIT)
    # With visits behind it the state follows from them; such returns are few.
    for assignment in back.select_for_update(of=("self",)).select_related("campaign").order_by("pk"):
        roll_up_assignment(assignment)
        put_back += 1
    return RosterUpdate(added, taken_off, put_back)

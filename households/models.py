"""Households, residents, their categories, lasting pairings, roster imports and queued corrections."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from households import idnumber
from outreach import access
from outreach.access import Permission, Role
from outreach.models import Unit, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Category(models.Model):
    """A kind of household that is cared for specially: 低保, 特困, 脱贫, 监测, 残疾, 独居老人 …"""

    code = models.CharField(_("code"), max_length=20, primary_key=True)
    name = models.CharField(_("name"), max_length=30, unique=True)
    priority = models.PositiveSmallIntegerField(
        _("priority"), default=0, help_text=_("Households with a higher number stand first in a visitor's list.")
    )
    aliases = ArrayField(
        models.CharField(max_length=30),
        verbose_name=_("other spellings in rosters"),
        default=list,
        blank=True,
    )
    sort_order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("household category")
        verbose_name_plural = _("household categories")
        ordering = ["sort_order", "code"]

    def __str__(self) -> str:
        return self.name


class HouseholdQuerySet(models.QuerySet["Household"]):
    """Households in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> HouseholdQuerySet:
        """The one predicate: within reach of the post, and for a visitor only those assigned to or paired with them.

        Assignments live in the visits app, above this one; they are reached by their related name.
        """
        post = access.post_of(user)
        if post is None or not access.has_permission(user, Permission.HOUSEHOLD_VIEW):
            return self.none()
        if post.role == Role.VISITOR:
            paired = Pairing.objects.filter(household=OuterRef("pk"), user=user.pk, ended_on=None)
            assigned = Household.objects.filter(pk=OuterRef("pk"), assignments__visitor=user.pk)
            return self.filter(Exists(assigned) | Exists(paired))
        return self.filter(village__code__startswith=post.unit.code)

    def in_residence(self) -> HouseholdQuerySet:
        """Households that count in a visit rate's denominator."""
        return self.filter(roster_state=Household.RosterState.IN_RESIDENCE)

    def in_door_order(self) -> HouseholdQuerySet:
        """Priority households first, then as one walks from door to door."""
        return self.order_by("-priority", "village__sort_order", "door_key", "pk")


class Household(models.Model):
    """A door on a village's roster."""

    class RosterState(models.TextChoices):
        IN_RESIDENCE = "in_residence", _("in residence")
        VERIFIED_EMPTY = "verified_empty", _("verified empty")
        MOVED = "moved", _("moved away")

    class BestTime(models.TextChoices):
        ANY = "", _("any time")
        MORNING = "morning", _("morning")
        AFTERNOON = "afternoon", _("afternoon")
        EVENING = "evening", _("evening")
        WEEKEND = "weekend", _("weekend")

    village = models.ForeignKey(Unit, verbose_name=_("village"), on_delete=models.PROTECT, related_name="households")
    number = models.CharField(_("household number"), max_length=40, blank=True)
    group = models.CharField(_("group"), max_length=40, blank=True)
    address = models.CharField(_("address"), max_length=200, blank=True)
    door_key = models.CharField(max_length=120, blank=True, editable=False, db_collation="C")
    head_name = models.CharField(_("head of household"), max_length=50)
    head_pinyin = models.CharField(max_length=50, blank=True, editable=False)
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    categories = ArrayField(models.CharField(max_length=20), verbose_name=_("categories"), default=list, blank=True)
    priority = models.PositiveSmallIntegerField(default=0, editable=False)
    roster_state = models.CharField(
        _("roster state"), max_length=20, choices=RosterState, default=RosterState.IN_RESIDENCE
    )
    best_time = models.CharField(_("best time to visit"), max_length=10, choices=BestTime, blank=True, default="")
    note = models.CharField(_("note"), max_length=500, blank=True)
    do_not_visit_reason = models.CharField(_("why not to be visited"), max_length=200, blank=True)
    do_not_visit_at = models.DateTimeField(_("asked not to be visited at"), null=True, blank=True)
    do_not_visit_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    source_import = models.ForeignKey(
        "RosterImport",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="households",
        editable=False,
        # imports are never deleted; the check and the index would cost each import a quarter of its time
        db_constraint=False,
        db_index=False,
    )
    source_sheet = models.CharField(max_length=100, blank=True, editable=False)
    source_row = models.PositiveIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = HouseholdQuerySet.as_manager()

    class Meta:
        verbose_name = _("household")
        verbose_name_plural = _("households")
        indexes = [
            models.Index(fields=["village", "door_key"], name="households_door"),
            models.Index(fields=["village", "roster_state"], name="households_state"),
            models.Index(fields=["head_pinyin"], name="households_pinyin", opclasses=["varchar_pattern_ops"]),
            GinIndex(fields=["categories"], name="households_categories"),
            # the ways to search, see search.py
            models.Index(fields=["head_name"], name="households_head_name", opclasses=["varchar_pattern_ops"]),
            models.Index(
                OpClass(Reverse("phone"), name="text_pattern_ops"), name="households_phone_tail", condition=~Q(phone="")
            ),
            GinIndex(fields=["address"], name="households_address", opclasses=["gin_trgm_ops"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["village", "number"],
                condition=~Q(number=""),
                name="households_household_number_once",
                violation_error_message=_("This household number is already used in the village."),
            ),
            models.CheckConstraint(
                name="households_household_do_not_visit",
                condition=Q(do_not_visit_at__isnull=True, do_not_visit_by__isnull=True, do_not_visit_reason="")
                | (Q(do_not_visit_at__isnull=False, do_not_visit_by__isnull=False) & ~Q(do_not_visit_reason="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.head_name} ({self.address or self.number})"

    @property
    def is_do_not_visit(self) -> bool:
        """Did the household ask not to be visited?"""
        return self.do_not_visit_at is not None


class ResidentQuerySet(models.QuerySet["Resident"]):
    """Residents in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> ResidentQuerySet:
        """The residents of the households the user sees."""
        return self.filter(household__in=Household.objects.visible_to(user))


class Resident(models.Model):
    """A person on the roster. Relations follow GB/T 4761; the roster's own word is kept beside the code."""

    class Relation(models.TextChoices):
        HEAD = "01", _("head of household")
        SPOUSE = "10", _("spouse")
        SON = "20", _("son")
        DAUGHTER = "30", _("daughter")
        GRANDCHILD = "40", _("grandchild")
        PARENT = "50", _("parent")
        GRANDPARENT = "60", _("grandparent")
        SIBLING = "70", _("brother or sister")
        OTHER = "97", _("other relative")
        NOT_RELATED = "99", _("not related")

    class Sex(models.TextChoices):
        UNKNOWN = "", _("unknown")
        MALE = "1", _("male")
        FEMALE = "2", _("female")

    household = models.ForeignKey(
        Household, verbose_name=_("household"), on_delete=models.CASCADE, related_name="residents"
    )
    name = models.CharField(_("name"), max_length=50)
    pinyin = models.CharField(max_length=50, blank=True, editable=False)
    relation = models.CharField(_("relation to the head"), max_length=2, choices=Relation)
    relation_text = models.CharField(_("relation as written"), max_length=20, blank=True)
    sex = models.CharField(_("sex"), max_length=1, choices=Sex, blank=True, default="")
    birth_on = models.DateField(_("date of birth"), null=True, blank=True)
    id_number_encrypted = models.CharField(max_length=120, blank=True, editable=False)
    id_number_fingerprint = models.CharField(max_length=32, blank=True, editable=False)
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    second_phone = models.CharField(_("second phone"), max_length=20, blank=True)
    lives_here = models.BooleanField(_("lives at the registered address"), default=True)
    source_import = models.ForeignKey(
        "RosterImport",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="residents",
        editable=False,
        db_constraint=False,
        db_index=False,
    )
    source_sheet = models.CharField(max_length=100, blank=True, editable=False)
    source_row = models.PositiveIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ResidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("resident")
        verbose_name_plural = _("residents")
        ordering = ["relation", "pk"]
        indexes = [
            models.Index(fields=["pinyin"], name="households_resident_pinyin", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["name"], name="households_resident_name", opclasses=["varchar_pattern_ops"]),
            models.Index(
                OpClass(Reverse("phone"), name="text_pattern_ops"),
                name="households_resident_phone",
                condition=~Q(phone=""),
            ),
            models.Index(
                OpClass(Reverse("second_phone"), name="text_pattern_ops"),
                name="households_resident_phone2",
                condition=~Q(second_phone=""),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["household"],
                condition=Q(relation="01"),
                name="households_resident_one_head",
                violation_error_message=_("A household has exactly one head."),
            ),
            models.UniqueConstraint(
                fields=["id_number_fingerprint"],
                condition=~Q(id_number_fingerprint=""),
                name="households_resident_id_number_once",
                violation_error_message=_("This ID number is already on the roster."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_head(self) -> bool:
        return self.relation == self.Relation.HEAD

    @property
    def id_number_masked(self) -> str:
        """439900********1234, or "" where there is none."""
        return idnumber.mask(idnumber.decrypt(self.id_number_encrypted))


class Pairing(models.Model):
    """A member of staff and a household that stay together across campaigns (结对)."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="pairings")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="pairings")
    started_on = models.DateField(_("since"), default=timezone.localdate)
    ended_on = models.DateField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("pairing")
        verbose_name_plural = _("pairings")
        constraints = [
            models.UniqueConstraint(
                fields=["household", "user"], condition=Q(ended_on=None), name="households_pairing_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} – {self.household}"


class RosterImportQuerySet(models.QuerySet["RosterImport"]):
    """Imports in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> RosterImportQuerySet:
        """Imports into units within reach, for those who may import."""
        code = access.reach(user)
        if code is None or not access.has_permission(user, Permission.ROSTER_IMPORT):
            return self.none()
        return self.filter(unit__code__startswith=code)


class RosterImport(models.Model):
    """One uploaded roster file on its way: read, checked, previewed, committed, perhaps undone."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("uploaded")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked")
        COMMITTING = "committing", _("being imported")
        COMMITTED = "committed", _("imported")
        UNDOING = "undoing", _("being undone")
        UNDONE = "undone", _("undone")
        DISCARDED = "discarded", _("discarded")
        FAILED = "failed", _("failed")

    WORKING = (State.UPLOADED, State.CHECKING, State.COMMITTING, State.UNDOING)
    UNDO_DAYS = 30

    unit = models.ForeignKey(Unit, verbose_name=_("unit"), on_delete=models.PROTECT, related_name="+")
    file = models.FileField(_("file"), upload_to="rosters/%Y/%m")
    filename = models.CharField(_("file name"), max_length=200)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.UPLOADED)
    mapping = models.JSONField(default=dict, help_text="column title → field, where people set it for this file")
    progress = models.PositiveSmallIntegerField(default=0)
    # since when it is in the present state: what stays in a working state without a worker is queued again
    state_at = models.DateTimeField(default=timezone.now)
    summary = models.JSONField(default=dict)
    failure = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    committed_at = models.DateTimeField(null=True)
    committed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = RosterImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("roster import")
        verbose_name_plural = _("roster imports")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.filename

    @property
    def is_working(self) -> bool:
        """Is a worker at it, or about to be?"""
        return self.state in self.WORKING

    @property
    def undo_until(self) -> datetime | None:
        """Until when the import may be undone; None before it was committed."""
        return self.committed_at + timedelta(days=self.UNDO_DAYS) if self.committed_at else None

    @property
    def may_be_undone(self) -> bool:
        """Is it committed, and not too long ago?"""
        return self.state == self.State.COMMITTED and bool(self.undo_until and timezone.now() < self.undo_until)


class RosterMapping(models.Model):
    """What a unit's people set a column title to mean, remembered for the unit's next file."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    title = models.CharField(max_length=60, help_text="as columns.title_key gives it")
    field = models.CharField(max_length=40, blank=True, help_text="a key of columns.FIELDS, flag:…, or empty: left out")
    set_at = models.DateTimeField(default=timezone.now)
    set_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "title"], name="households_rostermapping_once")]

    def __str__(self) -> str:
        return f"{self.title} → {self.field or '—'}"


class RosterError(models.Model):
    """One thing wrong in an uploaded file. `code` is a key of roster.errors.TEXTS; no text here quotes an ID number."""

    roster_import = models.ForeignKey(RosterImport, on_delete=models.CASCADE, related_name="errors")
    sheet = models.CharField(max_length=100)
    row = models.PositiveIntegerField()
    column = models.CharField(max_length=200)
    column_index = models.SmallIntegerField()
    code = models.CharField(max_length=40)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.sheet}:{self.row} {self.code}"


class Staged(models.Model):
    """A row of a checked file, waiting to be committed. NULL means the file does not say.

    Both tables are UNLOGGED (0003): a crash of the database empties them, and the file is simply checked again.
    """

    class Kind(models.TextChoices):
        NEW = "new", _("new")
        CHANGED = "changed", _("changed")
        MOVED = "moved", _("moved here")
        SAME = "same", _("unchanged")
        BAD = "bad", _("with errors")

    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind, default="")
    matched = models.BigIntegerField(null=True, help_text="the row on the roster that this is")
    sheet = models.CharField(max_length=100)
    row = models.PositiveIntegerField()

    class Meta:
        abstract = True


class StagedHousehold(Staged):
    """A household of a checked file."""

    roster_import = models.ForeignKey(
        RosterImport, on_delete=models.CASCADE, related_name="staged_households", db_constraint=False, db_index=False
    )
    village_id = models.BigIntegerField(null=True)
    number = models.CharField(max_length=40)
    group = models.CharField(max_length=40)
    address = models.CharField(max_length=200)
    door_key = models.CharField(max_length=120)
    head_name = models.CharField(max_length=50)
    head_pinyin = models.CharField(max_length=50)
    head_fingerprint = models.CharField(max_length=32)
    phone = models.CharField(max_length=20, help_text="the head's")
    spare_phone = models.CharField(
        max_length=20, default="", help_text="another member's, for a new household without the head's"
    )
    categories = ArrayField(models.CharField(max_length=20), null=True)
    priority = models.PositiveSmallIntegerField(null=True)
    note = models.CharField(max_length=500)

    class Meta:
        indexes = [models.Index(fields=["roster_import", "position"], name="households_staged_household")]

    def __str__(self) -> str:
        return f"{self.sheet}:{self.row}"


class StagedResident(Staged):
    """A resident of a checked file; belongs to the staged household at `household_position`."""

    roster_import = models.ForeignKey(
        RosterImport, on_delete=models.CASCADE, related_name="staged_residents", db_constraint=False, db_index=False
    )
    household_position = models.PositiveIntegerField()
    moved_from = models.BigIntegerField(null=True, help_text="the household left behind")
    name = models.CharField(max_length=50)
    pinyin = models.CharField(max_length=50)
    relation = models.CharField(max_length=2)
    relation_text = models.CharField(max_length=20)
    sex = models.CharField(max_length=1)
    birth_on = models.DateField(null=True)
    id_number_encrypted = models.CharField(max_length=120)
    id_number_fingerprint = models.CharField(max_length=32)
    phone = models.CharField(max_length=20)
    second_phone = models.CharField(max_length=20)
    lives_here = models.BooleanField(null=True)

    class Meta:
        indexes = [models.Index(fields=["roster_import", "position"], name="households_staged_resident")]

    def __str__(self) -> str:
        return f"{self.sheet}:{self.row}"


class RosterBefore(models.Model):
    """How a row stood before an import changed it: what undo restores. A row the import created has none."""

    class Table(models.TextChoices):
        HOUSEHOLD = "household"
        RESIDENT = "resident"

    roster_import = models.ForeignKey(RosterImport, on_delete=models.CASCADE, related_name="before")
    table = models.CharField(max_length=10, choices=Table)
    row_id = models.BigIntegerField()
    before = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["roster_import", "table", "row_id"], name="households_rosterbefore_once")
        ]

    def __str__(self) -> str:
        return f"{self.table} {self.row_id}"


class ResidentChange(models.Model):
    """A correction to the roster that a visitor wrote down at the door and a clerk decides on."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        ACCEPTED = "accepted", _("accepted")
        REFUSED = "refused", _("refused")

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="changes")
    resident = models.ForeignKey(
        Resident, null=True, blank=True, on_delete=models.CASCADE, related_name="changes", help_text="empty: a new one"
    )
    changes = models.JSONField(help_text="field → new value; fields of actions.CORRECTABLE only")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    proposed_at = models.DateTimeField(default=timezone.now)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="households_residentchange_decided",
                condition=Q(state="waiting", decided_at__isnull=True, decided_by__isnull=True)
                | (~Q(state="waiting") & Q(decided_at__isnull=False, decided_by__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.household}: {self.get_state_display()}"

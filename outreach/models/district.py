"""Accounts, units, posts, campaigns, the audit chain and the calendar's table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from outreach import access
from outreach.access import Permission, Role
from outreach.pinyin import initials

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class UnitQuerySet(models.QuerySet["Unit"]):
    """Units in the words of the domain."""

    def within(self, unit: Unit) -> UnitQuerySet:
        """`unit` and all below it."""
        return self.filter(code__startswith=unit.code)

    def visible_to(self, user: User | AnonymousUser) -> UnitQuerySet:
        """The units the user's current post reaches."""
        code = access.reach(user)
        return self.none() if code is None else self.filter(code__startswith=code)

    def active(self) -> UnitQuerySet:
        """Units still in use."""
        return self.filter(is_active=True)

    def districts(self) -> UnitQuerySet:
        return self.filter(kind=Unit.Kind.DISTRICT)

    def townships(self) -> UnitQuerySet:
        return self.filter(kind=Unit.Kind.TOWNSHIP)

    def villages(self) -> UnitQuerySet:
        return self.filter(kind=Unit.Kind.VILLAGE)

    def departments(self) -> UnitQuerySet:
        return self.filter(kind=Unit.Kind.DEPARTMENT)


class Unit(models.Model):
    """A node of the district's tree. The code is the statistical code and so also the path (domain.md §2)."""

    class Kind(models.TextChoices):
        DISTRICT = "district", _("district")
        TOWNSHIP = "township", _("township")
        VILLAGE = "village", _("village or community")
        DEPARTMENT = "department", _("department")

    # 6 county + 3 township + 3 village digits; a department carries the district's code and a D-number: two digits,
    # or four for an office of that department. Reach goes by prefix, so D01 and D012 must not both exist.
    CODE_PATTERNS = {
        Kind.DISTRICT: r"^\d{6}$",
        Kind.TOWNSHIP: r"^\d{9}$",
        Kind.VILLAGE: r"^\d{12}$",
        Kind.DEPARTMENT: r"^\d{6}D\d{2}(\d{2})?$",
    }

    code = models.CharField(_("code"), max_length=12, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    parent = models.ForeignKey(
        "self", verbose_name=_("parent unit"), null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    sort_order = models.PositiveIntegerField(
        _("official order"), default=0, help_text=_("Units stand in this order, never alphabetically.")
    )
    pinyin = models.CharField(_("pinyin initials"), max_length=100, blank=True, editable=False)
    is_active = models.BooleanField(_("in use"), default=True)

    objects = UnitQuerySet.as_manager()

    class Meta:
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        ordering = ["sort_order", "code"]
        indexes = [
            models.Index(fields=["code"], name="outreach_unit_code_prefix", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["kind", "sort_order"], name="outreach_unit_kind_order"),
        ]
        constraints = [
            models.CheckConstraint(
                name="outreach_unit_code_of_kind",
                condition=Q(kind="district", code__regex=r"^\d{6}$")
                | Q(kind="township", code__regex=r"^\d{9}$")
                | Q(kind="village", code__regex=r"^\d{12}$")
                | Q(kind="department", code__regex=r"^\d{6}D\d{2}(\d{2})?$"),
                violation_error_message=_(
                    "The code must have 6 digits for a district, 9 for a township, 12 for a village, "
                    "and 6 digits, a D and two or four digits for a department."
                ),
            ),
            models.CheckConstraint(
                name="outreach_unit_parent_of_kind",
                condition=Q(kind="district", parent__isnull=True) | (~Q(kind="district") & Q(parent__isnull=False)),
                violation_error_message=_("Every unit but the district needs a parent unit."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def district_code(self) -> str:
        """The first six digits."""
        return self.code[:6]

    @property
    def township_code(self) -> str:
        """The first nine characters: the township of a village, the unit's own code elsewhere."""
        return self.code[:9]

    def clean(self) -> None:
        """Refuse a parent whose code does not begin this unit's code."""
        if self.parent and not self.code.startswith(self.parent.code):
            raise ValidationError({"parent": _("The code must begin with the parent unit's code.")})
        self.pinyin = initials(self.name)


class UserManager(BaseUserManager["User"]):
    """Makes accounts; posts are given separately (Membership)."""

    def create_user(self, staff_number: str, password: str | None = None, **fields: Any) -> User:
        """Create an account that may log in with `password`, or not at all where it is None."""
        user = self.model(staff_number=staff_number, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(staff_number=username)


class UserQuerySet(models.QuerySet["User"]):
    """Accounts in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> UserQuerySet:
        """People who hold a post within the user's reach."""
        code = access.reach(user)
        if code is None:
            return self.none()
        posts = Membership.objects.filter(unit__code__startswith=code)
        return self.filter(pk__in=posts.values("user"))


class User(AbstractBaseUser):
    """A member of staff. Logs in by staff number or phone and acts in one post at a time."""

    staff_number = models.CharField(
        _("staff number"),
        max_length=32,
        unique=True,
        validators=[RegexValidator(r"^[A-Za-z0-9_-]+$", _("Letters, digits, - and _ only."))],
    )
    phone = models.CharField(
        _("mobile number"),
        max_length=11,
        null=True,
        blank=True,
        unique=True,
        validators=[RegexValidator(r"^1[3-9]\d{9}$", _("An 11-digit mobile number."))],
    )
    name = models.CharField(_("full name"), max_length=50)
    pinyin = models.CharField(_("pinyin initials"), max_length=50, blank=True, editable=False)
    is_active = models.BooleanField(_("may log in"), default=True)
    must_change_password = models.BooleanField(_("must choose a new password"), default=False, editable=False)
    current_post = models.ForeignKey(
        "Membership", verbose_name=_("current post"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects = UserManager.from_queryset(UserQuerySet)()

    USERNAME_FIELD = "staff_number"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["staff_number"]
        constraints = [
            # else one person's phone could be another's staff number, and a login would be ambiguous
            models.CheckConstraint(
                name="outreach_user_staff_number_no_phone",
                condition=~Q(staff_number__regex=r"^1[3-9]\d{9}$"),
                violation_error_message=_("A staff number must not look like a mobile number."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Keep an empty phone as NULL, so that two people may be without one, and the initials in step."""
        super().clean()
        self.phone = self.phone or None
        self.pinyin = initials(self.name)

    def set_password(self, raw_password: str | None) -> None:
        """Set a password of the person's own choice; a reset sets `must_change_password` afterwards."""
        super().set_password(raw_password)
        self.must_change_password = False

    @cached_property
    def post(self) -> Membership | None:
        """The post the user acts in: the chosen one, else the first."""
        posts = {post.pk: post for post in self.posts}
        return posts.get(self.current_post_id or 0) or next(iter(posts.values()), None)

    @cached_property
    def posts(self) -> models.QuerySet[Membership]:
        """All posts held, each with its unit."""
        return self.memberships.select_related("unit").order_by("pk")

    @property
    def is_staff(self) -> bool:
        """Django's admin asks this: may the current post open the admin site?"""
        return access.has_permission(self, Permission.ADMIN_SITE)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Django's admin asks this as "app.action_model"; ADMIN_PERMISSIONS says what it takes."""
        app, _dot, codename = perm.partition(".")
        action, _line, model = codename.partition("_")
        needed = ADMIN_PERMISSIONS.get(f"{app}.{model}")
        if needed is None or not self.is_staff:
            return False
        look, change = needed
        wanted = look if action == "view" else change
        return wanted is not None and access.has_permission(self, wanted)

    def has_module_perms(self, app_label: str) -> bool:
        """Django's admin asks this for its index page."""
        return any(
            name.startswith(f"{app_label}.") and look is not None and access.has_permission(self, look)
            for name, (look, _change) in ADMIN_PERMISSIONS.items()
        )


# model → (permission to look, permission to change or None). What is not listed is closed in the admin.
ADMIN_PERMISSIONS: dict[str, tuple[Permission, Permission | None]] = {
    "outreach.unit": (Permission.UNIT_EDIT, Permission.UNIT_EDIT),
    "outreach.user": (Permission.USER_EDIT, Permission.USER_EDIT),
    "outreach.membership": (Permission.USER_EDIT, Permission.USER_EDIT),
    "outreach.calendarday": (Permission.SETTINGS_EDIT, Permission.SETTINGS_EDIT),
    "outreach.campaign": (Permission.SETTINGS_EDIT, None),
    "outreach.leaderlink": (Permission.SETTINGS_EDIT, Permission.SETTINGS_EDIT),
    "outreach.auditevent": (Permission.AUDIT_VIEW, None),
    "households.category": (Permission.SETTINGS_EDIT, Permission.SETTINGS_EDIT),
    "households.household": (Permission.HOUSEHOLD_VIEW, None),
    "households.resident": (Permission.HOUSEHOLD_VIEW, None),
    "issues.category": (Permission.SETTINGS_EDIT, Permission.SETTINGS_EDIT),
    "issues.routingrule": (Permission.SETTINGS_EDIT, Permission.SETTINGS_EDIT),
    "issues.kindlimit": (Permission.SETTINGS_EDIT, Permission.SETTINGS_EDIT),
    "visits.topic": (Permission.SETTINGS_EDIT, Permission.SETTINGS_EDIT),
}


class Membership(models.Model):
    """A post: a person, in a unit, with a role."""

    user = models.ForeignKey(User, verbose_name=_("user"), on_delete=models.CASCADE, related_name="memberships")
    unit = models.ForeignKey(Unit, verbose_name=_("unit"), on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(_("role"), max_length=20, choices=Role)
    grants = ArrayField(
        models.CharField(max_length=40, choices=[(p.value, p.value) for p in Permission]),
        verbose_name=_("granted on top of the role"),
        default=list,
        blank=True,
    )

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "unit", "role"],
                name="outreach_membership_once",
                violation_error_message=_("This person already holds this post."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit.name} · {self.get_role_display()}"

    def clean(self) -> None:
        """Keep two duties apart: whoever keeps the accounts must not read the clues, nor the other way round."""
        apart = {Role.SYSTEM_ADMIN: Role.DISCIPLINE, Role.DISCIPLINE: Role.SYSTEM_ADMIN}
        other = apart.get(Role(self.role)) if self.role in Role.values else None
        if other and self.user_id and Membership.objects.filter(user=self.user_id, role=other).exists():
            raise ValidationError({"role": _("Nobody is both system administrator and discipline office.")})

    @property
    def sentence(self) -> str:
        """What the role does, for people."""
        return str(access.ROLE_SENTENCES[Role(self.role)])


class CampaignQuerySet(models.QuerySet["Campaign"]):
    """Campaigns in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> CampaignQuerySet:
        """Campaigns of the district the user's post belongs to."""
        code = access.reach(user)
        return self.none() if code is None else self.filter(district__code=code[:6])

    def open(self) -> CampaignQuerySet:
        """Campaigns in which visits may be recorded, by state (the dates are checked per visit)."""
        return self.filter(state=Campaign.State.OPEN)


class Campaign(models.Model):
    """A round of visits with a start, an end, and the units and households it covers."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        OPEN = "open", _("running")
        CLOSED = "closed", _("closed")

    name = models.CharField(_("name"), max_length=100)
    district = models.ForeignKey(Unit, verbose_name=_("district"), on_delete=models.PROTECT, related_name="+")
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends on"))
    units = models.ManyToManyField(Unit, verbose_name=_("units taking part"), related_name="campaigns", blank=True)
    categories = ArrayField(
        models.CharField(max_length=20),
        verbose_name=_("household categories"),
        default=list,
        blank=True,
        help_text=_("Only households of these categories; empty means every household."),
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        User, verbose_name=_("created by"), null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ["-starts_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="outreach_campaign_dates",
                condition=Q(ends_on__gte=F("starts_on")),
                violation_error_message=_("The campaign must not end before it starts."),
            ),
            models.UniqueConstraint(
                fields=["district", "name"],
                name="outreach_campaign_name_once",
                violation_error_message=_("A campaign of this name exists already."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def runs_on(self, day: Any) -> bool:
        """Say whether `day` lies within the campaign."""
        return bool(self.starts_on <= day <= self.ends_on)


class CalendarDay(models.Model):
    """A day that differs from the published calendar, or belongs to a year not yet published in the package."""

    day = models.DateField(_("day"), unique=True)
    is_workday = models.BooleanField(_("working day"))
    name = models.CharField(_("reason"), max_length=50, blank=True)

    class Meta:
        verbose_name = _("calendar day")
        verbose_name_plural = _("working-day calendar")
        ordering = ["day"]

    def __str__(self) -> str:
        return str(self.day)


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """The trail in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> AuditEventQuerySet:
        """What was done by posts within reach, and by the system itself."""
        code = access.reach(user)
        if code is None or not access.has_permission(user, Permission.AUDIT_VIEW):
            return self.none()
        return self.filter(Q(unit_code__startswith=code) | Q(unit_code=""))

    def of_people(self, people: models.QuerySet[User]) -> AuditEventQuerySet:
        """What these people did, and what was done to their accounts."""
        pks = list(people.values_list("pk", flat=True))
        return self.filter(Q(actor_id__in=pks) | Q(target__in=[f"outreach.user:{pk}" for pk in pks]))


class AuditEvent(models.Model):
    """What was done, by whom, to what: append-only and hash-chained; written by audit.record alone.

    No foreign keys, so that a row outlives what it tells of. The database refuses UPDATE, DELETE and TRUNCATE.
    """

    at = models.DateTimeField(_("at"))
    actor_id = models.BigIntegerField(_("user id"), null=True)
    actor = models.CharField(_("user"), max_length=120)
    action = models.CharField(_("action"), max_length=60)
    unit_code = models.CharField(_("unit"), max_length=12, blank=True)
    target = models.CharField(_("target"), max_length=120)
    detail = models.JSONField(_("detail"), default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["action", "-id"], name="outreach_audit_action"),
            models.Index(fields=["target", "-id"], name="outreach_audit_target"),
            models.Index(fields=["actor_id", "-id"], name="outreach_audit_actor"),
            models.Index(fields=["at"], name="outreach_audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"

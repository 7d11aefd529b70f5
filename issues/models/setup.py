"""What the district keeps to sort issues: kinds, the category tree, limits, routing rules."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from outreach.models import Unit


class Kind(models.TextChoices):
    """What a resident brings up (domain.md §2)."""

    NEED = "need", _("need")
    DISPUTE = "dispute", _("dispute")
    HAZARD = "hazard", _("safety hazard")
    SUGGESTION = "suggestion", _("suggestion")
    CONSULTATION = "consultation", _("policy question")


class Category(models.Model):
    """A node of the classification: 交通道路 › 路灯. The limit is that of the nearest ancestor that has one."""

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=40)
    parent = models.ForeignKey(
        "self", verbose_name=_("parent"), null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    kind = models.CharField(_("usual kind"), max_length=12, choices=Kind, default=Kind.NEED)
    workdays = models.PositiveSmallIntegerField(
        _("limit in working days"), null=True, blank=True, help_text=_("Empty: the limit of the kind.")
    )
    sort_order = models.PositiveSmallIntegerField(_("order"), default=0)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("issue category")
        verbose_name_plural = _("issue categories")
        ordering = ["sort_order", "code"]

    def __str__(self) -> str:
        return self.name

    def path(self) -> list[Category]:
        """This category, its parent, and so on up to the root. Costs a query for each level not yet loaded."""
        path, node = [self], self.parent
        while node is not None and node not in path:
            path.append(node)
            node = node.parent
        return path

    @classmethod
    def plant(cls, categories: Iterable[Category]) -> None:
        """Load the tree above each of `categories` in one query, so that their `path` costs none."""
        known = {row.pk: row for row in cls.objects.all()}
        rows: list[Category] = [*known.values(), *categories]
        for row in rows:
            if row.parent_id is not None:
                row.parent = known[row.parent_id]

    def clean(self) -> None:
        """Refuse a parent that lies below this category: the tree would bite its tail."""
        if self.parent is not None and self.pk and self.pk in [node.pk for node in self.parent.path()]:
            raise ValidationError({"parent": _("A category cannot stand below itself.")})


class KindLimit(models.Model):
    """The limit of a kind in working days, where no category says otherwise; an urgent issue has the shorter one."""

    kind = models.CharField(_("kind of issue"), max_length=12, choices=Kind, primary_key=True)
    workdays = models.PositiveSmallIntegerField(
        _("limit in working days"), validators=[MinValueValidator(1), MaxValueValidator(250)]
    )
    urgent_workdays = models.PositiveSmallIntegerField(
        _("limit when urgent"), default=1, validators=[MinValueValidator(1), MaxValueValidator(250)]
    )

    class Meta:
        verbose_name = _("limit of a kind")
        verbose_name_plural = _("limits of the kinds")

    def __str__(self) -> str:
        return str(self.get_kind_display())

    @property
    def sentence(self) -> str:
        """Both limits in words."""
        values = {"days": self.workdays, "urgent": self.urgent_workdays}
        return gettext("%(days)d days, urgent %(urgent)d") % values


class RoutingRule(models.Model):
    """Which unit an issue goes to. Rules are tried in order; an empty field matches everything. Where none matches,
    routing.py has the fallback that always exists: the township of the place."""

    class Target(models.TextChoices):
        UNIT = "unit", _("the unit named here")
        TOWNSHIP = "township", _("the township of the place")
        VILLAGE = "village", _("the village of the place")

    sort_order = models.PositiveIntegerField(_("order"), default=0)
    category = models.ForeignKey(
        Category, verbose_name=_("category"), null=True, blank=True, on_delete=models.CASCADE, related_name="rules"
    )
    area = models.ForeignKey(
        Unit, verbose_name=_("area"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    kind = models.CharField(_("kind of issue"), max_length=12, choices=Kind, blank=True)
    keywords = ArrayField(
        models.CharField(max_length=20), verbose_name=_("any of these words"), default=list, blank=True
    )
    target = models.CharField(_("goes to"), max_length=10, choices=Target, default=Target.UNIT)
    unit = models.ForeignKey(
        Unit, verbose_name=_("unit"), null=True, blank=True, on_delete=models.PROTECT, related_name="routing_rules"
    )
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("routing rule")
        verbose_name_plural = _("routing rules")
        ordering = ["sort_order", "pk"]
        constraints = [
            models.CheckConstraint(
                name="issues_routingrule_unit_named",
                condition=Q(target="unit", unit__isnull=False) | (~Q(target="unit") & Q(unit__isnull=True)),
                violation_error_message=_("Name a unit exactly where the rule sends to a named unit."),
            ),
        ]

    def __str__(self) -> str:
        return f"{' + '.join(self.conditions()) or gettext('everything else')} → {self.goal_name}"

    @property
    def goal_name(self) -> str:
        """The unit's name, or which unit of the place it is."""
        return self.unit.name if self.unit else str(self.get_target_display())

    def conditions(self) -> list[str]:
        """The filled fields in words: category, area, kind, words."""
        return [
            *([gettext("category %(name)s") % {"name": self.category.name}] if self.category else []),
            *([gettext("in %(name)s") % {"name": self.area.name}] if self.area else []),
            *([gettext("kind %(name)s") % {"name": self.get_kind_display()}] if self.kind else []),
            *([gettext("says %(words)s") % {"words": "／".join(self.keywords)}] if self.keywords else []),
        ]


def line_categories(unit: Unit) -> list[int]:
    """Return the ids of the categories in the line (条线) of a department: those a rule in use sends to it whatever the
    words, and all below them. Other units have no line. Costs one query."""
    if unit.kind != Unit.Kind.DEPARTMENT:
        return []
    rules = RoutingRule.objects.filter(unit=unit, is_active=True, keywords=[], category=OuterRef("pk"))
    rows = Category.objects.annotate(is_ruled=Exists(rules)).order_by().values_list("pk", "parent_id", "is_ruled")
    children: dict[int | None, list[int]] = {}
    for pk, parent, _ruled in rows:
        children.setdefault(parent, []).append(pk)
    line, waiting = set[int](), [pk for pk, _parent, is_ruled in rows if is_ruled]
    while waiting:
        pk = waiting.pop()
        if pk not in line:
            line.add(pk)
            waiting += children.get(pk, [])
    return sorted(line)

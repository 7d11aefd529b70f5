"""What the system administrator keeps: categories, routing rules, limits. No issue is shown here."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from issues.models import Category, KindLimit, RoutingRule
from issues.resources import CategoryResource
from outreach.admin import Audited, AuditedImportExport


@admin.register(Category)
class CategoryAdmin(AuditedImportExport):
    """The tree: children stand indented below their root, in order."""

    resource_classes = [CategoryResource]
    list_display = ["tree_name", "code", "kind", "workdays", "sort_order", "is_active"]
    list_editable = ["workdays", "sort_order", "is_active"]
    list_filter = ["is_active", "kind", ("parent", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["parent"]
    list_per_page = 200
    search_fields = ["name", "code", "parent__name"]
    autocomplete_fields = ["parent"]

    @admin.display(description=_("name"), ordering="sort_order")
    def tree_name(self, category: Category) -> str:
        """The name, indented below its parent."""
        return format_html("{}{}", "　└ " if category.parent_id else "", category.name)


@admin.register(RoutingRule)
class RoutingRuleAdmin(Audited, admin.ModelAdmin):
    """The rules in the order they are tried."""

    list_display = ["sort_order", "condition", "goal", "is_active"]
    list_display_links = ["condition"]
    list_filter = ["is_active", "target", "kind"]
    list_select_related = ["category", "area", "unit"]
    search_fields = ["category__name", "unit__name", "area__name"]
    autocomplete_fields = ["category", "area", "unit"]

    @admin.display(description=_("If"))
    def condition(self, rule: RoutingRule) -> str:
        """The filled fields in words."""
        return " + ".join(rule.conditions()) or str(_("everything else"))

    @admin.display(description=_("goes to"))
    def goal(self, rule: RoutingRule) -> str:
        """The unit, or which unit of the place."""
        return rule.goal_name

    def has_delete_permission(self, request: HttpRequest, obj: RoutingRule | None = None) -> bool:
        """Issues name the rule that sent them: it is put out of use, not removed."""
        return False


@admin.register(KindLimit)
class KindLimitAdmin(Audited, admin.ModelAdmin):
    """The limits of the kinds: five rows that are edited, never added or removed."""

    list_display = ["__str__", "workdays", "urgent_workdays"]
    list_editable = ["workdays", "urgent_workdays"]
    readonly_fields = ["kind"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Every kind has its limit already."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: KindLimit | None = None) -> bool:
        """An issue of a kind without a limit would have no due day."""
        return False

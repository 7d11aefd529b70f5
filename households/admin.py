"""The admin site's tables of households: categories; and, only where it was granted, the roster to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from households.models import Category, Household, Resident
from households.resources import CategoryResource
from outreach.access import acting
from outreach.admin import AuditedImportExport, ReadOnly


@admin.register(Category)
class CategoryAdmin(AuditedImportExport):
    """Categories and the spellings by which rosters name them."""

    resource_classes = [CategoryResource]
    import_hint = _("Columns: 编码, 名称, 优先级, 其他写法, 顺序. Several spellings are parted by 、.")
    list_display = ["name", "code", "priority", "aliases", "sort_order"]
    search_fields = ["name", "code", "aliases"]
    ordering = ["sort_order", "code"]


@admin.register(Household)
class HouseholdAdmin(ReadOnly, admin.ModelAdmin):
    """The households within reach, for those whom looking was granted."""

    list_display = ["head_name", "village", "group", "number", "address", "roster_state"]
    list_filter = ["roster_state"]
    list_select_related = ["village"]
    search_fields = ["head_name", "head_pinyin", "number"]
    ordering = ["village", "door_key"]
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Household]:
        """Only what the post reaches."""
        return Household.objects.visible_to(acting(request))


@admin.register(Resident)
class ResidentAdmin(ReadOnly, admin.ModelAdmin):
    """The residents within reach, their ID numbers masked."""

    list_display = ["name", "household", "relation_text", "sex", "birth_on", "masked"]
    list_select_related = ["household"]
    search_fields = ["name", "pinyin"]
    ordering = ["household", "relation", "pk"]
    fields = ["household", "name", "relation", "relation_text", "sex", "birth_on", "masked", "phone", "second_phone"]
    readonly_fields = ["masked"]
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Resident]:
        """Only what the post reaches."""
        return Resident.objects.visible_to(acting(request))

    @admin.display(description=_("ID number"))
    def masked(self, resident: Any) -> str:
        """439900********1234."""
        return resident.id_number_masked

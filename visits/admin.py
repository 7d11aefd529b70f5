"""The topics to explain at a visit: the one table of visits that administrators keep."""

from __future__ import annotations

from django.contrib import admin

from visits.models import Topic


@admin.register(Topic)
class TopicAdmin(admin.ModelAdmin):
    """A short list: what to explain, with what to say."""

    list_display = ["name", "is_active", "sort_order"]
    list_editable = ["is_active", "sort_order"]
    list_filter = ["is_active"]
    search_fields = ["name", "leaflet"]

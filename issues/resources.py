"""Categories as a plain table, for django-import-export."""

from __future__ import annotations

from import_export import fields, resources
from import_export.widgets import ForeignKeyWidget

from issues.models import Category


class CategoryResource(resources.ModelResource):
    """A row for each category, found again by its code; the parent is named by its code and stands above."""

    parent = fields.Field(attribute="parent", column_name="parent", widget=ForeignKeyWidget(Category, "code"))

    class Meta:
        model = Category
        import_id_fields = ["code"]
        fields = ["code", "name", "parent", "kind", "workdays", "sort_order", "is_active"]
        export_order = fields
        skip_unchanged = True
        clean_model_instances = True

"""What django-import-export reads and writes in the admin: household categories. Rosters have their own import."""

from __future__ import annotations

from typing import Any

from import_export import fields, widgets

from households.models import Category
from households.roster.check import WORDS
from outreach.resources import AdminResource, TextWidget


class WordsWidget(widgets.Widget):
    """Several words in a cell, parted by 、 or a comma."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[str]:
        """Return the words."""
        return [word for word in WORDS.split(str(value or "")) if word]

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "、".join(value or [])


class CategoryResource(AdminResource):
    """Columns 编码, 名称, 优先级, 其他写法, 顺序."""

    required_columns = ("编码", "名称")

    code = fields.Field(attribute="code", column_name="编码", widget=TextWidget())
    name = fields.Field(attribute="name", column_name="名称", widget=TextWidget())
    priority = fields.Field(attribute="priority", column_name="优先级", widget=widgets.IntegerWidget(), default=0)
    aliases = fields.Field(attribute="aliases", column_name="其他写法", widget=WordsWidget())
    sort_order = fields.Field(attribute="sort_order", column_name="顺序", widget=widgets.IntegerWidget(), default=0)

    class Meta:
        model = Category
        fields = ("code", "name", "priority", "aliases", "sort_order")
        import_id_fields = ("code",)
        skip_unchanged = True
        report_skipped = True
        clean_model_instances = True

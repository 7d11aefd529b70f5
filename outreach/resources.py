"""What django-import-export reads and writes in the admin: plain tables only. Units and rosters have imports of
their own."""

from __future__ import annotations

import unicodedata
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from import_export import fields, resources, widgets

from outreach.access import Role
from outreach.models import CalendarDay, Membership, Unit, User

# The titles of domain.md §3, as staff lists have them.
ROLE_OF_TITLE = {
    "走访干部": Role.VISITOR,
    "村社区管理员": Role.VILLAGE_CLERK,
    "村(社区)管理员": Role.VILLAGE_CLERK,
    "镇街管理员": Role.TOWNSHIP_ADMIN,
    "部门承办人": Role.DEPARTMENT_HANDLER,
    "部门负责人": Role.DEPARTMENT_HEAD,
    "区群众工作办": Role.DISTRICT_OFFICE,
    "督查": Role.SUPERVISOR,
    "区级领导": Role.LEADER,
    "宣传": Role.PUBLICITY,
    "系统管理员": Role.SYSTEM_ADMIN,
    "纪检监察": Role.DISCIPLINE,
}
YES = {"是", "班", "上班", "工作日", "1", "true", "yes"}
NO = {"否", "休", "放假", "休息日", "0", "false", "no"}


class WorkdayWidget(widgets.BooleanWidget):
    """是 or 否, as the notice on holidays is usually typed off."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool:
        """Return whether it is a working day. Raises ValueError for anything unclear."""
        text = str(value if value is not None else "").strip().lower()
        if text in YES or text in NO:
            return text in YES
        raise ValueError(_("Write 上班 or 放假."))

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "上班" if value else "放假"


class TextWidget(widgets.CharWidget):
    """Text as typed: full width to half, no outer blanks; a spreadsheet's number as its digits; empty is None."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str | None:
        """Return the text or None."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = unicodedata.normalize("NFKC", str(value if value is not None else "")).strip()
        return text or None


class AdminResource(resources.ModelResource):
    """A table imported by an administrator: `by` is who. Compulsory columns are checked before any row."""

    required_columns: tuple[str, ...] = ()

    def __init__(self, by: User | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.by = by

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        """Refuse a file without the columns that matter."""
        missing = [name for name in self.required_columns if name not in (dataset.headers or [])]
        if missing:
            raise ValidationError(_("Missing columns: %(names)s.") % {"names": "、".join(missing)})


class CalendarDayResource(AdminResource):
    """Columns 日期, 安排 (上班 or 放假), 说明."""

    required_columns = ("日期", "安排")

    day = fields.Field(attribute="day", column_name="日期", widget=widgets.DateWidget(format="%Y-%m-%d"))
    is_workday = fields.Field(attribute="is_workday", column_name="安排", widget=WorkdayWidget())
    name = fields.Field(attribute="name", column_name="说明", widget=widgets.CharWidget(allow_blank=True))

    class Meta:
        model = CalendarDay
        fields = ("day", "is_workday", "name")
        import_id_fields = ("day",)
        skip_unchanged = True
        report_skipped = True
        clean_model_instances = True


class UserResource(AdminResource):
    """A row a post: columns 工号, 姓名, 手机号, 单位代码, 角色. A person with two posts stands in two rows.

    New accounts have no password; the administrator gives one-time passwords afterwards. Posts are added, never
    taken away, by an import.
    """

    required_columns = ("工号", "姓名", "单位代码", "角色")

    staff_number = fields.Field(attribute="staff_number", column_name="工号", widget=TextWidget())
    name = fields.Field(attribute="name", column_name="姓名", widget=TextWidget())
    phone = fields.Field(attribute="phone", column_name="手机号", widget=TextWidget(allow_blank=False))
    units = fields.Field(column_name="单位代码")
    roles = fields.Field(column_name="角色")

    class Meta:
        model = User
        fields = ("staff_number", "name", "phone", "units", "roles")
        import_id_fields = ("staff_number",)
        skip_unchanged = True
        report_skipped = True
        clean_model_instances = True

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        """Read the row's post. Raises ValueError: unknown unit or role, oneself."""
        code = TextWidget().clean(row.get("单位代码")) or ""
        title = TextWidget().clean(row.get("角色")) or ""
        unit = self._units().get(code)
        if unit is None:
            raise ValueError(_("There is no unit with the code %(code)s in your district.") % {"code": code[:30]})
        role = ROLE_OF_TITLE.get(title)
        if role is None:
            titles = "、".join(ROLE_OF_TITLE)
            raise ValueError(
                _("There is no role “%(title)s”. Use: %(titles)s.") % {"title": title[:30], "titles": titles}
            )
        if self.by and TextWidget().clean(row.get("工号")) == self.by.staff_number:
            raise ValueError(_("Nobody gives himself a post. Ask another administrator."))
        self._post = unit, role

    def get_instance(self, instance_loader: Any, row: Any) -> Any:
        """Find the account. Raises ValueError where it belongs to another district."""
        user = super().get_instance(instance_loader, row)
        if user and self.by:
            posts = list(user.memberships.values_list("unit__code", flat=True))
            if posts and not any(code in self._units() for code in posts):
                raise ValueError(_("This staff number belongs to somebody of another district."))
        return user

    def init_instance(self, row: Any = None) -> User:
        """A new account has no password until one is given."""
        user = User()
        user.set_password(None)
        return user

    def skip_row(self, instance: Any, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        """Leave a row alone only if the post is held already, too."""
        same = super().skip_row(instance, original, row, import_validation_errors)
        if not same or not instance.pk:
            return bool(same)
        unit, role = self._post
        return Membership.objects.filter(user=instance, unit=unit, role=role).exists()

    def after_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """Give the post."""
        unit, role = self._post
        Membership(user=instance, unit=unit, role=role).clean()
        Membership.objects.get_or_create(user=instance, unit=unit, role=role)

    def dehydrate_units(self, user: User) -> str:
        """The codes of the units a person has posts in."""
        return "；".join(post.unit.code for post in user.memberships.all())

    def dehydrate_roles(self, user: User) -> str:
        """The roles of the posts, in the same order."""
        return "；".join(post.get_role_display() for post in user.memberships.all())

    def _units(self) -> dict[str, Unit]:
        """The units the administrator reaches, by code; read once for an import."""
        if not hasattr(self, "_units_by_code"):
            within = Unit.objects.visible_to(self.by) if self.by else Unit.objects.all()
            self._units_by_code = {unit.code: unit for unit in within}
        return self._units_by_code

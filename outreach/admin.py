"""The admin site for the system administrator: accounts, posts, units, the calendar. Every write is audited.

Who may open what: models.ADMIN_PERMISSIONS. Rows are those within reach of the post; no household data is here.
"""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django import forms
from django.contrib import admin, messages
from django.core.cache import cache
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from import_export.admin import ImportExportModelAdmin
from import_export.formats.base_formats import CSV, XLSX
from import_export.tmp_storages import CacheStorage

from outreach import actions, audit, units
from outreach.access import NEVER_GRANTED, Permission, acting, demand, reach
from outreach.forms import UnitFileForm
from outreach.models import AuditEvent, CalendarDay, Campaign, LeaderLink, Membership, Unit, User
from outreach.resources import CalendarDayResource, UserResource

admin.site.site_header = admin.site.site_title = _("Mass Work and Safe Communities")
admin.site.index_title = _("System administration")
admin.site.enable_nav_sidebar = True
# Django's own login form knows neither our lockout nor our names for an account.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# Its transaction does not hold the audit event; and nothing here is meant to be removed by the dozen.
admin.site.disable_action("delete_selected")

PREVIEW_ROWS = 50


class Audited:
    """A ModelAdmin whose writes leave an audit event in the same transaction, beside Django's own log."""

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        audit.record("admin.add", obj, by=acting(request), row=str(obj))
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        audit.record("admin.change", obj, by=acting(request), row=str(obj), changes=message)
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            audit.record("admin.delete", obj, by=acting(request), row=str(obj))
        return super().log_deletions(request, queryset)  # type: ignore[misc]


class ReadOnly:
    """A ModelAdmin that only shows."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AuditedImportExport(Audited, ImportExportModelAdmin):
    """import-export for plain tables: .xlsx and .csv, bad rows shown, unchanged rows left alone, audited."""

    formats = [XLSX, CSV]
    tmp_storage_class = CacheStorage  # the confirming request may reach another machine
    show_change_form_export = False
    import_template_name = "admin/outreach/import.html"
    import_hint: str | Promise = ""

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        return {"by": acting(request)}

    def get_export_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        return {"by": acting(request)}

    def get_import_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_import_context_data(**kwargs), "import_hint": self.import_hint}

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        """Import what was previewed, with the audit event in the same transaction."""
        name = request.POST.get("import_file_name", "")
        if cache.get(f"{CacheStorage.CACHE_PREFIX}{name[:100]}") is None:
            messages.error(request, _("The uploaded file is no longer kept. Upload it again."))
            return redirect("..")
        with transaction.atomic():
            return super().process_import(request, **kwargs)

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponseBase:
        audit.record("admin.import", self.model._meta.label_lower, by=acting(request), **result.totals)
        return super().process_result(result, request)

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: Any, **kwargs: Any) -> Any:
        audit.record("admin.export", self.model._meta.label_lower, by=acting(request), rows=queryset.count())
        return super().get_export_data(file_format, request, queryset, **kwargs)


def units_within_reach(db_field: Any, request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Let a field that names a unit accept only those the administrator reaches."""
    if db_field.remote_field.model is Unit:
        kwargs["queryset"] = Unit.objects.visible_to(request.user)
    return kwargs


class UnitForm(forms.ModelForm):
    """A unit; its code must lie within the administrator's reach."""

    reach: str | None = None

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if self.reach is None or not code.startswith(self.reach):
            raise forms.ValidationError(_("This unit does not belong to your district."))
        return code


@admin.register(Unit)
class UnitAdmin(Audited, admin.ModelAdmin):
    """The tree of units, and its import from a file."""

    form = UnitForm
    change_list_template = "admin/outreach/unit_list.html"
    list_display = ["code", "name", "kind", "parent", "sort_order", "is_active"]
    list_display_links = ["code", "name"]
    list_filter = ["kind", "is_active"]
    list_select_related = ["parent"]
    search_fields = ["code", "name", "pinyin"]
    autocomplete_fields = ["parent"]
    ordering = ["sort_order", "code"]
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Unit]:
        return Unit.objects.visible_to(request.user)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.reach = reach(request.user)
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(db_field, request, **units_within_reach(db_field, request, kwargs))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The code is the path by which everything below is found: once given it stays."""
        return ["code", "kind", "parent"] if obj else []

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.import_view)
        return [path("import/", view, name="outreach_unit_import"), *super().get_urls()]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Upload a file, see what it would change, confirm."""
        demand(request.user, Permission.UNIT_EDIT)
        context = {**self.admin_site.each_context(request), "opts": self.model._meta, "form": UnitFileForm()}
        if request.method != "POST":
            return render(request, "admin/outreach/unit_import.html", context)
        confirmed = request.session.pop("unit_import", None) if "confirm" in request.POST else None
        try:
            if confirmed:
                storage = CacheStorage(name=confirmed["name"])
                content, filename = storage.read(), confirmed["filename"]
                if content is None:
                    raise units.UnusableFileError(_("The uploaded file is no longer kept. Upload it again."))
                result = actions.import_units(file=units.in_memory(content), filename=filename, by=acting(request))
                storage.remove()
                messages.success(
                    request,
                    _(
                        "Units: {created} created, {updated} updated, {reordered} moved, "
                        "{unchanged} unchanged, {errors} rows left out."
                    ).format(**result.counts()),
                )
                return redirect("admin:outreach_unit_changelist")
            form = context["form"] = UnitFileForm(request.POST, request.FILES)
            if not form.is_valid():
                return render(request, "admin/outreach/unit_import.html", context, status=400)
            upload = form.cleaned_data["file"]
            content = upload.read()
            rows = units.read(units.in_memory(content), upload.name)
            result = units.plan(rows, reach=reach(request.user) or "")
        except units.UnusableFileError as error:
            messages.error(request, str(error))
            return render(request, "admin/outreach/unit_import.html", context, status=400)
        storage = CacheStorage()
        storage.save(content)
        request.session["unit_import"] = {"name": storage.name, "filename": upload.name}
        context |= {
            "result": result,
            "counts": result.counts(),
            "errors": result.errors[:PREVIEW_ROWS],
            "more_errors": max(0, len(result.errors) - PREVIEW_ROWS),
            "created": result.created[:PREVIEW_ROWS],
            "updated": result.updated[:PREVIEW_ROWS],
            "filename": upload.name,
        }
        return render(request, "admin/outreach/unit_import.html", context)


class MembershipInline(admin.TabularInline):
    """A person's posts."""

    model = Membership
    extra = 0
    autocomplete_fields = ["unit"]
    fields = ["unit", "role", "grants"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Membership]:
        return Membership.objects.filter(unit__in=Unit.objects.visible_to(request.user)).select_related("unit")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(db_field, request, **units_within_reach(db_field, request, kwargs))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return post_field(db_field, super().formfield_for_dbfield(db_field, request, **kwargs))


def post_field(db_field: Any, field: Any) -> Any:
    """Return the form field of a post: grants to tick, units to choose and not to edit from here."""
    if db_field.name == "grants":
        return forms.MultipleChoiceField(
            label=_("granted on top of the role"),
            required=False,
            choices=[(p.value, p.label) for p in Permission if p not in NEVER_GRANTED],
            help_text=_("Leave empty unless the district office asked for it in writing. Every grant is audited."),
        )
    for name in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
        if hasattr(field.widget, name):
            setattr(field.widget, name, False)
    return field


@admin.register(User)
class UserAdmin(AuditedImportExport):
    """Accounts. A password is never typed here: the administrator hands out one that works once."""

    resource_classes = [UserResource]
    import_hint = _(
        "A row a post: columns 工号, 姓名, 手机号, 单位代码, 角色. A person with two posts stands in two rows. "
        "New accounts cannot log in until you give them one-time passwords (choose them in the list, then the action). "
        "Posts are added, never taken away."
    )
    change_form_template = "admin/outreach/user_form.html"
    inlines = [MembershipInline]
    list_display = ["staff_number", "name", "phone", "posts_held", "is_active", "last_login"]
    list_display_links = ["staff_number", "name"]
    list_filter = ["is_active", "memberships__role"]
    search_fields = ["staff_number", "name", "phone", "pinyin"]
    fields = ["staff_number", "name", "phone", "is_active"]
    actions = ["give_passwords", "switch_off", "switch_on"]
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[User]:
        """People with a post within reach, and those who have none yet."""
        people = User.objects.visible_to(request.user) | User.objects.filter(memberships=None)
        return people.distinct().prefetch_related("memberships__unit")

    @admin.display(description=_("posts"))
    def posts_held(self, user: User) -> str:
        return "；".join(str(post) for post in user.memberships.all())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody gives himself a post or a grant."""
        return super().has_change_permission(request, obj) and (obj is None or obj.pk != request.user.pk)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Accounts are switched off: what a person did keeps its author."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_password(None)
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: str | None = None) -> HttpResponse:
        """Show the new account's one-time password, this once."""
        return self._show_passwords(request, User.objects.filter(pk=obj.pk))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.password_view)
        return [path("<int:pk>/password/", view, name="outreach_user_password"), *super().get_urls()]

    def password_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give one person a one-time password (POST), from the button on the account's page."""
        demand(request.user, Permission.USER_EDIT)
        user = get_object_or_404(self.get_queryset(request), pk=pk)
        if request.method != "POST" or user.pk == request.user.pk:
            return redirect("admin:outreach_user_change", pk)
        return self._show_passwords(request, User.objects.filter(pk=pk))

    @admin.action(description=_("Give one-time passwords"), permissions=["change"])
    def give_passwords(self, request: HttpRequest, queryset: models.QuerySet[User]) -> HttpResponse | None:
        # a hash takes a third of a second, and the page waits for all
        if queryset.count() > PREVIEW_ROWS:
            messages.error(request, _("Choose at most %(count)s people at a time.") % {"count": PREVIEW_ROWS})
            return None
        return self._show_passwords(request, queryset.exclude(pk=acting(request).pk))

    def _show_passwords(self, request: HttpRequest, people: models.QuerySet[User]) -> HttpResponse:
        with transaction.atomic():
            given = [(user, actions.reset_password(user=user, by=acting(request))) for user in people]
        context = {**self.admin_site.each_context(request), "opts": self.model._meta, "given": given}
        return render(request, "admin/outreach/passwords.html", context)

    @admin.action(description=_("Switch off: may no longer log in"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: models.QuerySet[User]) -> None:
        self._switch(request, queryset, is_active=False)

    @admin.action(description=_("Switch on: may log in again"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: models.QuerySet[User]) -> None:
        self._switch(request, queryset, is_active=True)

    def _switch(self, request: HttpRequest, queryset: models.QuerySet[User], *, is_active: bool) -> None:
        people = list(queryset.exclude(pk=acting(request).pk).exclude(is_active=is_active))
        actions.switch_accounts(people=people, is_active=is_active, by=acting(request))
        text = ngettext("%(count)s account changed.", "%(count)s accounts changed.", len(people))
        messages.success(request, text % {"count": len(people)})


@admin.register(Membership)
class MembershipAdmin(Audited, admin.ModelAdmin):
    """All posts, to look through by unit and role."""

    list_display = ["user", "unit", "role", "grants"]
    list_filter = ["role", "unit__kind"]
    list_select_related = ["user", "unit"]
    search_fields = ["user__staff_number", "user__name", "user__pinyin", "unit__name", "unit__code"]
    autocomplete_fields = ["user", "unit"]
    fields = ["user", "unit", "role", "grants"]
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Membership]:
        return Membership.objects.filter(unit__in=Unit.objects.visible_to(request.user))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs = units_within_reach(db_field, request, kwargs)
        if db_field.name == "user":
            # nobody gives himself a post
            kwargs["queryset"] = User.objects.exclude(pk=acting(request).pk)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return post_field(db_field, super().formfield_for_dbfield(db_field, request, **kwargs))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["user"] if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes his own posts."""
        return super().has_change_permission(request, obj) and (obj is None or obj.user_id != request.user.pk)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.user_id != request.user.pk)


@admin.register(LeaderLink)
class LeaderLinkAdmin(Audited, admin.ModelAdmin):
    """Which leader answers for which unit: late issues are brought to him."""

    list_display = ["unit", "leader"]
    list_select_related = ["unit", "leader__user", "leader__unit"]
    search_fields = ["unit__name", "unit__code", "leader__user__name"]
    autocomplete_fields = ["unit"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[LeaderLink]:
        return LeaderLink.objects.filter(unit__in=Unit.objects.visible_to(request.user))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs = units_within_reach(db_field, request, kwargs)
        if db_field.name == "leader":
            posts = Membership.objects.filter(unit__in=Unit.objects.visible_to(request.user))
            kwargs["queryset"] = posts.select_related("user", "unit")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(CalendarDay)
class CalendarDayAdmin(AuditedImportExport):
    """Days that differ from the published calendar."""

    resource_classes = [CalendarDayResource]
    import_hint = _(
        "Columns 日期 (2027-01-01), 安排 (放假 or 上班), 说明. From the State Council's notice enter each weekday off "
        "and each weekend day worked; all other days follow from the weekday."
    )
    list_display = ["day", "is_workday", "name"]
    list_filter = ["is_workday"]
    search_fields = ["name"]
    date_hierarchy = "day"
    ordering = ["-day"]


@admin.register(Campaign)
class CampaignAdmin(ReadOnly, admin.ModelAdmin):
    """Campaigns, to look at; the district office runs them on pages of its own."""

    list_display = ["name", "district", "starts_on", "ends_on", "state"]
    list_filter = ["state"]
    list_select_related = ["district"]
    search_fields = ["name"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Campaign]:
        return Campaign.objects.visible_to(request.user)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly, admin.ModelAdmin):
    """The audit trail, for administrators to whom it was granted: who administers does not audit himself."""

    list_display = ["at", "actor", "action_label", "target", "unit_code"]
    list_filter = ["action"]
    search_fields = ["actor", "target"]
    ordering = ["-pk"]
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[AuditEvent]:
        return AuditEvent.objects.visible_to(request.user)

    @admin.display(description=_("action"))
    def action_label(self, event: AuditEvent) -> str:
        return audit.label(event.action)

"""Pages of roster imports: upload, columns, preview as a diff, commit, result, history, undo, downloads."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from households import exports
from households.actions import mark_missing
from households.forms import MappingForm, UploadForm
from households.models import Category, Household, Resident, RosterError, RosterImport, StagedHousehold, StagedResident
from households.roster import actions, files, match, progress
from households.roster.errors import RowError
from households.roster.read import ACCEPTED, FAILURES, MAX_FILE, NOTICES, UnusableFile
from households.views import xlsx
from outreach import audit
from outreach.access import Permission, acting, require

State = RosterImport.State
PAGE_ROWS = 30
STATE_TONES = {
    State.UPLOADED: "info",
    State.CHECKING: "info",
    State.CHECKED: "accent",
    State.COMMITTING: "info",
    State.COMMITTED: "good",
    State.UNDOING: "info",
    State.UNDONE: "neutral",
    State.DISCARDED: "neutral",
    State.FAILED: "bad",
}


@require(Permission.ROSTER_IMPORT)
@require_http_methods(["GET", "POST"])
def import_list(request: HttpRequest) -> HttpResponse:
    """Upload a roster; below, the imports of the units in reach."""
    user = acting(request)
    form = UploadForm(request.POST or None, request.FILES or None, user=user)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        started = actions.start_import(
            unit=form.cleaned_data["unit"], chunks=file.chunks(), filename=file.name, by=user
        )
        return redirect("households:import_detail", started.pk)
    imports = RosterImport.objects.visible_to(user).select_related("unit", "created_by")
    page = Paginator(imports, PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "rows": [{"import": row, "tone": STATE_TONES[State(row.state)], **_figures(row)} for row in page],
        "accepted": "、".join(ACCEPTED),
        "max_megabytes": MAX_FILE // (1024 * 1024),
    }
    return render(request, "households/imports.html", context, status=400 if request.method == "POST" else 200)


def _figures(roster_import: RosterImport) -> dict[str, Any]:
    summary = roster_import.summary
    return {
        "households": summary.get("households"),
        "residents": summary.get("residents"),
        "errors": summary.get("errors"),
    }


def _import(request: HttpRequest, pk: int) -> RosterImport:
    related = ("unit", "created_by", "committed_by", "undone_by")
    return get_object_or_404(RosterImport.objects.visible_to(acting(request)).select_related(*related), pk=pk)


@require(Permission.ROSTER_IMPORT)
@require_GET
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One import in whatever state it is: progress, columns and preview, result."""
    roster_import = _import(request, pk)
    if request.htmx and request.htmx.target == "import-progress":  # type: ignore[attr-defined]
        if roster_import.is_working:
            return render(request, "households/_import_progress.html", _progress(roster_import))
        return HttpResponse(headers={"HX-Refresh": "true"})
    return _render_import(request, roster_import)


def _progress(roster_import: RosterImport) -> dict[str, Any]:
    labels = {
        State.COMMITTING: _("Importing"),
        State.UNDOING: _("Undoing"),
    }
    percent = progress.of(roster_import.pk)
    return {
        "import": roster_import,
        "percent": percent if roster_import.state != State.UPLOADED else None,
        "label": labels.get(State(roster_import.state), _("Reading and checking the file")),
    }


def _render_import(
    request: HttpRequest,
    roster_import: RosterImport,
    *,
    refusal: str = "",
    mapping_form: MappingForm | None = None,
    status: int = 200,
) -> HttpResponse:
    summary = roster_import.summary
    context: dict[str, Any] = {
        "import": roster_import,
        "tone": STATE_TONES[State(roster_import.state)],
        "summary": summary,
        "counts": summary.get("counts", {}),
        "refusal": refusal,
        "failure": FAILURES.get(roster_import.failure, roster_import.failure),
        "notices": [NOTICES[code] for code in summary.get("notices", []) if code in NOTICES],
        "undo_days": RosterImport.UNDO_DAYS,
    }
    if roster_import.is_working:
        context.update(_progress(roster_import))
    elif summary.get("sheets"):
        context["sheets"] = summary["sheets"]
        if roster_import.state in (State.CHECKED, State.FAILED):
            columns = [column for sheet in summary["sheets"] for column in sheet["columns"]]
            context["mapping_form"] = mapping_form or MappingForm(columns=columns)
            context["open_mapping"] = mapping_form is not None
        context.update(_preview(request, roster_import))
    return render(request, "households/import.html", context, status=status)


# --- the preview -----------------------------------------------------------------------------------------------------


def _preview(request: HttpRequest, roster_import: RosterImport) -> dict[str, Any]:
    """The tabs of the preview, and a page of rows of the one that is open."""
    counts = roster_import.summary["counts"]
    staged = roster_import.state == State.CHECKED
    tabs = [("errors", _("Errors"), roster_import.summary["errors"])]
    if staged:
        tabs = [
            *tabs,
            ("new", _("New on the roster"), counts["resident_new"]),
            ("changed", _("Changed"), counts["household_changed"] + counts["resident_changed"]),
            ("moved", _("Moved here"), counts["resident_moved"]),
            ("missing", _("Missing from the file"), counts["household_missing"] + counts["resident_missing"]),
        ]
    names = [name for name, _label, _count in tabs]
    wanted = request.GET.get("tab", "")
    current = wanted if wanted in names else next((name for name, _label, count in tabs if count), names[0])
    page, rows = PREVIEWS[current](request, roster_import)
    return {
        "tabs": [
            {"url": f"?tab={name}", "label": label, "count": count, "current": name == current}
            for name, label, count in tabs
        ],
        "tab": current,
        "page": page,
        "rows": rows,
    }


def _page(request: HttpRequest, rows: QuerySet[Any]) -> Page[Any]:
    return Paginator(rows, PAGE_ROWS).get_page(request.GET.get("page"))


def _preview_errors(request: HttpRequest, roster_import: RosterImport) -> tuple[Page[Any], list[Any]]:
    page = _page(request, roster_import.errors.all())
    return page, [row_error(error) for error in page]


def row_error(error: RosterError) -> RowError:
    """Return a stored error with its sentences."""
    return RowError(error.sheet, error.row, error.column, error.code, error.column_index, error.detail)


def _preview_new(request: HttpRequest, roster_import: RosterImport) -> tuple[Page[Any], list[Any]]:
    staged = StagedResident.objects.filter(roster_import=roster_import, kind="new").order_by("position")
    page = _page(request, staged)
    doors = _doors(roster_import, page)
    return page, [
        {
            "resident": row,
            "door": doors[row.household_position],
            "is_new_door": doors[row.household_position].kind == "new",
        }
        for row in page
    ]


def _preview_moved(request: HttpRequest, roster_import: RosterImport) -> tuple[Page[Any], list[Any]]:
    staged = StagedResident.objects.filter(roster_import=roster_import, kind="moved").order_by("position")
    page = _page(request, staged)
    doors = _doors(roster_import, page)
    left = Household.objects.select_related("village").in_bulk([row.moved_from for row in page if row.moved_from])
    return page, [
        {"resident": row, "door": doors[row.household_position], "left": left.get(row.moved_from or 0)} for row in page
    ]


def _doors(roster_import: RosterImport, page: Page[Any]) -> dict[int, StagedHousehold]:
    positions = {row.household_position for row in page}
    doors = StagedHousehold.objects.filter(roster_import=roster_import, position__in=positions)
    return {door.position: door for door in doors}


HOUSEHOLD_FIELDS = ("number", "group", "address", "head_name", "phone", "note")
RESIDENT_FIELDS = ("name", "sex", "birth_on", "phone", "second_phone")


def _preview_changed(request: HttpRequest, roster_import: RosterImport) -> tuple[Page[Any], list[Any]]:
    """Households first, then residents; each with the fields that differ."""
    doors = StagedHousehold.objects.filter(roster_import=roster_import, kind="changed").order_by("position")
    people = StagedResident.objects.filter(roster_import=roster_import, kind="changed").order_by("position")
    pages = Paginator(range(doors.count() + people.count()), PAGE_ROWS)
    page = pages.get_page(request.GET.get("page"))
    first, last = page.start_index() - 1, page.end_index()
    count = doors.count()
    rows: list[Any] = []
    if first < count:
        part = list(doors[max(first, 0) : last])
        known = Household.objects.in_bulk([row.matched for row in part])
        names = dict(Category.objects.values_list("code", "name"))
        rows += [_household_diff(row, known[row.matched], names) for row in part if row.matched in known]
    if last > count:
        part_people = list(people[max(first - count, 0) : last - count])
        known_people = Resident.objects.select_related("household").in_bulk([row.matched for row in part_people])
        rows += [
            _resident_diff(row, known_people[row.matched or 0]) for row in part_people if row.matched in known_people
        ]
    return page, rows


def _household_diff(row: StagedHousehold, household: Household, names: dict[str, str]) -> dict[str, Any]:
    lines = [
        _line(Household, field, getattr(household, field), getattr(row, field))
        for field in HOUSEHOLD_FIELDS
        if getattr(row, field) and getattr(row, field) != getattr(household, field)
    ]
    if row.categories is not None and set(row.categories) != set(household.categories):
        old, new = (
            "、".join(names.get(code, code) for code in codes) for codes in (household.categories, row.categories)
        )
        lines.append({"label": str(_("Household category")), "old": old, "new": new})
    return {"what": _("Whole household"), "name": str(household), "row": row, "lines": lines, "household": household}


def _resident_diff(row: StagedResident, resident: Resident) -> dict[str, Any]:
    lines = [
        _line(Resident, field, getattr(resident, field), getattr(row, field))
        for field in RESIDENT_FIELDS
        if getattr(row, field) and getattr(row, field) != getattr(resident, field)
    ]
    stated = row.relation_text or row.relation != Resident.Relation.OTHER or resident.is_head
    if stated and (row.relation, row.relation_text) != (resident.relation, resident.relation_text):
        old = resident.relation_text or resident.get_relation_display()
        new = row.relation_text or str(dict(Resident.Relation.choices).get(row.relation, row.relation))
        lines.append({"label": str(_("Relation")), "old": old, "new": new})
    if row.id_number_fingerprint and row.id_number_fingerprint != resident.id_number_fingerprint:
        lines.append({"label": str(_("ID number")), "old": resident.id_number_masked, "new": _("another number")})
    if row.lives_here is not None and row.lives_here != resident.lives_here:
        yes, no = _("lives here"), _("lives elsewhere")
        old, new = (yes if resident.lives_here else no), (yes if row.lives_here else no)
        lines.append({"label": str(_("Residence")), "old": old, "new": new})
    return {
        "what": _("Resident"),
        "name": resident.name,
        "row": row,
        "lines": lines,
        "household": resident.household,
    }


def _line(model: Any, field: str, old: Any, new: Any) -> dict[str, str]:
    label = str(model._meta.get_field(field).verbose_name)
    words = dict(Resident.Sex.choices) if field == "sex" else {}
    return {"label": label, "old": str(words.get(old, old or "")), "new": str(words.get(new, new))}


def _preview_missing(request: HttpRequest, roster_import: RosterImport) -> tuple[Page[Any], list[Any]]:
    """Households first, then residents; ticked ones may be marked, nothing is marked by itself."""
    doors = match.missing_households(roster_import.pk).select_related("village").order_by("village", "door_key", "pk")
    people = match.missing_residents(roster_import.pk).filter(lives_here=True).select_related("household__village")
    people = people.order_by("household__village", "household__door_key", "pk")
    count = doors.count()
    pages = Paginator(range(count + people.count()), PAGE_ROWS)
    page = pages.get_page(request.GET.get("page"))
    first, last = page.start_index() - 1, page.end_index()
    rows: list[Any] = []
    if first < count:
        rows += [{"household": household} for household in doors[max(first, 0) : last]]
    if last > count:
        part = people[max(first - count, 0) : last - count]
        rows += [{"household": resident.household, "resident": resident} for resident in part]
    return page, rows


PREVIEWS = {
    "errors": _preview_errors,
    "new": _preview_new,
    "changed": _preview_changed,
    "moved": _preview_moved,
    "missing": _preview_missing,
}


# --- what is done to an import ---------------------------------------------------------------------------------------


@require(Permission.ROSTER_IMPORT)
@require_POST
def import_mapping(request: HttpRequest, pk: int) -> HttpResponse:
    """Set what the columns mean, and check the file again."""
    roster_import = _import(request, pk)
    columns = [column for sheet in roster_import.summary.get("sheets", []) for column in sheet["columns"]]
    form = MappingForm(request.POST, columns=columns)
    if not form.is_valid():
        return _render_import(request, roster_import, mapping_form=form, status=400)
    return _do(
        request,
        roster_import,
        lambda: actions.set_mapping(roster_import=roster_import, mapping=form.mapping(), by=acting(request)),
    )


@require(Permission.ROSTER_IMPORT)
@require_POST
def import_commit(request: HttpRequest, pk: int) -> HttpResponse:
    """Import the households without errors."""
    roster_import = _import(request, pk)
    return _do(request, roster_import, lambda: actions.request_commit(roster_import=roster_import, by=acting(request)))


@require(Permission.ROSTER_IMPORT)
@require_POST
def import_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a committed import back."""
    roster_import = _import(request, pk)
    return _do(request, roster_import, lambda: actions.request_undo(roster_import=roster_import, by=acting(request)))


@require(Permission.ROSTER_IMPORT)
@require_POST
def import_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Drop an import that was not committed."""
    roster_import = _import(request, pk)
    try:
        actions.discard(roster_import=roster_import, by=acting(request))
    except actions.NotPossible as refusal:
        return _render_import(request, _import(request, pk), refusal=str(refusal), status=409)
    messages.success(request, _("The file was discarded; nothing was imported."))
    return redirect("households:import_list")


def _do(request: HttpRequest, roster_import: RosterImport, action: Any) -> HttpResponse:
    try:
        action()
    except actions.NotPossible as refusal:
        return _render_import(request, _import(request, roster_import.pk), refusal=str(refusal), status=409)
    return redirect("households:import_detail", roster_import.pk)


@require(Permission.ROSTER_IMPORT)
@require_POST
def import_missing(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark the ticked households as moved away, and the ticked residents as living elsewhere."""
    roster_import = _import(request, pk)
    households, residents = (
        [int(value) for value in request.POST.getlist(name) if value.isdecimal() and len(value) < 18]
        for name in ("household", "resident")
    )
    if not households and not residents:
        return _render_import(request, roster_import, refusal=_("Tick the rows to mark first."), status=400)
    moved, left = mark_missing(households=households, residents=residents, by=acting(request))
    text = _("Marked: %(moved)d households moved away, %(left)d residents living elsewhere.")
    messages.success(request, text % {"moved": moved, "left": left})
    return redirect("households:import_detail", roster_import.pk)


# --- downloads -------------------------------------------------------------------------------------------------------


@require(Permission.ROSTER_IMPORT)
@require_GET
def import_template(request: HttpRequest) -> HttpResponse:
    """The roster template."""
    return xlsx(exports.template(), "花名册模板.xlsx")


@require(Permission.ROSTER_IMPORT)
@require_POST
def import_errors(request: HttpRequest, pk: int) -> HttpResponse:
    """The user's own workbook back, with what is wrong and what to do; recorded, for it holds ID numbers."""
    roster_import = _import(request, pk)
    if not roster_import.errors.exists():
        return _render_import(request, roster_import, refusal=_("The file has no errors."), status=409)
    headers = {
        sheet["name"]: sheet["header"][1] for sheet in roster_import.summary.get("sheets", []) if sheet["header"]
    }
    try:
        with files.plain_copy(roster_import) as path:
            content = exports.marked_workbook(
                path, roster_import.filename, map(row_error, roster_import.errors.all()), headers
            )
    except (OSError, ValueError, UnusableFile):
        refusal = _("The uploaded file is not kept any more. Upload it again.")
        return _render_import(request, roster_import, refusal=refusal, status=410)
    count = roster_import.errors.count()
    audit.record("roster.errors_export", roster_import, by=acting(request), errors=count)
    stem = roster_import.filename.rsplit(".", 1)[0]
    return xlsx(content, f"{stem}_{_('errors')}.xlsx")

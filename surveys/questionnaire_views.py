"""Questionnaires: list, builder, preview, publishing, versions and what changed between them, workbooks."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Max, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from outreach.access import Permission, acting, has_permission, require
from outreach.models import Unit, User
from surveys import editor, questionnaire, wording, xlsform
from surveys.actions import writing
from surveys.editor import HeadForm, ItemEditor
from surveys.forms import FileForm, NewForm
from surveys.models import Questionnaire, Round, Version
from surveys.presets import PRESETS
from surveys.public_views import about
from surveys.questionnaire import MAX_ITEMS, ContentError, Kind
from surveys.texts import survey_texts

PAGE_ROWS = 30


def _district(user: User) -> Unit:
    """The district the user's post belongs to."""
    assert user.post is not None
    return Unit.objects.districts().get(code=user.post.unit.code[:6])


def _responsible(district: Unit) -> list[Unit]:
    """The units that may answer for an item: all but villages, in official order."""
    units = Unit.objects.filter(code__startswith=district.code).active().exclude(kind=Unit.Kind.VILLAGE)
    return list(units.order_by("sort_order", "code"))


def _unit_names(district: Unit) -> dict[str, str]:
    return {unit.code: unit.name for unit in _responsible(district)}


def _visible(request: HttpRequest) -> QuerySet[Questionnaire]:
    return Questionnaire.objects.visible_to(request.user).select_related("district")


def _versions(request: HttpRequest) -> QuerySet[Version]:
    return Version.objects.visible_to(request.user).select_related(
        "questionnaire__district", "saved_by", "published_by"
    )


@require(Permission.SURVEY_VIEW)
@require_GET
def questionnaire_list(request: HttpRequest) -> HttpResponse:
    """All questionnaires of the district, those in use first."""
    rows = _visible(request).annotate(
        published=Max("versions__number", filter=Q(versions__published_at__isnull=False)),
        draft=Max("versions__number", filter=Q(versions__published_at=None)),
        rounds=Count("versions__rounds", distinct=True),
    )
    rows = rows.order_by("is_retired", "-pk")  # grouping drops the order of the model
    page = Paginator(rows, PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "may_edit": has_permission(request.user, Permission.SURVEY_EDIT),
        "may_call": has_permission(request.user, Permission.SURVEY_CALL),
    }
    return render(request, "surveys/questionnaires/list.html", context)


@require(Permission.SURVEY_EDIT)
@require_http_methods(["GET", "POST"])
def questionnaire_new(request: HttpRequest) -> HttpResponse:
    """Begin a questionnaire from one of those that come with the program, or an empty one."""
    form = NewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name, preset = form.cleaned_data["name"], PRESETS.get(form.cleaned_data["preset"])
        content = questionnaire.to_json(preset.build()) if preset else {"title": name, "items": []}
        version = _created(request, form, name, content)
        if version is not None:
            return redirect("surveys:questionnaire_edit", pk=version.questionnaire_id)
    context = {"form": form, "presets": PRESETS.values()}
    return render(request, "surveys/questionnaires/new.html", context, status=422 if form.is_bound else 200)


@require(Permission.SURVEY_EDIT)
@require_http_methods(["GET", "POST"])
def questionnaire_import(request: HttpRequest) -> HttpResponse:
    """Begin a questionnaire from an XLSForm workbook; what cannot be taken over is named row by row."""
    form = FileForm(request.POST or None, request.FILES or None)
    faults: list[xlsform.Fault] = []
    if request.method == "POST" and form.is_valid():
        try:
            content = xlsform.read(form.cleaned_data["file"].read(xlsform.MAX_BYTES + 1))
        except xlsform.XlsFormError as error:
            faults = error.faults
        else:
            version = _created(request, form, form.cleaned_data["name"], questionnaire.to_json(content))
            if version is not None:
                return redirect("surveys:questionnaire_edit", pk=version.questionnaire_id)
    context = {"form": form, "faults": faults}
    status = 422 if request.method == "POST" else 200
    return render(request, "surveys/questionnaires/import.html", context, status=status)


def _created(request: HttpRequest, form: Any, name: str, content: dict[str, Any]) -> Version | None:
    user = acting(request)
    try:
        return writing.create_questionnaire(district=_district(user), name=name, content=content, by=user)
    except ValidationError as error:
        form.add_error("name", error.messages)
        return None


@require(Permission.SURVEY_VIEW)
@require_GET
def questionnaire_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A questionnaire's versions and rounds, and what its newest version asks."""
    whole = get_object_or_404(_visible(request), pk=pk)
    newest = whole.versions.order_by("-number").first()
    if newest is None:
        raise Http404
    return _version_page(request, whole, newest)


@require(Permission.SURVEY_VIEW)
@require_GET
def version_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What one version asks."""
    version = get_object_or_404(_versions(request), pk=pk)
    return _version_page(request, version.questionnaire, version)


def _version_page(request: HttpRequest, whole: Questionnaire, version: Version) -> HttpResponse:
    versions = list(whole.versions.select_related("saved_by", "published_by").annotate(asked=Count("rounds")))
    older = [other for other in versions if other.number < version.number]
    context = {
        "whole": whole,
        "version": version,
        "versions": versions,
        "older": older[0] if older else None,
        "draft": next((other for other in versions if other.published_at is None), None),
        "items": wording.item_words(version.content, _unit_names(whole.district)),
        "problems": _problem_rows(version.content) if version.published_at is None else [],
        "rounds": Round.objects.filter(version__questionnaire=whole).select_related("version"),
        "may_edit": has_permission(request.user, Permission.SURVEY_EDIT),
    }
    return render(request, "surveys/questionnaires/detail.html", context)


def _problem_rows(content: Any) -> list[dict[str, str]]:
    """What keeps a draft from being published, each with the item it stands at ("" for none)."""
    items = editor.items_of(content)
    rows = []
    for where, text in editor.problems({**content, "items": items} if isinstance(content, dict) else content):
        parts = where.split(".")
        at = int(parts[1]) if parts[0] == "items" and len(parts) > 1 else -1
        key, label = (str(items[at]["key"]), str(items[at].get("text") or "")) if 0 <= at < len(items) else ("", "")
        rows.append({"key": key, "number": str(at + 1) if key else "", "label": label, "text": text})
    return rows


def _draft(request: HttpRequest, pk: int) -> tuple[Questionnaire, Version | None]:
    whole = get_object_or_404(_visible(request), pk=pk)
    return whole, whole.versions.drafts().first()


def _no_draft(request: HttpRequest, whole: Questionnaire) -> HttpResponse:
    messages.info(request, _("What is published does not change. Begin the next version and change that."))
    return redirect("surveys:questionnaire_detail", pk=whole.pk)


def _saves(request: HttpRequest) -> int:
    given = request.POST.get("saves", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0


@require(Permission.SURVEY_EDIT)
@require_http_methods(["GET", "POST"])
def questionnaire_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The builder: words around the items, and the items in their order. Every button saves what was typed."""
    whole, draft = _draft(request, pk)
    if draft is None:
        return _no_draft(request, whole)
    if request.method == "GET":
        return _builder(request, whole, draft, HeadForm(initial=_head(draft.content)))
    form = HeadForm(request.POST)
    if not form.is_valid():
        return _builder(request, whole, draft, form, saves=_saves(request), status=422)
    do, items = request.POST.get("do", ""), editor.items_of(draft.content)
    shown = editor.act(items, do)
    added = request.POST.get("kind", "") if do == "add" else ""
    if added in list(Kind) and len(items) < MAX_ITEMS:
        items.append(editor.new_item(Kind(added), items))
        shown = items[-1]["key"]
    content = {name: form.said(name) for name in form.fields} | {"items": items}
    try:
        writing.save_draft(version=draft, content=content, saves=_saves(request), by=acting(request))
    except writing.ConflictError as error:
        return _conflict(request, whole, form, error)
    if added and shown:
        return redirect("surveys:questionnaire_item", pk=pk, key=shown)
    target = redirect("surveys:questionnaire_edit", pk=pk)
    if shown:
        target["Location"] += f"#item-{shown}"
    else:
        messages.success(request, _("The draft is saved."))
    return target


def _head(content: Any) -> dict[str, str]:
    return {n: str(content.get(n) or "") for n in HeadForm.base_fields} if isinstance(content, dict) else {}


def _conflict(request: HttpRequest, whole: Questionnaire, form: HeadForm, error: Exception) -> HttpResponse:
    draft = whole.versions.drafts().first()
    if draft is None:
        return _no_draft(request, whole)
    return _builder(request, whole, draft, form, conflict=str(error), status=409)


def _builder(
    request: HttpRequest,
    whole: Questionnaire,
    draft: Version,
    form: HeadForm,
    *,
    saves: int | None = None,
    conflict: str = "",
    status: int = 200,
) -> HttpResponse:
    rows = _problem_rows(draft.content)
    wrong = {row["key"] for row in rows}
    form.ready()
    context = {
        "whole": whole,
        "draft": draft,
        "form": form,
        "saves": draft.saves if saves is None else saves,
        "conflict": conflict,
        "items": [(item, item.key in wrong) for item in wording.item_words(draft.content)],
        "problems": rows,
        "kinds": [(kind.value, editor.KIND_LABELS[kind]) for kind in Kind],
    }
    return render(request, "surveys/questionnaires/edit.html", context, status=status)


@require(Permission.SURVEY_EDIT)
@require_http_methods(["GET", "POST"])
def questionnaire_item(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """One item of the draft. Buttons that add, move or remove rows draw the page anew and store nothing."""
    whole, draft = _draft(request, pk)
    if draft is None:
        return _no_draft(request, whole)
    items = editor.items_of(draft.content)
    place = next((place for place, item in enumerate(items) if item["key"] == key), None)
    if request.method == "GET":
        if place is None:
            raise Http404
        form = ItemEditor.of(items[place], items[:place])
        form.show(place, editor.problems({**draft.content, "items": items}))
        return _item_page(request, whole, draft, form, key, draft.saves)
    # an item that somebody removed meanwhile comes back at the end, with what was typed
    at = len(items) if place is None else place
    form = ItemEditor.read(request.POST, items[:at])
    if form.act(request.POST.get("do", "")):
        return _item_page(request, whole, draft, form, key, _saves(request), changed=True)
    if not form.valid() or not _key_is_free(form, items, at):
        return _item_page(request, whole, draft, form, key, _saves(request), status=422)
    item = form.item()
    if item["key"] != key:
        editor.rename(items, key, item["key"])
    items[at : at + 1] = [item]
    content = {**draft.content, "items": items}
    try:
        saved = writing.save_draft(version=draft, content=content, saves=_saves(request), by=acting(request))
    except writing.ConflictError as error:
        newest = whole.versions.drafts().first()
        if newest is None:
            return _no_draft(request, whole)
        return _item_page(request, whole, newest, form, key, newest.saves, conflict=str(error), status=409)
    found = [problem for problem in editor.problems(content) if problem[0].startswith(f"items.{at}.")]
    if found and request.POST.get("do") != "leave":
        form.show(at, found)
        messages.info(request, _("The draft is saved. Before it can be published, settle what is named here."))
        return _item_page(request, whole, saved, form, item["key"], saved.saves)
    messages.success(request, _("The draft is saved."))
    target = redirect("surveys:questionnaire_edit", pk=pk)
    target["Location"] += f"#item-{item['key']}"
    return target


def _key_is_free(form: ItemEditor, items: list[editor.Draft], at: int) -> bool:
    if not questionnaire.KEY.match(form.key):
        form.form.add_error("key", _("Small letters, digits and _ only, a letter first."))
    elif any(item["key"] == form.key for place, item in enumerate(items) if place != at):
        form.form.add_error("key", _("Another item has this key already."))
    else:
        return True
    return False


def _item_page(
    request: HttpRequest,
    whole: Questionnaire,
    draft: Version,
    form: ItemEditor,
    key: str,
    saves: int,
    *,
    changed: bool = False,
    conflict: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "whole": whole,
        "draft": draft,
        "editor": form.ready(_responsible(whole.district)),
        "key": key,
        "number": len(form.earlier) + 1,
        "saves": saves,
        "changed": changed,
        "conflict": conflict,
    }
    return render(request, "surveys/questionnaires/item.html", context, status=status)


@require(Permission.SURVEY_EDIT)
@require_POST
def questionnaire_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Freeze the draft."""
    whole, draft = _draft(request, pk)
    if draft is None:
        return _no_draft(request, whole)
    try:
        writing.publish(version=draft, saves=_saves(request), by=acting(request))
    except ContentError:
        messages.error(request, _("The draft does not hold together yet: settle what is named here."))
        return redirect("surveys:questionnaire_edit", pk=pk)
    except writing.ConflictError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Published. What it asks can no longer be changed; a round may ask it now."))
    return redirect("surveys:questionnaire_detail", pk=pk)


@require(Permission.SURVEY_EDIT)
@require_POST
def questionnaire_draft(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin the next version, or go on with the draft there is."""
    whole = get_object_or_404(_visible(request), pk=pk)
    newest = whole.versions.order_by("-number").first()
    if newest is None:
        raise Http404
    writing.new_draft(version=newest, by=acting(request))
    return redirect("surveys:questionnaire_edit", pk=pk)


@require(Permission.SURVEY_EDIT)
@require_POST
def questionnaire_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a questionnaire out of the choice for new rounds, or back (`reuse`)."""
    whole = get_object_or_404(_visible(request), pk=pk)
    try:
        writing.retire(whole=whole, is_retired="reuse" not in request.POST, by=acting(request))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("surveys:questionnaire_detail", pk=pk)


@require(Permission.SURVEY_VIEW)
@require_GET
def version_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """A version as a respondent sees it on a phone. Nothing is sent."""
    version = get_object_or_404(_versions(request), pk=pk)
    context: dict[str, Any] = {"version": version, "whole": version.questionnaire}
    try:
        content = questionnaire.to_json(version.parsed)
    except ContentError:
        context["problems"] = _problem_rows(version.content)
    else:
        about_you = about(chooses_place=False)
        context["data"] = {"content": content, "places": [], "texts": survey_texts(), "about": about_you}
    return render(request, "surveys/questionnaires/preview.html", context)


@require(Permission.SURVEY_VIEW)
@require_GET
def version_compare(request: HttpRequest, pk: int) -> HttpResponse:
    """What changed from an older version (?other=, else the one before) to this one."""
    version = get_object_or_404(_versions(request), pk=pk)
    others = list(version.questionnaire.versions.exclude(pk=version.pk))
    given = request.GET.get("other", "")
    other = next((one for one in others if str(one.number) == given), None)
    if other is None:
        other = next((one for one in others if one.number < version.number), others[0] if others else None)
    context: dict[str, Any] = {"version": version, "whole": version.questionnaire, "others": others, "other": other}
    if other is not None:
        old, new = sorted((other, version), key=lambda one: one.number)
        around, changes = wording.differences(old.content, new.content, _unit_names(version.questionnaire.district))
        context |= {"old": old, "new": new, "around": around, "changes": changes}
        context["is_same"] = not around and all(change.state == "same" for change in changes)
    return render(request, "surveys/questionnaires/compare.html", context)


@require(Permission.SURVEY_VIEW)
@require_GET
def version_xlsform(request: HttpRequest, pk: int) -> HttpResponse:
    """The version as an XLSForm workbook."""
    version = get_object_or_404(_versions(request), pk=pk)
    try:
        workbook = xlsform.write(version.parsed)
    except ContentError:
        messages.error(request, _("The draft does not hold together yet: settle what is named here."))
        return redirect("surveys:version_detail", pk=pk)
    except xlsform.XlsFormError as error:
        for fault in error.faults:
            messages.error(request, _("Item %(item)s: %(text)s") % {"item": fault.row, "text": fault.text})
        return redirect("surveys:version_detail", pk=pk)
    response = HttpResponse(workbook, content_type=xlsform.XLSX)
    filename = f"{version.questionnaire.name}-v{version.number}.xlsx"
    response["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
    return response

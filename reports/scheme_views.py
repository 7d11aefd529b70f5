"""Scoring schemes: list, editor, print view, comparing two, publishing, copying, trying one on past data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from outreach.access import Permission, acting, has_permission, require
from outreach.models import Campaign, Unit
from reports import gathering, scheme_words
from reports.actions import schemes as actions
from reports.models import Scheme
from reports.presets import PRESETS
from reports.scheme_choice import CompareForm, CopyForm, NewForm, TryForm
from reports.scheme_forms import SchemeEditor
from reports.schemes import DEPARTMENT, SchemeContent, SchemeError
from reports.scoring import score
from reports.trial import GroupMoves, moves

LEGAL = ("公安", "检察", "法院", "司法", "政法")  # in the names of the departments that 政法单位 means


def _visible(request: HttpRequest) -> QuerySet[Scheme]:
    return Scheme.objects.visible_to(request.user).select_related("campaign__district", "created_by", "published_by")


def _units(campaign: Campaign) -> list[Unit]:
    units = Unit.objects.filter(code__startswith=campaign.district.code).active()
    return list(units.exclude(kind=Unit.Kind.DISTRICT).order_by("sort_order", "code"))


@require(Permission.RANKING_VIEW)
@require_GET
def scheme_list(request: HttpRequest) -> HttpResponse:
    """All schemes the reader may see, by campaign."""
    schemes = list(_visible(request).order_by("-campaign__starts_on", "-campaign", "name", "-version"))
    context = {"schemes": schemes, "may_edit": has_permission(request.user, Permission.SCHEME_EDIT)}
    return render(request, "reports/schemes/list.html", context)


@require(Permission.SCHEME_EDIT)
@require_http_methods(["GET", "POST"])
def scheme_new(request: HttpRequest) -> HttpResponse:
    """Begin a scheme from one of those of the field."""
    form = NewForm(request.POST or None, user=acting(request))
    if request.method == "POST" and form.is_valid():
        campaign = form.cleaned_data["campaign"]
        legal = [
            unit.code
            for unit in _units(campaign)
            if unit.kind == DEPARTMENT and any(word in unit.name for word in LEGAL)
        ]
        content = PRESETS[form.cleaned_data["preset"]].build(legal)
        scheme = actions.create_scheme(
            campaign=campaign, name=form.cleaned_data["name"], content=content.to_json(), by=acting(request)
        )
        return redirect("reports:scheme_edit", pk=scheme.pk)
    context = {"form": form, "presets": PRESETS.values()}
    return render(request, "reports/schemes/new.html", context, status=422 if form.is_bound else 200)


@require(Permission.RANKING_VIEW)
@require_GET
def scheme_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The scheme in words (考核办法), made to be printed."""
    scheme = get_object_or_404(_visible(request), pk=pk)
    content = SchemeContent.from_json(scheme.content, draft=True)
    others = _visible(request).filter(campaign=scheme.campaign).exclude(pk=scheme.pk).order_by("name", "-version")
    context = {
        "scheme": scheme,
        "sheet": _sheet(content, _units(scheme.campaign)),
        "problems": [message for _path, message in content.problems()],
        "others": others,
        "may_edit": has_permission(request.user, Permission.SCHEME_EDIT),
    }
    return render(request, "reports/schemes/detail.html", context)


def _sheet(content: SchemeContent, units: Sequence[Unit]) -> dict[str, Any]:
    """What the print view shows, each line and item with its words."""
    names = {unit.code: unit.name for unit in units}
    groups = {group.key: group.name for group in content.groups}
    kinds = dict(Unit.Kind.choices)
    return {
        "groups": [
            {
                "name": group.name,
                "units": _("; ").join(names.get(code, code) for code in group.codes) or kinds[group.kind],
                "within": group.within_township,
            }
            for group in content.groups
        ],
        "parts": [
            {
                "part": part,
                "lines": [
                    {
                        "line": line,
                        "number": number,
                        "measure": scheme_words.measure_words(line),
                        "rules": scheme_words.rule_words(line),
                        "groups": [groups.get(key, key) for key in line.groups],
                    }
                    for number, line in enumerate(content.lines, 1)
                    if part is None or line.part == part.key
                ],
            }
            for part in (content.parts or (None,))
        ],
        "off": [
            {"line": line, "measure": scheme_words.measure_words(line), "rules": scheme_words.rule_words(line)}
            for line in content.lines
            if content.parts and not line.part
        ],
        "items": [
            {"item": item, "kind": scheme_words.kind_words(item), "rules": scheme_words.item_words(item)}
            for item in content.items
        ],
        "general": scheme_words.general_words(content, names),
        "basis": content.basis,
    }


@require(Permission.SCHEME_EDIT)
@require_http_methods(["GET", "POST"])
def scheme_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The editor. Buttons that add, move or remove rows draw the page anew with what was typed and store nothing."""
    scheme = get_object_or_404(_visible(request), pk=pk)
    if not scheme.is_draft:
        messages.info(request, _("What is published does not change. Copy it to a new version and change that."))
        return redirect("reports:scheme_detail", pk=pk)
    units = _units(scheme.campaign)
    if request.method == "GET":
        return _editor(request, scheme, SchemeEditor.of(scheme.name, scheme.content, units), scheme.edits)
    editor = SchemeEditor.read(request.POST, units)
    typed = request.POST.get("edits", "")
    edits = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else 0
    if editor.act(request.POST.get("do", "")) is not None:
        return _editor(request, scheme, editor, edits, changed=True)
    content = editor.content()
    if editor.has_field_errors:
        editor.problems.append(_("Some fields cannot be read. They are marked below."))
        return _editor(request, scheme, editor, edits, status=422)
    try:
        saved = actions.save_scheme(
            scheme=scheme,
            name=str(editor.general.cleaned_data["name"]),
            content=content,
            edits=edits,
            by=acting(request),
        )
    except actions.SchemeConflictError as error:
        editor.problems.append(
            _("Somebody else saved this draft meanwhile. Your text stands below; saving again replaces theirs.")
        )
        return _editor(request, scheme, editor, error.scheme.edits, status=409)
    except SchemeError as error:
        editor.show(error)
        return _editor(request, scheme, editor, edits, status=422)
    except ValidationError as error:
        editor.problems += error.messages
        return _editor(request, scheme, editor, edits, status=422)
    open_questions = SchemeContent.from_json(saved.content, draft=True).problems()
    if open_questions:
        editor.show(SchemeError(open_questions))
        messages.info(request, _("The draft is saved. Before it can be published, settle what is named here."))
        return _editor(request, saved, editor, saved.edits)
    messages.success(request, _("The draft is saved."))
    return redirect("reports:scheme_detail", pk=saved.pk)


def _editor(
    request: HttpRequest, scheme: Scheme, editor: SchemeEditor, edits: int, *, status: int = 200, changed: bool = False
) -> HttpResponse:
    context = {"scheme": scheme, "editor": editor.ready(), "edits": edits, "changed": changed}
    return render(request, "reports/schemes/edit.html", context, status=status)


@require(Permission.SCHEME_EDIT)
@require_POST
def scheme_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a draft in force."""
    scheme = get_object_or_404(_visible(request), pk=pk)
    try:
        actions.publish_scheme(scheme=scheme, by=acting(request))
    except SchemeError:
        messages.error(request, _("The scheme does not hold together yet; settle what is named here and publish then."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("The scheme is in force. What it says can no longer be changed."))
    return redirect("reports:scheme_detail", pk=pk)


@require(Permission.SCHEME_EDIT)
@require_POST
def scheme_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a scheme out of force."""
    scheme = get_object_or_404(_visible(request), pk=pk)
    try:
        actions.retire_scheme(scheme=scheme, by=acting(request))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("The scheme is out of force. Scores made by it stay."))
    return redirect("reports:scheme_detail", pk=pk)


@require(Permission.SCHEME_EDIT)
@require_POST
def scheme_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw a draft away."""
    scheme = get_object_or_404(_visible(request), pk=pk)
    try:
        actions.delete_draft(scheme=scheme, by=acting(request))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("reports:scheme_detail", pk=pk)
    messages.success(request, _("The draft is deleted."))
    return redirect("reports:schemes")


@require(Permission.SCHEME_EDIT)
@require_http_methods(["GET", "POST"])
def scheme_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Copy a scheme to its next version, or to another name or campaign."""
    scheme = get_object_or_404(_visible(request), pk=pk)
    initial = {"campaign": scheme.campaign_id, "name": scheme.name}
    form = CopyForm(request.POST or None, user=acting(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        copy = actions.create_scheme(
            campaign=form.cleaned_data["campaign"],
            name=form.cleaned_data["name"],
            content=scheme.content,
            by=acting(request),
        )
        return redirect("reports:scheme_edit", pk=copy.pk)
    context = {"form": form, "scheme": scheme}
    return render(request, "reports/schemes/copy.html", context, status=422 if form.is_bound else 200)


@require(Permission.RANKING_VIEW)
@require_GET
def scheme_compare(request: HttpRequest, pk: int) -> HttpResponse:
    """Two schemes in words, side by side, with what differs marked."""
    scheme = get_object_or_404(_visible(request), pk=pk)
    form = CompareForm(request.GET, schemes=_visible(request).exclude(pk=scheme.pk))
    other = form.cleaned_data["other"] if form.is_valid() else None
    rows = _differences(other, scheme) if other else []
    context = {
        "scheme": scheme,
        "other": other,
        "form": form,
        "rows": rows,
        "count": sum(row["differs"] for row in rows),
    }
    return render(request, "reports/schemes/compare.html", context)


def _differences(before: Scheme, after: Scheme) -> list[dict[str, Any]]:
    old, new = (_said(SchemeContent.from_json(each.content, draft=True), each) for each in (before, after))
    return [
        {"what": (new.get(key) or old[key])[0], "before": was, "after": now, "differs": was != now}
        for key in dict.fromkeys([*new, *old])
        for was, now in [(old.get(key, ("", []))[1], new.get(key, ("", []))[1])]
    ]


def _said(content: SchemeContent, scheme: Scheme) -> dict[str, tuple[str, list[str]]]:
    """Key → (what it is about, sentences), of everything a scheme says."""
    sheet = _sheet(content, _units(scheme.campaign))
    names = {group.key: group.name for group in content.groups}
    said: dict[str, tuple[str, list[str]]] = {}
    said["groups"] = (_("Groups ranked apart"), [f"{group['name']}: {group['units']}" for group in sheet["groups"]])
    if content.parts:
        said["parts"] = (_("Parts"), [f"{part.name} {part.weight.normalize():f} %" for part in content.parts])
    for line in content.lines:
        marks = _("%(marks)s marks") % {"marks": f"{line.weight.normalize():f}"}
        of = _("; ").join(names.get(key, key) for key in line.groups)
        only = [_("Only for: %(groups)s") % {"groups": of}] if line.groups else []
        rules = [line.label, marks, scheme_words.measure_words(line), *scheme_words.rule_words(line), *only]
        said[f"line:{line.key}"] = (line.label, rules)
    for item in content.items:
        said[f"item:{item.key}"] = (item.label, [scheme_words.kind_words(item), *scheme_words.item_words(item)])
    said["general"] = (_("General rules"), sheet["general"])
    said["basis"] = (_("Basis and remarks"), [content.basis] if content.basis else [])
    return said


@require(Permission.SCHEME_EDIT)
@require_GET
def scheme_try(request: HttpRequest, pk: int) -> HttpResponse:
    """What a scheme would give on days that are past, beside another one: who would move, and why. Stores nothing."""
    scheme = get_object_or_404(_visible(request), pk=pk)
    campaigns = Campaign.objects.visible_to(request.user).exclude(state=Campaign.State.DRAFT)
    schemes = _visible(request).exclude(pk=scheme.pk)
    form = TryForm(request.GET, scheme=scheme, campaigns=campaigns, schemes=schemes, today=timezone.localdate())
    context: dict[str, Any] = {"scheme": scheme, "form": form, "groups": None, "problems": []}
    try:
        content = scheme.read_content()
    except SchemeError as error:
        context["problems"] = [message for _path, message in error.problems]
    else:
        if form.is_valid():
            context |= _trial(content, form)
    bad = bool(request.GET) and not form.is_valid()
    return render(request, "reports/schemes/try.html", context, status=422 if bad else 200)


def _trial(content: SchemeContent, form: TryForm) -> dict[str, Any]:
    asked = form.asked()
    campaign, other, period = asked["campaign"], asked["other"], asked["period"]
    after = score(content, gathering.gather(campaign, content, **period))
    before = None
    if other is not None:
        try:
            old = other.read_content()
        except SchemeError:
            other = None
        else:
            before = score(old, gathering.gather(campaign, old, **period))
    groups: tuple[GroupMoves, ...] = moves(before, after)
    shown = [move for group in groups for move in group.units]
    return {
        "groups": groups,
        "other": other,
        "campaign": campaign,
        "period": period,
        "moving": sum(bool(move.places) for move in shown),
        "count": len(shown),
    }

"""Drawing a round's sample: from the roster or a list, tried first, drawn once. Nobody is shown who was drawn."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from households.roster.read import UnusableFile, open_workbook
from outreach.access import Permission, acting, require
from outreach.models import Unit
from surveys import sample_lists
from surveys.actions import drawing
from surveys.draw_forms import DrawForm, ListForm
from surveys.models import Draw, Round, SampleList
from surveys.sampling import SamplingError

SHOWN_FAULTS = 50


def _round(request: HttpRequest, pk: int) -> Round:
    return get_object_or_404(
        Round.objects.visible_to(acting(request)).select_related("district", "version__questionnaire"), pk=pk
    )


@require(Permission.SURVEY_EDIT)
@require_http_methods(["GET", "POST"])
def round_draw(request: HttpRequest, pk: int) -> HttpResponse:
    """The sample drawn for a round; or the form to draw it. A post without `draw` only tries and counts."""
    survey_round = _round(request, pk)
    draw = Draw.objects.filter(round=survey_round).select_related("drawn_by").first()
    if draw is not None:
        if request.method == "POST":
            messages.warning(request, _("A sample has been drawn for this round already: it is drawn once."))
            return redirect("surveys:round_draw", pk=pk)
        return render(request, "surveys/draw.html", {"round": survey_round, "draw": draw, **_drawn(draw)})
    if request.method == "GET":
        return _render_form(request, survey_round, DrawForm(survey_round=survey_round))
    form = DrawForm(request.POST, survey_round=survey_round)
    if not form.is_valid():
        return _render_form(request, survey_round, form, status=422)
    if "draw" not in request.POST:
        return _render_form(request, survey_round, form, trial=_trial(survey_round, form.wanted()))
    try:
        drawing.draw_sample(
            survey_round=survey_round, wanted=form.wanted(), by=acting(request), seed=form.cleaned_data["seed"]
        )
    except ValidationError as error:
        form.add_error(None, error)
        return _render_form(request, survey_round, form, status=422)
    messages.success(request, _("The sample is drawn and kept."))
    return redirect("surveys:round_draw", pk=pk)


def _render_form(
    request: HttpRequest,
    survey_round: Round,
    form: DrawForm,
    *,
    list_form: ListForm | None = None,
    trial: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    sample_list = SampleList.objects.filter(round=survey_round).defer("sealed").first()
    context = {
        "round": survey_round,
        "form": form,
        "list_form": list_form or ListForm(),
        "list": sample_list,
        "faults": sample_list.faults[:SHOWN_FAULTS] if sample_list else [],
        "trial": trial,
    }
    return render(request, "surveys/draw_form.html", context, status=status)


def _trial(survey_round: Round, wanted: drawing.Wanted) -> dict[str, Any]:
    """Count what would be drawn from and how many of each township, with a seed that is thrown away."""
    frame = drawing.frame_of(survey_round, wanted)
    try:
        sample = drawing.draw_from(frame.entries, wanted.method, wanted.as_json(), "trial")
    except SamplingError:
        sample = []
    drawn = Counter(one.entry.stratum for one in sample)
    return {
        "is_possible": bool(sample),
        "frame": len(frame.entries),
        "drawn": len(sample),
        "rows": _by_township(frame.by_stratum(), drawn),
    }


def _drawn(draw: Draw) -> dict[str, Any]:
    """How many were drawn in each township: never which villages or households."""
    counts: Counter[str] = Counter(draw.drawn.values_list("stratum", flat=True))
    return {"rows": _by_township(dict(counts), counts), "drawn": counts.total()}


def _by_township(frame: dict[str, int], drawn: Counter[str]) -> list[dict[str, Any]]:
    names = dict(Unit.objects.filter(code__in=frame).values_list("code", "name"))
    return [
        {"name": names.get(code, code), "frame": frame[code], "drawn": drawn.get(code, 0)} for code in sorted(frame)
    ]


@require(Permission.SURVEY_EDIT)
@require_POST
def round_sample_list(request: HttpRequest, pk: int) -> HttpResponse:
    """Upload a list to draw from: it is read and checked, sealed, and says what is wrong row by row."""
    survey_round = _round(request, pk)
    form = ListForm(request.POST, request.FILES)
    empty = DrawForm(survey_round=survey_round, initial={"source": Draw.Source.LIST})
    if not form.is_valid():
        return _render_form(request, survey_round, empty, list_form=form, status=422)
    upload = form.cleaned_data["file"]
    try:
        found = _read(upload, survey_round)
        drawing.keep_list(
            survey_round=survey_round,
            filename=upload.name,
            rows=found.rows,
            faults=found.faults,
            by=acting(request),
        )
    except UnusableFile as unusable:
        form.add_error("file", unusable.message)
        return _render_form(request, survey_round, empty, list_form=form, status=422)
    except ValidationError as error:
        form.add_error("file", error.messages)
        return _render_form(request, survey_round, empty, list_form=form, status=422)
    messages.success(
        request,
        _("%(rows)d rows can be drawn from, %(faults)d cannot be used.")
        % {"rows": len(found.rows), "faults": len(found.faults)},
    )
    return redirect("surveys:round_draw", pk=pk)


def _read(upload: Any, survey_round: Round) -> sample_lists.ListRead:
    units = Unit.objects.filter(
        code__startswith=survey_round.district.code, kind__in=[Unit.Kind.TOWNSHIP, Unit.Kind.VILLAGE], is_active=True
    )
    with tempfile.NamedTemporaryFile(suffix=Path(upload.name).suffix[:6]) as file:
        for chunk in upload.chunks():
            file.write(chunk)
        file.flush()
        with open_workbook(Path(file.name), upload.name) as book:
            for sheet in book:
                if not sheet.hidden:
                    return sample_lists.read(sheet.rows, units)
    raise UnusableFile("empty")

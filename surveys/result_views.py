"""Results of a round: its items, breakdowns by unit, week, channel, sex and age, the trend; and as files."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET, require_POST

from outreach.access import Permission, acting, has_permission, post_of, require
from outreach.charts import Chart, Series
from outreach.models import Unit
from surveys import result_files, results
from surveys.models import Axis, Round
from surveys.results import Figure, Line, Measure
from surveys.tallying import FLAG

BY_UNIT = "unit"
MOST_ROUNDS = 30


def _load(request: HttpRequest, pk: int) -> Round:
    rows = Round.objects.visible_to(request.user).select_related("version__questionnaire", "district")
    return get_object_or_404(rows, pk=pk)


def places_of(request: HttpRequest, district: Unit) -> list[Unit]:
    """Return the district and its townships, as far as one sees them; a township's post sees its township alone."""
    post = post_of(request.user)
    assert post is not None
    rows = Unit.objects.filter(kind=Unit.Kind.TOWNSHIP, code__startswith=district.code).order_by("sort_order", "code")
    if post.unit.kind in (Unit.Kind.TOWNSHIP, Unit.Kind.VILLAGE):
        return list(rows.filter(code=post.unit.code[:9]))
    return [district, *rows]


def _place(request: HttpRequest, district: Unit) -> tuple[Unit, list[Unit]]:
    """Return the place asked for among those one sees; the first where none is, or an unknown one."""
    places = places_of(request, district)
    wanted = request.GET.get("unit") or request.POST.get("unit") or ""
    return next((place for place in places if place.code == wanted), places[0] if places else district), places


def _context(request: HttpRequest, survey_round: Round, here: str) -> dict[str, Any]:
    place, places = _place(request, survey_round.district)
    asked = urlencode({"unit": place.code})
    pages = (
        ("overview", _("Items"), "surveys:result_overview"),
        ("breakdown", _("Compare"), "surveys:result_breakdown"),
        ("trend", _("Trend"), "surveys:result_trend"),
    )
    return {
        "round": survey_round,
        "place": place,
        "places": places,
        "tabs": [
            {"label": label, "url": f"{reverse(name, args=[survey_round.pk])}?{asked}", "current": key == here}
            for key, label, name in pages
        ],
        "may_export": has_permission(request.user, Permission.SURVEY_EXPORT),
        "least": results.suppression.MINIMUM,
        "known": results.measures(survey_round.version.parsed),
    }


def interval(figure: Figure) -> str:
    """Return an interval as it is written."""
    return "" if figure.low is None else f"{figure.low}–{figure.high}"


@require(Permission.SURVEY_VIEW)
@require_GET
def result_overview(request: HttpRequest, pk: int) -> HttpResponse:
    """Every item of a round: its answers, n and interval; the score and its dimensions."""
    survey_round = _load(request, pk)
    context = _context(request, survey_round, "overview")
    counts = results.read(survey_round, place=context["place"])
    scores = [
        (measure, counts.figure(measure)) for measure in context["known"].values() if measure.item == results.SCORE
    ]
    items = counts.distributions(survey_round.version.parsed)
    chart = None
    if len(scores) > 1:
        chart = _chart(
            _("Score by dimension"), _("Dimension"), [(m.label, figure) for m, figure in scores], scores[0][0]
        )
    context |= {
        "respondents": counts.respondents,
        "scores": scores,
        "chart": chart,
        "items": items,
        "flags": [(one, counts.figure(one)) for one in context["known"].values() if one.item == FLAG],
    }
    return render(request, "surveys/results/overview.html", context)


def _chart(
    title: str, label_name: str, lines: list[tuple[str, Figure]], measure: Measure, *, kind: str = "bar"
) -> Chart:
    figures = [figure for _label, figure in lines]
    series = [
        Series(measure.label, [figure.value for figure in figures], tone="accent"),
        Series(_("from (95 %)"), [figure.low for figure in figures], kind="table"),
        Series(_("to (95 %)"), [figure.high for figure in figures], kind="table"),
        Series(pgettext("survey", "Answers"), [figure.n or None for figure in figures], kind="table", unit=_("people")),
    ]
    labels = [label for label, _figure in lines]
    return Chart(title, labels, series, kind=kind, unit=measure.unit, label_name=label_name, lying=kind == "bar")


def _measure(request: HttpRequest, known: dict[str, Measure]) -> Measure | None:
    """Return the measure asked for; the first where none is, or an unknown one."""
    return known.get(request.GET.get("measure", "")) or next(iter(known.values()), None)


def axes() -> dict[str, str]:
    """Return what a measure can be broken down by."""
    return {
        BY_UNIT: _("unit"),
        Axis.WEEK.value: _("week"),
        Axis.CHANNEL.value: _("channel"),
        Axis.SEX.value: _("sex"),
        Axis.AGE.value: _("age band"),
    }


@require(Permission.SURVEY_VIEW)
@require_GET
def result_breakdown(request: HttpRequest, pk: int) -> HttpResponse:
    """One measure by unit, week, channel, sex or age band."""
    survey_round = _load(request, pk)
    context = _context(request, survey_round, "breakdown")
    measure, place = _measure(request, context["known"]), context["place"]
    by = request.GET.get("by", BY_UNIT)
    by = by if by in axes() else BY_UNIT
    context |= {"measure": measure, "by": by, "axes": axes(), "lines": [], "is_by_unit": by == BY_UNIT}
    if measure is not None:
        counts, lines = breakdown(survey_round, place, measure, by)
        shown = [(line.name, line.figure) for line in lines if not line.figure.is_hidden]
        context |= {
            "lines": lines,
            "whole": counts.figure(measure),
            "hidden": sum(line.figure.is_hidden for line in lines),
            "has_ranks": any(line.ranks for line in lines),
            "chart": _chart(measure.label, axes()[by], shown, measure, kind="line" if by == Axis.WEEK.value else "bar"),
        }
    return render(request, "surveys/results/breakdown.html", context)


def breakdown(survey_round: Round, place: Unit, measure: Measure, by: str) -> tuple[results.Counts, list[Line]]:
    """Return a measure's counts and lines by `by`, of the page's place."""
    counts = results.read(survey_round, place=place, axis=Axis.ALL if by == BY_UNIT else by, measure=measure)
    if by != BY_UNIT:
        return counts, counts.by_part(measure)
    below = Unit.objects.filter(
        code__startswith=place.code,
        kind=Unit.Kind.TOWNSHIP if place.kind == Unit.Kind.DISTRICT else Unit.Kind.VILLAGE,
    ).order_by("sort_order", "code")
    return counts, counts.by_unit(measure, dict(below.values_list("code", "name")))


@require(Permission.SURVEY_VIEW)
@require_GET
def result_trend(request: HttpRequest, pk: int) -> HttpResponse:
    """One measure in all rounds of the questionnaire, whatever the version."""
    survey_round = _load(request, pk)
    context = _context(request, survey_round, "trend")
    measure = _measure(request, context["known"])
    context["measure"] = measure
    if measure is not None:
        rounds = Round.objects.visible_to(request.user).filter(
            version__questionnaire=survey_round.version.questionnaire
        )
        points = results.trend(
            list(rounds.exclude(state=Round.State.DRAFT).select_related("version")[:MOST_ROUNDS]),
            measure.key,
            context["place"],
        )
        shown = [(point.round.name, point.figure) for point in points if not point.figure.is_hidden]
        context |= {
            "points": points,
            "chart": _chart(measure.label, _("round"), shown, measure, kind="line") if shown else None,
        }
    return render(request, "surveys/results/trend.html", context)


@require(Permission.SURVEY_EXPORT)
@require_POST
def result_workbook(request: HttpRequest, pk: int) -> HttpResponse:
    """The results as .xlsx. A POST, because the export is written to the audit trail."""
    return _file(request, pk, "xlsx")


@require(Permission.SURVEY_EXPORT)
@require_POST
def result_paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The results as a draft of a paper, .docx."""
    return _file(request, pk, "docx")


def _file(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    survey_round = _load(request, pk)
    place, _places = _place(request, survey_round.district)
    export = result_files.export_workbook if kind == "xlsx" else result_files.export_paper
    content, content_type = export(survey_round=survey_round, place=place, by=acting(request))
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="survey-{survey_round.pk}.{kind}"'
    return response


@require(Permission.SURVEY_EXPORT)
@require_POST
def response_export(request: HttpRequest, pk: int) -> HttpResponse:
    """The answers one by one as .csv, in an order of chance, without what could single a person out."""
    survey_round = _load(request, pk)
    place, _places = _place(request, survey_round.district)
    rows = result_files.export_responses(survey_round=survey_round, place=place, by=acting(request))
    response = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="answers-{survey_round.pk}.csv"'
    return cast("HttpResponse", response)  # the types know no base of the two

"""Frozen scores: the ranking, a unit's score line by line, what moved it, the rows behind a line, the workbook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import content_disposition_header, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_GET, require_POST

from issues.models import Issue
from outreach.access import Permission, acting, demand, has_permission, permissions_of, require
from outreach.models import Unit
from reports import readings, score_exports, scores
from reports.actions import appeals, snapshots
from reports.models import Appeal, PastScore, Snapshot
from reports.models.snapshots import KEEPERS
from reports.schemes import DOWN, RATE, Line, SchemeContent, text_of
from reports.scoring import GroupScore, LineScore, UnitScore
from reports.views import MAX_COUNTED, PAGE_ROWS
from visits.models import Assignment

PART_NAMES: dict[str, str | Promise] = {
    "numerator": gettext_lazy("Counted for the unit"),
    "denominator": gettext_lazy("All that are judged"),
    "missed": gettext_lazy("Missed"),
}


@require(Permission.RANKING_VIEW)
@require_GET
def score_home(request: HttpRequest) -> HttpResponse:
    """Lead to the newest scores in force; where there are none, to the newest draft one may see; else say so."""
    visible = Snapshot.objects.visible_to(request.user).light()
    newest = visible.published().first() or visible.standing().first()
    if newest is not None:
        return redirect("reports:scores", pk=newest.pk)
    may_make = has_permission(request.user, Permission.SNAPSHOT_MAKE)
    return render(request, "reports/scores/none.html", {"may_make": may_make})


def _load(request: HttpRequest, pk: int) -> Snapshot:
    rows = Snapshot.objects.visible_to(request.user).select_related("campaign__district", "scheme")
    return get_object_or_404(rows.with_replaced().defer("inputs"), pk=pk)


def _chosen_group(request: HttpRequest, snapshot: Snapshot, key: str) -> GroupScore:
    """The ranking asked for, else the reader's own, else the first."""
    names = [name for name, _label in snapshot.groups()]
    post = request.user.post if request.user.is_authenticated else None
    own = snapshot.group_of(post.unit.code) if post and not key else None
    found = own or snapshot.group(key if key in names else names[0] if names else "")
    return found or GroupScore("", "", ())


def _comparable(snapshot: Snapshot, request: HttpRequest) -> list[Snapshot]:
    """Snapshots to choose from: in force or drafts in sight, of the same campaign and scheme, newest first."""
    rows = Snapshot.objects.visible_to(request.user).light()
    return list(rows.filter(campaign=snapshot.campaign, scheme__name=snapshot.scheme.name)[:60])


@require(Permission.RANKING_VIEW)
@require_GET
def scores_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The ranking of one group by frozen scores."""
    snapshot = _load(request, pk)
    asked = request.GET.get("group", "")
    group = _chosen_group(request, snapshot, asked)
    shown = _board(request, snapshot, group)
    kept = urlencode({"group": group.key})
    everything = _comparable(snapshot, request)
    context = {
        **shown,
        "snapshot": snapshot,
        "group": group,
        "tabs": [
            {"url": f"?{urlencode({'group': key})}", "label": name, "current": key == group.key}
            for key, name in snapshot.groups()
        ],
        "others": [
            {
                "url": f"{reverse('reports:scores', args=[each.pk])}?{kept}",
                "row": each,
                "current": each.pk == snapshot.pk,
            }
            for each in everything
        ],
        "may_export": has_permission(request.user, Permission.RANKING_EXPORT),
        "may_open": bool(permissions_of(request.user) & KEEPERS),
    }
    return render(request, "reports/scores/ranking.html", context)


def _board(request: HttpRequest, snapshot: Snapshot, group: GroupScore) -> dict[str, Any]:
    visible = Snapshot.objects.visible_to(request.user)
    before = scores.previous(snapshot, visible)
    year = scores.year_before(snapshot, visible)
    codes = [unit.code for unit in group.units]
    year_group = year.group(group.key) if year else None
    totals = {code: row.score for code, row in scores.past_scores(codes, snapshot).items() if row.score is not None}
    if year_group:
        totals |= {unit.code: unit.total for unit in year_group.units if unit.total is not None}
    frozen = (
        Snapshot.objects.filter(pk=snapshot.pk)
        .values_list("inputs__counts", "inputs__campaign", "inputs__scheme")
        .get()
    )
    scheme = SchemeContent.from_json(frozen[2])
    yellow = scores.cards(snapshot, scheme, group.key, visible)
    elapsed = scores.elapsed_share(*_campaign_days(frozen[1]), snapshot.last)
    rows = scores.standings(
        group,
        before=before.group(group.key) if before else None,
        year=totals,
        counts=frozen[0],
        elapsed=elapsed,
        yellow=yellow,
    )
    return {
        "rows": rows,
        "columns": scores.columns_of(group),
        "before": before,
        "year": year,
        "elapsed": elapsed,
        "has_year": bool(totals),
        "named": _named(rows) if scheme.lists or scheme.yellow else [],
    }


def _named(rows: list[scores.Standing]) -> list[dict[str, Any]]:
    """The lists a scheme has, each with its units in order of rank."""

    def names(chosen: Callable[[scores.Standing], bool]) -> str:
        return _(", ").join(row.unit.name for row in rows if chosen(row))

    return [
        {"label": _("red list"), "names": names(lambda row: row.unit.mark == "red")},
        {"label": _("yellow card"), "names": names(lambda row: row.low_periods > 0)},
        {"label": _("black list"), "names": names(lambda row: row.unit.mark == "black")},
    ]


def _campaign_days(frozen: dict[str, str]) -> tuple[date, date]:
    return date.fromisoformat(frozen["starts_on"]), date.fromisoformat(frozen["ends_on"])


@require(Permission.RANKING_EXPORT)
@require_POST
def score_export(request: HttpRequest, pk: int) -> HttpResponse:
    """The ranking as shown, as .xlsx. A POST, because the export is written to the audit trail."""
    snapshot = _load(request, pk)
    group = _chosen_group(request, snapshot, request.POST.get("group", ""))
    shown = _board(request, snapshot, group)
    content = score_exports.export(
        snapshot=snapshot, group=group, rows=shown["rows"], before=shown["before"], by=acting(request)
    )
    name = f"{score_exports.title_of(snapshot, group)} {snapshot.last:%Y-%m-%d}.xlsx".replace(":", "")
    response = HttpResponse(content, content_type=score_exports.CONTENT_TYPE)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or ""
    return response


# ---- one unit


@dataclass(frozen=True)
class Part:
    """A link to the rows behind a line."""

    label: str | Promise
    url: str


@dataclass(frozen=True)
class LineRow:
    """A line of a unit's score with everything around it."""

    line: LineScore
    rule: Line | None  # what the scheme says of it; None for items and what the program works out
    before: LineScore | None
    year: LineScore | None
    parts: list[Part]
    appeal: Appeal | None
    appeal_url: str

    @property
    def label(self) -> str:
        """What it is called: the scheme's words, or the program's in the reader's language."""
        return scores.label_of(self.line)

    @property
    def is_rate(self) -> bool:
        """Is its reading a proportion in percent?"""
        return self.rule is not None and self.rule.measure == RATE

    @property
    def better(self) -> str:
        """Which way of the reading is good."""
        return "down" if self.rule is not None and self.rule.direction == DOWN else "up"

    @property
    def change_unit(self) -> str:
        """What a change of the reading is counted in."""
        return pgettext("delta", " percentage points") if self.is_rate else ""

    @property
    def value_text(self) -> str:
        """The reading as it is shown."""
        reading = self.line.reading
        if reading is None or reading.value is None:
            return "—"
        return f"{reading.value:.2f}%" if self.is_rate else text_of(reading.value)

    @property
    def parts_text(self) -> str:
        """What the reading was taken of: 34/40."""
        reading = self.line.reading
        return f"{text_of(Decimal(reading.numerator))}/{text_of(Decimal(reading.denominator))}" if reading else ""

    @property
    def change(self) -> Decimal | None:
        """Marks won or lost since the snapshot before."""
        if self.before is None or self.before.marks is None or self.line.marks is None:
            return None
        return self.line.marks - self.before.marks

    @property
    def value_change(self) -> Decimal | None:
        """The value's change since the snapshot before, in percentage points for a rate."""
        return _value_difference(self.line, self.before)

    @property
    def year_change(self) -> Decimal | None:
        """The value's change in a year."""
        return _value_difference(self.line, self.year)

    @property
    def is_few(self) -> bool:
        """Are there so few cases that the interval says more than the value?"""
        return self.line.reading is not None and 0 < self.line.reading.denominator < 200


def _value_difference(now: LineScore, was: LineScore | None) -> Decimal | None:
    if was is None or now.reading is None or was.reading is None:
        return None
    if now.reading.value is None or was.reading.value is None:
        return None
    return now.reading.value - was.reading.value


def _unit_of(snapshot: Snapshot, code: str) -> tuple[Unit, GroupScore, UnitScore]:
    unit = get_object_or_404(Unit, code=code, code__startswith=snapshot.campaign.district.code)
    group = snapshot.group_of(code)
    if group is None:
        raise Http404(code)
    return unit, group, next(each for each in group.units if each.code == code)


def _score_in(snapshot: Snapshot | None, code: str) -> UnitScore | None:
    group = snapshot.group_of(code) if snapshot else None
    return next((each for each in group.units if each.code == code), None) if group else None


@require(Permission.RANKING_VIEW)
@require_GET
def score_unit(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    """A unit's score: each line with its arithmetic, its change, its rows, and the way to appeal."""
    snapshot = _load(request, pk)
    unit, group, scored = _unit_of(snapshot, code)
    visible = Snapshot.objects.visible_to(request.user)
    before = scores.previous(snapshot, visible)
    year = scores.year_before(snapshot, visible)
    against = _against(request, snapshot, before)
    was, year_score = _score_in(before, code), _score_in(year, code)
    lines_of_scheme = {line.key: line for line in _frozen_scheme(snapshot).lines}
    filed = {row.line: row for row in Appeal.objects.visible_to(request.user).filter(snapshot=snapshot, unit=unit)}
    may_file = appeals.may_file(acting(request), unit) and snapshot.takes_appeals(timezone.localdate())
    rows = [
        LineRow(
            line=line,
            rule=lines_of_scheme.get(line.key),
            before=was.line(line.key) if was else None,
            year=year_score.line(line.key) if year_score else None,
            parts=_parts(snapshot, code, lines_of_scheme.get(line.key), line),
            appeal=filed.get(line.key),
            appeal_url=reverse("reports:appeal_new", args=[snapshot.pk, code, line.key])
            if may_file and line.key not in filed and line.kind not in ("appeal", "limit", "difficulty")
            else "",
        )
        for line in scored.lines
    ]
    against_score = _score_in(against, code)
    past = list(PastScore.objects.filter(unit=unit).order_by("year", "month"))
    in_force = visible.published().defer("inputs").filter(scheme__name=snapshot.scheme.name)
    points = scores.trend(code, list(in_force.filter(campaign=snapshot.campaign).order_by("-last")[:12]), past)
    total_year = year_score.total if year_score else None
    if total_year is None and (past_row := scores.past_scores([code], snapshot).get(code)):
        total_year = past_row.score
    context = {
        "snapshot": snapshot,
        "unit": unit,
        "group": group,
        "score": scored,
        "total_text": "—" if scored.total is None else f"{scored.total:.2f}",
        "rows": rows,
        "before": before,
        "moved": was.rank - scored.rank if was and was.rank is not None and scored.rank is not None else None,
        "was": was,
        "change": scored.total - was.total if was and was.total is not None and scored.total is not None else None,
        "year_text": "—" if total_year is None else f"{total_year:.2f}",
        "year_change": scored.total - total_year if total_year is not None and scored.total is not None else None,
        "against": against,
        "against_score": against_score,
        "choices": [each for each in _comparable(snapshot, request) if each.pk != snapshot.pk],
        "waterfall": _waterfall(against, snapshot, against_score, scored),
        "moves": [step for step in scores.moves(against_score, scored) if step.delta] if against_score else [],
        "passed": [
            _(", ").join(names)
            for names in (scores.overtakers(against.group(group.key) or group, group, code) if against else ())
        ]
        or ["", ""],
        "trend": points,
        "trend_chart": scores.trend_chart(points),
        "overdue": _overdue(request, snapshot, code),
        "counts": Snapshot.objects.filter(pk=snapshot.pk).values_list(f"inputs__counts__{code}", flat=True).get() or {},
        "group_url": f"{reverse('reports:scores', args=[snapshot.pk])}?{urlencode({'group': group.key})}",
    }
    return render(request, "reports/scores/unit.html", context)


def _against(request: HttpRequest, snapshot: Snapshot, before: Snapshot | None) -> Snapshot | None:
    """The snapshot asked for by ?against=, else the one before."""
    asked = request.GET.get("against", "")
    if asked.isdecimal() and len(asked) <= 18:
        rows = Snapshot.objects.visible_to(request.user).filter(
            campaign=snapshot.campaign, scheme__name=snapshot.scheme.name
        )
        return rows.defer("inputs").exclude(pk=snapshot.pk).filter(pk=asked).first() or before
    return before


def _waterfall(against: Snapshot | None, snapshot: Snapshot, was: UnitScore | None, now: UnitScore) -> Any:
    if against is None or was is None:
        return None
    first, last = (
        (f"{against.last:%Y-%m-%d}", f"{snapshot.last:%Y-%m-%d}")
        if against.last != snapshot.last
        else (_("revision %(number)d") % {"number": each.revision} for each in (against, snapshot))
    )
    return scores.waterfall(was, now, first=first, last=last)


def _frozen_scheme(snapshot: Snapshot) -> SchemeContent:
    frozen = Snapshot.objects.filter(pk=snapshot.pk).values_list("inputs__scheme", flat=True).get()
    return SchemeContent.from_json(frozen)


def _parts(snapshot: Snapshot, code: str, rule: Line | None, line: LineScore) -> list[Part]:
    if rule is None or line.reading is None or rule.indicator not in readings.PARTS:
        return []
    return [
        Part(PART_NAMES[part], reverse("reports:score_rows", args=[snapshot.pk, code, line.key, part]))
        for part in readings.PARTS[rule.indicator]
        if part in PART_NAMES
    ]


def _overdue(request: HttpRequest, snapshot: Snapshot, code: str) -> list[dict[str, str]]:
    """The issues the unit held late as they were frozen; those the reader may open lead to them."""
    frozen = Snapshot.objects.filter(pk=snapshot.pk).values_list(f"inputs__overdue__{code}", flat=True).get() or []
    known: dict[str, int] = {}
    if has_permission(request.user, Permission.ISSUE_VIEW):
        rows = Issue.objects.visible_to(request.user).filter(number__in=frozen[:200])
        known = dict(rows.values_list("number", "pk"))
    return [
        {"number": number, "url": reverse("issues:detail", args=[known[number]]) if number in known else ""}
        for number in frozen[:200]
    ]


# ---- the rows behind a line


@dataclass(frozen=True)
class RowsHead:
    """What the rows are called, as the templates of rows read it."""

    label: str


@require(Permission.RANKING_VIEW)
@require_GET
def score_rows(request: HttpRequest, pk: int, code: str, line: str, part: str) -> HttpResponse:
    """The rows behind a line as they are now, as far as the reader's own reach goes."""
    snapshot = _load(request, pk)
    unit, _group, scored = _unit_of(snapshot, code)
    rule = next((each for each in _frozen_scheme(snapshot).lines if each.key == line), None)
    if rule is None or part not in readings.PARTS.get(rule.indicator, {}) or part not in PART_NAMES:
        raise Http404(line)
    frozen = Snapshot.objects.filter(pk=snapshot.pk).values_list("inputs__today", "inputs__campaign").get()
    every = readings.rows(
        rule.indicator,
        part,
        campaign=snapshot.campaign,
        unit=unit,
        first=snapshots.counted_since(snapshot.first, _campaign_days(frozen[1])[0]),
        last=snapshot.last,
        today=date.fromisoformat(frozen[0]),
    )
    return _rows_page(request, snapshot, unit, scored.line(line), rule, part, every)


def _rows_page(
    request: HttpRequest,
    snapshot: Snapshot,
    unit: Unit,
    scored: LineScore | None,
    rule: Line,
    part: str,
    every: QuerySet[Any],
) -> HttpResponse:
    is_households = every.model is Assignment
    demand(request.user, Permission.HOUSEHOLD_VIEW if is_households else Permission.ISSUE_VIEW)
    seen = every.visible_to(request.user)  # type: ignore[attr-defined]
    total, visible = (rows.order_by()[: MAX_COUNTED + 1].count() for rows in (every, seen))
    asked = request.GET.get("after", "")
    after = int(asked) if asked.isdecimal() and len(asked) <= 18 else None
    related = ("household__village", "visitor") if is_households else ("place", "unit", "category")
    page = seen.select_related(*related).order_by("household_id" if is_households else "-pk")
    if after is not None:
        page = page.filter(household_id__gt=after) if is_households else page.filter(pk__lt=after)
    rows = list(page[: PAGE_ROWS + 1])
    key: Callable[[Any], int] = (lambda row: row.household_id) if is_households else (lambda row: row.pk)
    context = {
        "snapshot": snapshot,
        "campaign": snapshot.campaign,
        "unit": unit,
        "line": scored,
        "figure": RowsHead(f"{rule.label} · {PART_NAMES[part]}"),
        "rows": rows[:PAGE_ROWS],
        "total": total,
        "is_capped": total > MAX_COUNTED,
        "max_counted": MAX_COUNTED,
        "hidden": total - visible,
        "outside": "",
        "is_households": is_households,
        "tabs": [
            {"url": f"../{each}/", "label": PART_NAMES[each], "current": each == part}
            for each in readings.PARTS[rule.indicator]
            if each in PART_NAMES
        ],
        "first_url": "?",
        "next_url": f"?after={key(rows[PAGE_ROWS - 1])}" if len(rows) > PAGE_ROWS else "",
        "is_first": after is None,
        "today": timezone.localdate(),
        "ranking_url": reverse("reports:scores", args=[snapshot.pk]),
        "unit_url": reverse("reports:score_unit", args=[snapshot.pk, unit.code]),
    }
    template = "reports/household_rows.html" if is_households else "reports/issue_rows.html"
    return render(request, template, context)

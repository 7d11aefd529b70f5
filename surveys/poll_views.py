"""The official poll's register: the list with gaps and flags, and taking over a workbook after a dry run."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from outreach.access import Permission, acting, has_permission, post_of, require
from outreach.charts import Chart, Series
from outreach.models import Unit
from surveys import polls
from surveys.actions import polls as poll_actions
from surveys.models import PollResult
from surveys.result_files import WORKBOOK

MAX_BYTES = 5 * 1024 * 1024
MAX_RESULTS = 3000


class PollFileForm(forms.Form):
    """The workbook, and whether it is taken over or only read."""

    file = forms.FileField(label=gettext_lazy("Workbook (.xlsx)"))
    take_over = forms.BooleanField(label=gettext_lazy("Take over if no row is wrong"), required=False)

    def clean_file(self) -> bytes:
        """Return the content. Raises ValidationError where it is too large."""
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise ValidationError(_("The file is larger than 5 MB."))
        content: bytes = file.read()
        return content


def _district(request: HttpRequest) -> Unit:
    post = post_of(request.user)
    assert post is not None
    return Unit.objects.districts().get(code=post.unit.code[:6])


@require(Permission.SURVEY_VIEW)
@require_GET
def poll_list(request: HttpRequest) -> HttpResponse:
    """Every published result with rank, gap and flags; the trend of one item."""
    found = polls.standings(list(PollResult.objects.visible_to(request.user)[:MAX_RESULTS]))
    years = sorted({one.result.year for one in found}, reverse=True)
    year = next((each for each in years if str(each) == request.GET.get("year")), years[0] if years else None)
    items = {one.result.item_key: one.result.item for one in reversed(found)}
    item = request.GET.get("item", "")
    item = item if item in items else next(iter(items), "")
    context = {
        "rows": [one for one in found if one.result.year == year],
        "years": years,
        "year": year,
        "items": items,
        "item": item,
        "chart": _trend([one for one in found if one.result.item_key == item], items[item]) if item else None,
        "may_edit": has_permission(request.user, Permission.POLL_EDIT),
        "sees_shortfalls": has_permission(request.user, Permission.PLAN_VIEW),
    }
    return render(request, "surveys/polls/list.html", context)


def _trend(found: list[polls.Standing], name: str) -> Chart:
    rows = sorted((one.result for one in found), key=lambda row: (row.year, row.round, row.level))
    best: list[Decimal | None] = [max((Decimal(score) for score in row.peers.values()), default=None) for row in rows]
    labels = [f"{row.year} {row.round} {row.get_level_display()}" for row in rows]
    series = [
        Series(_("our score"), [row.score for row in rows], tone="accent"),
        Series(_("best of the other counties"), best, tone="neutral"),
        Series(_("rank"), [row.rank for row in rows], kind="table"),
    ]
    return Chart(name, labels, series, kind="line", label_name=_("Round"))


@require(Permission.POLL_EDIT)
@require_http_methods(["GET", "POST"])
def poll_upload(request: HttpRequest) -> HttpResponse:
    """Read a workbook, show every row with what is wrong, and take it over where that is wished and nothing is."""
    form = PollFileForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"form": form}
    status = 200
    if request.method == "POST":
        district, user = _district(request), acting(request)
        try:
            if not form.is_valid():
                status = 422
            else:
                rows = polls.read_workbook(form.cleaned_data["file"], district, user)
                context["rows"] = rows
                if form.cleaned_data["take_over"]:
                    with transaction.atomic():
                        count = poll_actions.take_over(district=district, rows=rows, by=user)
                    messages.success(request, _("%(count)d results taken over.") % {"count": count})
                    return redirect("surveys:polls")
                status = 422 if any(row.errors for row in rows) else 200
        except ValidationError as error:
            form.add_error(None, error)
            status = 422
    return render(request, "surveys/polls/upload.html", context, status=status)


@require(Permission.POLL_EDIT)
@require_GET
def poll_template(request: HttpRequest) -> HttpResponse:
    """The workbook to fill in."""
    names: dict[str, None] = {}
    for peers in PollResult.objects.visible_to(request.user).values_list("peers", flat=True)[:200]:
        names |= dict.fromkeys(peers)
    response = HttpResponse(polls.template(list(names)), content_type=WORKBOOK)
    response["Content-Disposition"] = 'attachment; filename="poll-results.xlsx"'
    return response


@require(Permission.POLL_EDIT)
@require_POST
def poll_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a result out of the register."""
    result = get_object_or_404(PollResult.objects.visible_to(request.user), pk=pk)
    poll_actions.delete(result=result, by=acting(request))
    messages.success(request, _("The result was taken out."))
    return redirect("surveys:polls")

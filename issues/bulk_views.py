"""Bulk actions of the ledger: each chosen issue goes through its ordinary action, and each has a result of its own."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from issues import actions, columns
from issues.bulk_forms import BY_NAME, MAX_BULK, BulkAction, BulkForm
from issues.ledger_forms import LedgerForm
from issues.ledger_views import back_to, render_ledger, workbook
from issues.models import Issue
from issues.paper_views import letters_response, slips_response
from outreach.access import Permission, acting, demand, require
from outreach.models import User


@dataclass(frozen=True)
class Chosen:
    """An issue with the version the person saw of it."""

    issue: Issue
    version: int

    @property
    def key(self) -> str:
        """As the pages send it back."""
        return f"{self.issue.pk}.{self.version}"


@dataclass(frozen=True)
class Result:
    """What came of one issue: done, or the reason why not."""

    number: str
    url: str
    is_done: bool
    text: str


@require(Permission.ISSUE_VIEW)
@require_POST
def issue_bulk(request: HttpRequest) -> HttpResponse:
    """Ask what the action needs to know, then take it with each issue and say what came of each.

    ?scope=all stands for everything the filters let through, at most MAX_BULK; the versions are fixed when asked.
    """
    user = acting(request)
    ledger = LedgerForm(request.GET, user=user)
    action = BY_NAME.get(request.POST.get("action", ""))
    if action is None:
        return render_ledger(request, ledger, status=422, refusal=_("Choose what to do with the issues."))
    demand(user, action.permission)
    chosen, gone = choose(request, ledger)
    if not chosen:
        refusal = (
            _("The chosen issues are not within your reach (any more).") if gone else _("Choose at least one issue.")
        )
        return render_ledger(request, ledger, status=422, refusal=refusal)
    if len(chosen) + gone > MAX_BULK:
        refusal = _("More than %(count)d issues at once: narrow the filters.") % {"count": MAX_BULK}
        return render_ledger(request, ledger, status=422, refusal=refusal)
    issues = Issue.objects.visible_to(user).filter(pk__in=[row.issue.pk for row in chosen])
    if action.name == "export":
        told = {**ledger.told(), "chosen": str(len(chosen))}
        return workbook(user, ledger.ordered(issues), columns.STANDARD, filters=told)
    if action.name == "letters":
        return letters_response(request, ledger.ordered(issues))
    if action.name == "slips":
        return slips_response(request, ledger.ordered(issues))
    form = BulkForm(request.POST if "go" in request.POST else None, action=action, user=user)
    context = {
        "action": action,
        "form": form,
        "chosen": chosen,
        "gone": gone,
        "query": ledger.query().urlencode(),
        "back": back_to(ledger.query()).url,
    }
    if not form.is_bound or not form.is_valid():
        return render(request, "issues/bulk.html", context, status=422 if form.is_bound else 200)
    results = [take(action, row, form, user) for row in chosen]
    done = sum(result.is_done for result in results)
    context |= {"results": sorted(results, key=lambda result: result.is_done), "done": done}
    context |= {"refused": len(results) - done + gone}
    if results and done == len(results) and not gone:
        messages.success(request, _("Done with all %(count)d issues.") % {"count": done})
        return back_to(ledger.query())
    return render(request, "issues/bulk_result.html", context)


def choose(request: HttpRequest, ledger: LedgerForm) -> tuple[list[Chosen], int]:
    """Return the issues chosen, of those the user sees, and how many of those named he does not see (any more)."""
    visible = Issue.objects.visible_to(request.user)
    if request.POST.get("scope") == "all" and not ledger.errors:
        rows = ledger.ordered(ledger.in_tab(ledger.narrow(visible))).with_names()[: MAX_BULK + 1]
        return [Chosen(issue, issue.version) for issue in rows], 0
    versions: dict[int, int] = {}
    for key in request.POST.getlist("rows"):
        pk, _dot, version = key.partition(".")
        if all(part.isascii() and part.isdigit() and len(part) < 19 for part in (pk, version)):
            versions[int(pk)] = int(version)
    rows = ledger.ordered(visible.filter(pk__in=list(versions)[: MAX_BULK + 1])).with_names()
    chosen = [Chosen(issue, versions[issue.pk]) for issue in rows]
    return chosen, len(versions) - len(chosen)


def take(action: BulkAction, row: Chosen, form: BulkForm, user: User) -> Result:
    """Take the action with one issue, in a transaction of its own."""
    given = form.cleaned_data
    try:
        if action.move is None:
            urgent = {"yes": True, "no": False}.get(given["urgent"])
            after = actions.edit_issue(
                issue=row.issue, by=user, version=row.version, category=given["category"], is_urgent=urgent
            )
            same = after.version == row.version
            text = _("nothing to change") if same else _("changed, due on %(day)s") % {"day": after.due_on}
        else:
            fields = {name: value for name, value in given.items() if value not in (None, "")}
            after = actions.move_issue(issue=row.issue, move=action.name, by=user, version=row.version, **fields)
            text = _("%(state)s, with %(unit)s") % {"state": after.get_state_display(), "unit": after.unit.name}
        is_done = True
    except actions.ConflictError:
        is_done, text = False, _("Somebody changed it in the meantime. Look at it again.")
    except PermissionDenied as error:
        is_done, text = False, str(error)
    except ValidationError as error:
        is_done, text = False, " ".join(error.messages)
    return Result(row.issue.number, reverse("issues:detail", args=[row.issue.pk]), is_done, text)

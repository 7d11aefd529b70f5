"""The district office's page of routing rules: what goes where, tried in order, with a box to try it out."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from issues import actions, routing, rule_checks
from issues.forms import RuleForm, TryForm
from issues.models import Category, Issue, KindLimit, RoutingRule
from outreach.access import Permission, acting, has_permission, post_of, require
from outreach.alarms import Alarm
from outreach.models import Unit, User

TRIED_ISSUES = 500


def rules_of(user: User) -> list[RoutingRule]:
    """The rules that concern the user's district, in order, with their categories' paths."""
    mine = Unit.objects.visible_to(user)
    rules = RoutingRule.objects.filter(Q(unit=None) | Q(unit__in=mine), Q(area=None) | Q(area__in=mine))
    found = list(rules.select_related("category", "area", "unit"))
    Category.plant(rule.category for rule in found if rule.category)
    return found


def problems_of(rules: list[RoutingRule], user: User) -> dict[int, list[str]]:
    """Rule id → what is wrong with it, in the user's district."""
    post = post_of(user)
    assert post is not None
    return rule_checks.problems(rules, district_code=post.unit.district_code)


def alarms(user: User) -> list[Alarm]:
    """Tell those who keep the rules, on every page, that some of them send nothing anywhere. Costs three queries."""
    if not has_permission(user, Permission.ISSUE_SETUP):
        return []
    rules = rules_of(user)
    broken = problems_of(rules, user)
    first = next((rule for rule in rules if rule.pk in broken), None)
    if first is None:
        return []
    text = ngettext(
        "%(count)d routing rule sends nothing anywhere. %(rule)s: %(why)s Mend it or put it out of use.",
        "%(count)d routing rules send nothing anywhere. %(rule)s: %(why)s Mend them or put them out of use.",
        len(broken),
    ) % {"count": len(broken), "rule": first, "why": broken[first.pk][0]}
    return [Alarm(title=_("Routing rules"), text=text, url=reverse("issues:rules"), label=_("Open the rules"))]


@require(Permission.ISSUE_SETUP)
@require_GET
def rule_list(request: HttpRequest) -> HttpResponse:
    """All rules in order, and where an issue typed into the box would go."""
    user = acting(request)
    asked = "category" in request.GET
    form = TryForm(request.GET if asked else None, user=user)
    route = None
    if asked and form.is_valid():
        values = form.cleaned_data
        route = routing.choose(
            actions.active_rules(),
            category=values["category"],
            place=values["place"],
            kind=values["kind"],
            text=values["text"],
        )
    rules = rules_of(user)
    broken = problems_of(rules, user)
    context = {
        "rows": [{"rule": rule, "problems": broken.get(rule.pk, ())} for rule in rules],
        "form": form,
        "route": route,
        "limits": KindLimit.objects.order_by("workdays"),
        "everything": _("everything else"),
    }
    return render(request, "issues/rules.html", context)


@require(Permission.ISSUE_SETUP)
@require_http_methods(["GET", "POST"])
def rule_new(request: HttpRequest) -> HttpResponse:
    """Add a rule at the end."""
    return edit(request, RoutingRule())


@require(Permission.ISSUE_SETUP)
@require_http_methods(["GET", "POST"])
def rule_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a rule."""
    return edit(request, find(request, pk))


def edit(request: HttpRequest, rule: RoutingRule) -> HttpResponse:
    """The form of a rule, new or old. With the button "try" nothing is stored: the page shows what would move."""
    user = acting(request)
    form = RuleForm(request.POST or None, instance=rule, user=user)
    context: dict[str, Any] = {"form": form, "rule": rule, "count": TRIED_ISSUES}
    status = 200
    if request.method == "POST":
        if not form.is_valid():
            status = 422
        elif "try" in request.POST:
            context |= try_out(form.instance, user)
        else:
            return save(request, form.instance)
    return render(request, "issues/rule_form.html", context, status=status)


def save(request: HttpRequest, rule: RoutingRule) -> HttpResponse:
    """Store the rule, and say at once where it will never send anything anywhere."""
    user = acting(request)
    saved = actions.save_rule(rule=rule, by=user)
    messages.success(request, _("Saved: %(rule)s") % {"rule": saved})
    for sentence in problems_of(rules_of(user), user).get(saved.pk, ()):
        messages.warning(request, sentence)
    return redirect("issues:rules")


def try_out(rule: RoutingRule, user: User) -> dict[str, Any]:
    """What the rule as typed would do to the last issues the user sees. A fixed number of queries."""
    rules = rules_of(user)
    related = ("category", "place__parent__parent")
    issues = list(Issue.objects.visible_to(user).select_related(*related).order_by("-pk")[:TRIED_ISSUES])
    Category.plant([*(issue.category for issue in issues), *([rule.category] if rule.category else [])])
    faults = problems_of(rule_checks.with_rule(rules, rule), user).get(rule.pk, ())
    return {"trial": rule_checks.trial(issues, before=rules, rule=rule), "problems": faults}


@require(Permission.ISSUE_SETUP)
@require_POST
def rule_shift(request: HttpRequest, pk: int) -> HttpResponse:
    """Move a rule one place up or down."""
    actions.shift_rule(rule=find(request, pk), up=request.POST.get("way") == "up", by=acting(request))
    return redirect("issues:rules")


@require(Permission.ISSUE_SETUP)
@require_POST
def rule_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a rule out of use, or into use again."""
    rule = find(request, pk)
    rule.is_active = request.POST.get("on") == "1"
    actions.save_rule(rule=rule, by=acting(request))
    return redirect("issues:rules")


def find(request: HttpRequest, pk: int) -> RoutingRule:
    """Return a rule of the user's district or raise Http404."""
    ids = [rule.pk for rule in rules_of(acting(request))]
    return get_object_or_404(RoutingRule.objects.select_related("category", "area", "unit").filter(pk__in=ids), pk=pk)

"""The district office's page of routing rules: what goes where, tried in order, with a box to try it out."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from issues import actions, routing
from issues.forms import RuleForm, TryForm
from issues.models import KindLimit, RoutingRule
from outreach.access import Permission, acting, require
from outreach.models import Unit, User


def rules_of(user: User) -> list[RoutingRule]:
    """The rules that concern the user's district, in order."""
    mine = Unit.objects.visible_to(user)
    rules = RoutingRule.objects.filter(Q(unit=None) | Q(unit__in=mine), Q(area=None) | Q(area__in=mine))
    return list(rules.select_related("category", "area", "unit"))


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
    context = {
        "rules": rules_of(user),
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
    """The form of a rule, new or old."""
    form = RuleForm(request.POST or None, instance=rule, user=acting(request))
    if request.method == "POST" and form.is_valid():
        saved = actions.save_rule(rule=form.instance, by=acting(request))
        messages.success(request, _("Saved: %(rule)s") % {"rule": saved})
        return redirect("issues:rules")
    status = 422 if request.method == "POST" else 200
    return render(request, "issues/rule_form.html", {"form": form, "rule": rule}, status=status)


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

"""Pages of the kernel: home, choosing a post, the audit trail."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from outreach import actions, audit, navigation
from outreach.access import Permission, acting, any_post, post_of, require
from outreach.forms import AuditFilterForm, PostForm
from outreach.models import AuditEvent, User


@any_post
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Send everyone to the page their post works on."""
    post = post_of(request.user)
    if post is None:
        return render(request, "outreach/no_post.html", status=403)
    return redirect(navigation.home_url_name(post.role))


@any_post
@require_GET
def me(request: HttpRequest) -> HttpResponse:
    """Who I am and which post I act in; the phone's third tab."""
    return render(request, "account/me.html")


@any_post
@require_POST
def post_switch(request: HttpRequest) -> HttpResponse:
    """Act in another of one's own posts from now on."""
    form = PostForm(request.POST, user=acting(request))
    if not form.is_valid():
        messages.error(request, _("This is not one of your posts."))
        return redirect("home")
    actions.switch_post(post=form.cleaned_data["post"], by=acting(request))
    messages.success(request, _("You now act as %(post)s.") % {"post": form.cleaned_data["post"]})
    return redirect("home")


@require(Permission.AUDIT_VIEW)
@require_GET
def audit_list(request: HttpRequest) -> HttpResponse:
    """The audit trail of the district, newest first."""
    form = AuditFilterForm(request.GET)
    events = AuditEvent.objects.visible_to(acting(request))
    if action := form.value("action"):
        events = events.filter(action=action)
    if person := form.value("person"):
        events = events.of_people(User.objects.filter(Q(staff_number=person) | Q(name=person)))
    if since := form.value("since"):
        events = events.filter(at__date__gte=since)
    if until := form.value("until"):
        events = events.filter(at__date__lte=until)
    page = Paginator(events, 50).get_page(request.GET.get("page"))
    rows = [
        {
            "event": event,
            "actor": _("the system") if event.actor == audit.SYSTEM else event.actor,
            "action": audit.label(event.action),
            "target": audit.target_label(event.target),
            "detail": audit.detail_text(event.detail),
        }
        for event in page
    ]
    return render(request, "outreach/audit_list.html", {"form": form, "page": page, "rows": rows})

"""Everybody's inbox, and how a person wants to be told besides."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from outreach import sealing
from outreach.access import acting, any_post, post_of
from outreach.forms import PersonalChannelForm
from outreach.models import Channel, Notification, PersonalChannel, User
from outreach.notify import mark_read, setup

PAGE = 30


@any_post
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """What I was told, newest first; ?view=unread only what I have not opened."""
    mine = Notification.objects.of(request.user)
    unread = mine.unread().count()
    only_unread = request.GET.get("view") == "unread"
    page = Paginator(mine.unread() if only_unread else mine, PAGE).get_page(request.GET.get("page"))
    url = reverse("inbox")
    tabs = [
        {"url": url, "label": _("All notices"), "current": not only_unread, "count": None},
        {"url": f"{url}?view=unread", "label": _("Unread"), "current": only_unread, "count": unread},
    ]
    context = {"page": page, "tabs": tabs, "unread": unread, "only_unread": only_unread}
    return render(request, "outreach/inbox.html", context)


@any_post
@require_POST
def notification_open(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one of my notifications read and go where it leads."""
    notification = get_object_or_404(Notification.objects.of(request.user), pk=pk)
    mark_read(by=acting(request), notification=notification)
    return redirect(notification.url or "inbox")


@any_post
@require_POST
def inbox_read(request: HttpRequest) -> HttpResponse:
    """Mark all my notifications read."""
    mark_read(by=acting(request))
    return redirect("inbox")


@any_post
@require_http_methods(["GET", "POST"])
def my_channels(request: HttpRequest) -> HttpResponse:
    """By which channels I want to be told; the inbox always has everything."""
    user = acting(request)
    forms = channel_forms(user, request)
    if request.method == "POST":
        valid = [form.is_valid() for form in forms]
        if all(valid):
            for form in forms:
                setup.save_personal(kind=form.kind, settings=form.settings(), by=user)
            messages.success(request, _("Saved. The inbox keeps everything in any case."))
            return redirect("my_channels")
    context = {"rows": rows(user, forms), "hours": setup.hours_of(user)}
    return render(request, "outreach/my_channels.html", context, status=400 if request.method == "POST" else 200)


def channel_forms(user: User, request: HttpRequest) -> list[PersonalChannelForm]:
    """One form for each kind of personal channel, filled with what is stored."""
    stored: dict[str, dict[str, str]] = {}
    for channel in PersonalChannel.objects.filter(user=user, is_active=True):
        try:
            stored[channel.kind] = channel.settings()
        except sealing.UnreadableSecretError:
            continue  # to be entered again
    post = post_of(user)
    code = post.unit.district_code if post else ""
    data = request.POST if request.method == "POST" else None
    forms = []
    for kind in PersonalChannel.Kind.values:
        is_robot = kind in setup.ROBOT_HOSTS
        hosts = setup.robot_hosts(kind, code) if is_robot else set()
        forms.append(PersonalChannelForm(data, kind=kind, stored=stored.get(kind, {}), hosts=hosts))
    return forms


def rows(user: User, forms: list[PersonalChannelForm]) -> list[dict[str, object]]:
    """What the page shows of each channel: its form, what is stored, and what is missing for it to work."""
    post = post_of(user)
    code = post.unit.district_code if post else ""
    gateways = set(Channel.objects.active().filter(unit__code=code).values_list("kind", flat=True))
    shown = dict(PersonalChannel.objects.filter(user=user, is_active=True).values_list("kind", "shown"))
    found: list[dict[str, object]] = []
    for form in forms:
        kind = PersonalChannel.Kind(form.kind)
        lack = ""
        if kind == PersonalChannel.Kind.SMS and not user.phone:
            lack = _("Your account has no mobile number. The system administrator can add it.")
        elif kind in (PersonalChannel.Kind.EMAIL, PersonalChannel.Kind.SMS) and kind not in gateways:
            lack = _("The district has not set up a gateway for this yet, so nothing can leave this way.")
        note = shown.get(kind.value, "")
        if kind == PersonalChannel.Kind.SMS and user.phone:
            note = f"{user.phone[:3]}****{user.phone[-4:]}"
        found.append({"form": form, "label": kind.label, "lack": lack, "shown": note})
    return found

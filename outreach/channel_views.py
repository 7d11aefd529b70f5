"""The system administrator's pages of message channels and hours, and the messages that did not arrive."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from outreach.access import Permission, acting, require
from outreach.forms import CHANNEL_FORMS, ChannelTestForm, DeliveryFilterForm, MessageHoursForm
from outreach.models import Channel, Delivery
from outreach.notify import sending, setup

PAGE = 50
STATE_TONES = {"failed": "warn", "dead": "bad", "doubt": "warn"}


@require(Permission.MESSAGE_SETUP)
@require_GET
def channel_list(request: HttpRequest) -> HttpResponse:
    """The district's channels and hours, and how many messages are stuck."""
    user = acting(request)
    channels = Channel.objects.visible_to(user).select_related("unit")
    rows = [
        {
            "channel": channel,
            "form": ChannelTestForm(kind=channel.kind, prefix=f"c{channel.pk}"),
            "is_unreadable": channel.sealed == "",
        }
        for channel in channels
    ]
    context = {
        "rows": rows,
        "kinds": [(reverse(f"channel_new_{kind.value}"), kind.label) for kind in Channel.Kind],
        "hours": setup.hours_of(user),
        "stuck": Delivery.objects.visible_to(user).stuck().count(),
    }
    return render(request, "outreach/channels.html", context)


@require(Permission.MESSAGE_SETUP)
@require_http_methods(["GET", "POST"])
def channel_new(request: HttpRequest, kind: str) -> HttpResponse:
    """Add a channel of one kind."""
    return edit(request, Channel(kind=kind))


@require(Permission.MESSAGE_SETUP)
@require_http_methods(["GET", "POST"])
def channel_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a channel; secrets left empty stay."""
    return edit(request, get_object_or_404(Channel.objects.visible_to(request.user).select_related("unit"), pk=pk))


def edit(request: HttpRequest, channel: Channel) -> HttpResponse:
    """Show and take the form of a new or stored channel."""
    user = acting(request)
    data = request.POST if request.method == "POST" else None
    form = CHANNEL_FORMS[channel.kind](data, instance=channel, user=user, kind=channel.kind)
    if data is not None and form.is_valid():
        saved = setup.save_channel(channel=form.instance, settings=form.settings(), by=user)
        messages.success(
            request, _("%(channel)s is saved. Send a test message to see that it works.") % {"channel": saved}
        )
        return redirect("channels")
    context = {"form": form, "channel": channel, "kind": Channel.Kind(channel.kind).label}
    return render(request, "outreach/channel_form.html", context, status=400 if data is not None else 200)


@require(Permission.MESSAGE_SETUP)
@require_POST
def channel_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a channel into use or out of it (on=1 or 0)."""
    channel = get_object_or_404(Channel.objects.visible_to(request.user).select_related("unit"), pk=pk)
    try:
        setup.switch_channel(channel=channel, is_active=request.POST.get("on") == "1", by=acting(request))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("channels")


@require(Permission.MESSAGE_SETUP)
@require_POST
def channel_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send one message by a channel now and say what the other side answered."""
    channel = get_object_or_404(Channel.objects.visible_to(request.user).select_related("unit"), pk=pk)
    form = ChannelTestForm(request.POST, kind=channel.kind, prefix=f"c{channel.pk}")
    if not form.is_valid():
        messages.error(request, _("Say to whom the test message goes."))
        return redirect("channels")
    answer = setup.test_channel(channel=channel, to=form.cleaned_data.get("to", ""), by=acting(request))
    if answer.is_sent:
        messages.success(request, _("%(channel)s: the test message was taken.") % {"channel": channel})
    else:
        messages.error(
            request, _("%(channel)s: not sent. %(error)s") % {"channel": channel, "error": answer.error or "—"}
        )
    return redirect("channels")


@require(Permission.MESSAGE_SETUP)
@require_http_methods(["GET", "POST"])
def message_hours(request: HttpRequest) -> HttpResponse:
    """When messages may leave, and how long notifications are kept."""
    user = acting(request)
    hours = setup.hours_of(user)
    data = request.POST if request.method == "POST" else None
    form = MessageHoursForm(data, instance=hours)
    if data is not None and form.is_valid():
        setup.save_hours(hours=form.instance, by=user)
        messages.success(request, _("Saved. It holds for everything sent from now on."))
        return redirect("channels")
    return render(request, "outreach/message_hours.html", {"form": form}, status=400 if data is not None else 200)


@require(Permission.MESSAGE_WATCH)
@require_GET
def delivery_list(request: HttpRequest) -> HttpResponse:
    """Messages that did not arrive: failed and to be tried again, given up, in doubt."""
    user = acting(request)
    form = DeliveryFilterForm(request.GET)
    stuck = Delivery.objects.visible_to(user).stuck().select_related("user", "personal", "channel__unit")
    if state := form.state_value():
        stuck = stuck.filter(state=state)
    page = Paginator(stuck, PAGE).get_page(request.GET.get("page"))
    rows = [
        {
            "delivery": delivery,
            "tone": STATE_TONES[delivery.state],
            "to": f"{delivery.channel.unit} · {delivery.channel.name}" if delivery.channel else str(delivery.user),
            "by": delivery.channel.get_kind_display() if delivery.channel else str(delivery.personal),
            "may_give_up": delivery.state in (Delivery.State.DOUBT, Delivery.State.FAILED),
        }
        for delivery in page
    ]
    return render(request, "outreach/deliveries.html", {"form": form, "page": page, "rows": rows})


@require(Permission.MESSAGE_WATCH)
@require_POST
def delivery_send(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a message back into the queue."""
    delivery = get_object_or_404(Delivery.objects.visible_to(request.user), pk=pk)
    if sending.send_again(delivery=delivery, by=acting(request)):
        messages.success(request, _("The message is waiting to be sent again."))
    else:
        messages.info(request, _("This message needs nothing any more: it arrived or is on its way."))
    return redirect("deliveries")


@require(Permission.MESSAGE_WATCH)
@require_POST
def delivery_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a message up: it is not tried again."""
    delivery = get_object_or_404(Delivery.objects.visible_to(request.user), pk=pk)
    if sending.leave_unsent(delivery=delivery, by=acting(request)):
        messages.success(request, _("The message is given up. Its reader still finds it in the inbox."))
    else:
        messages.info(request, _("This message needs nothing any more: it arrived or is on its way."))
    return redirect("deliveries")

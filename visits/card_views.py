"""The contact cards (民情联系卡): one a household, with the visitor's name, a number and the household's code."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from households.models import Household, Pairing
from issues import actions as issue_actions
from issues.slip_views import code_parts
from outreach.access import Permission, acting, require
from outreach.models import Campaign, Unit, User
from visits.models import Assignment

# drawing the QR codes of so many takes about five seconds
MAX_CARDS = 500


class CardsForm(forms.Form):
    """Whose cards are printed, and which numbers stand on them."""

    village = forms.ModelChoiceField(
        label=gettext_lazy("Village or community"), queryset=Unit.objects.none(), empty_label=None
    )
    group = forms.CharField(
        label=gettext_lazy("Group"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("Empty: the whole village."),
    )
    office_phone = forms.RegexField(
        r"^[0-9 ()+-]{5,25}$",
        label=gettext_lazy("Phone of the office"),
        required=False,
        help_text=gettext_lazy("Printed on every card below the visitor's line."),
    )
    with_phones = forms.BooleanField(
        label=gettext_lazy("Print the visitors' numbers from their accounts"),
        required=False,
        help_text=gettext_lazy("Only where these are work numbers. Else a line is left to write on."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["village"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Unit.objects.visible_to(user).active().villages()

    def households(self, user: User) -> list[Household]:
        """Return the households chosen, as one walks from door to door. Raises ValidationError (on the form) never:
        too many or none is an error of the form, which the caller asks for afterwards."""
        found = Household.objects.visible_to(user).in_residence().filter(village=self.cleaned_data["village"])
        if group := self.cleaned_data["group"].strip():
            found = found.filter(group=group)
        rows = list(found.select_related("village__parent").order_by("door_key", "pk")[: MAX_CARDS + 1])
        if not rows:
            self.add_error("group" if group else "village", _("No household in residence is on the roster here."))
        elif len(rows) > MAX_CARDS:
            self.add_error("group", _("More than %(count)d households: print group by group.") % {"count": MAX_CARDS})
        return rows


@require(Permission.HOUSEHOLD_EDIT)
@require_http_methods(["GET", "POST"])
@never_cache
def card_sheet(request: HttpRequest) -> HttpResponse:
    """Choose a village; a POST gives its cards for printing, because printing codes is on record."""
    user = acting(request)
    form = CardsForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        rows = form.households(user)
        if form.is_valid():
            return render_cards(request, rows, **phones_of(form))
    status = 422 if request.method == "POST" else 200
    return render(request, "visits/cards_choose.html", {"form": form, "max_cards": MAX_CARDS}, status=status)


def phones_of(form: CardsForm) -> dict[str, Any]:
    """What the form says of phone numbers."""
    return {"office_phone": form.cleaned_data["office_phone"], "with_phones": form.cleaned_data["with_phones"]}


@require(Permission.VISIT_RECORD)
@require_POST
@never_cache
def household_card(request: HttpRequest, pk: int) -> HttpResponse:
    """The card of one household."""
    households = Household.objects.visible_to(request.user).select_related("village__parent")
    return render_cards(request, [get_object_or_404(households, pk=pk)], office_phone="", with_phones=False)


def render_cards(
    request: HttpRequest, households: list[Household], *, office_phone: str, with_phones: bool
) -> HttpResponse:
    """Render the cards of `households`; the number of queries does not depend on how many they are."""
    codes = issue_actions.print_household_codes(households=households, by=acting(request))
    duties = {
        duty.household_id: duty
        for duty in Assignment.objects.filter(household__in=households, campaign__state=Campaign.State.OPEN)
        .select_related("visitor", "campaign")
        .order_by("campaign__starts_on", "pk")
    }
    pairings = Pairing.objects.filter(household__in=households, ended_on=None).select_related("user").order_by("-pk")
    partners = {pairing.household_id: pairing.user for pairing in pairings}
    cards = []
    for household in households:
        duty = duties.get(household.pk)
        visitor = duty.visitor if duty and duty.visitor else partners.get(household.pk)
        cards.append(
            {
                "household": household,
                "visitor": visitor,
                "phone": visitor.phone if visitor and with_phones else "",
                "campaign": duty.campaign if duty else None,
                **code_parts(codes[household.pk]),
            }
        )
    return render(request, "visits/cards.html", {"cards": cards, "office_phone": office_phone})

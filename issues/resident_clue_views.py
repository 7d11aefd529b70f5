"""A clue handed in by somebody without an account: sealed at once, and nothing kept that leads to a person.

No session is begun, no code is asked for, the log has neither address nor content. What stops floods is a counter in
Redis under a keyed hash of the address, gone after an hour; a repeated sending is known by the form's own token.
"""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from issues import actions, clues, limiter
from issues.clue_forms import ClueForm
from issues.clue_views import sealed
from issues.resident_views import for_residents
from outreach.models import Unit

logger = logging.getLogger(__name__)
TOKEN_LENGTH = 24


class PublicClueForm(ClueForm):
    """A clue from outside: the same, and for which district, where there are several."""

    district = forms.ModelChoiceField(label=gettext_lazy("District"), queryset=Unit.objects.none())
    token = forms.RegexField(rf"^[A-Za-z0-9]{{{TOKEN_LENGTH}}}$", widget=forms.HiddenInput)
    field_order = ["district"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        districts = Unit.objects.districts().active()
        field = self.fields["district"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = districts
        if len(only := list(districts[:2])) == 1:
            field.initial, field.widget = only[0].pk, forms.HiddenInput()
        self.fields["token"].initial = get_random_string(TOKEN_LENGTH)
        self.fields["contact"].label = _("How the discipline office can reach you")
        self.fields["contact"].help_text = _(
            "Only if you want to be asked back. Left empty, nobody can ask or answer you."
        )


@for_residents
@require_http_methods(["GET", "POST"])
@sealed
def resident_clue(request: HttpRequest) -> HttpResponse:
    """Hand in a clue about staff or officials without logging in."""
    form = PublicClueForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return _form(request, form, status=200 if request.method == "GET" else 422)
    values = form.cleaned_data
    token, district = values.pop("token"), values.pop("district")
    try:
        number = limiter.clue_number(token)
        if not number:
            limiter.check_clue(address=get_adapter(request).get_client_ip(request))
            content = clues.Content(source=_("public page, without login"), **values)
            number = actions.report_clue(by=None, district=district, content=content).number
            limiter.keep_clue_number(token, number)
    except limiter.TooManyError as error:
        words = _("Many clues came from this network just now. Please wait %(minutes)d minutes and send it again.")
        form.add_error(None, words % {"minutes": error.seconds // 60})
        return _form(request, form, status=429)
    except limiter.UncountedError:
        logger.error("Nobody can hand in a clue without login: the cache that counts tries does not answer.")
        form.add_error(None, _("This is not possible just now. Try again in a few minutes."))
        return _form(request, form, status=503)
    except ValidationError as error:
        form.add_error(None, error.messages)
        return _form(request, form, status=422)
    return render(request, "issues/resident/clue_done.html", {"number": number})


def _form(request: HttpRequest, form: PublicClueForm, *, status: int) -> HttpResponse:
    return render(request, "issues/resident/clue.html", {"form": form}, status=status)

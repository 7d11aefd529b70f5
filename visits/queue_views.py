"""Handing in the queue of a phone that cannot send: the file its app has saved, uploaded by an administrator."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from outreach import access
from outreach.access import Permission, acting, require
from outreach.models import User
from visits.actions.record import Receipt, Result
from visits.actions.sync import note_queue_file, take_item

MAX_FILE = 40 * 1024 * 1024
MAX_ENTRIES = 2000
TONES = {Result.STORED: "good", Result.ALREADY: "plain", Result.CONFLICT_KEPT: "warn", Result.REFUSED: "bad"}


class QueueForm(forms.Form):
    """The file a phone's app has saved (static/js/phone/outbox.js)."""

    file = forms.FileField(label=gettext_lazy("File from the phone"), widget=forms.FileInput(attrs={"accept": ".json"}))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_file(self) -> dict[str, Any]:
        """Return {"author": User, "items": list}. Raises ValidationError for any other file."""
        upload: UploadedFile = self.cleaned_data["file"]
        if upload.size is None or upload.size > MAX_FILE:
            raise ValidationError(_("The file is larger than 40 MB: ask the visitor to save it again in parts."))
        try:
            data = json.loads(upload.read())
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict) or data.get("program") != "outreach" or not isinstance(data.get("items"), list):
            raise ValidationError(_("This is not a file saved by the phone's outbox (“Save as a file”)."))
        if not 0 < len(data["items"]) <= MAX_ENTRIES:
            raise ValidationError(_("The file holds no entries, or more than 2 000."))
        number = data.get("staff_number")
        author = None
        if isinstance(number, str) and number.isprintable():
            people = User.objects.visible_to(self.user).filter(is_active=True)
            author = people.filter(staff_number=number[:32]).first()
        if author is None or not access.has_permission(author, Permission.VISIT_RECORD):
            raise ValidationError(_("The file belongs to nobody in your reach who records visits."))
        return {"author": author, "items": data["items"]}


@require(Permission.HOUSEHOLD_ASSIGN)
@require_http_methods(["GET", "POST"])
def queue_upload(request: HttpRequest) -> HttpResponse:
    """Take a saved queue in as its author's: the same entries sent again later, by whichever way, are stored once."""
    if request.method == "GET":
        return render(request, "visits/queue_upload.html", {"form": QueueForm(user=acting(request))})
    form = QueueForm(request.POST, request.FILES, user=acting(request))
    if not form.is_valid():
        return render(request, "visits/queue_upload.html", {"form": form}, status=422)
    author, items = form.cleaned_data["file"]["author"], form.cleaned_data["file"]["items"]
    receipts: list[Receipt] = [take_item(by=author, item=item) for item in items]
    note_queue_file(author=author, receipts=receipts, by=acting(request))
    labels = {
        Result.STORED: _("taken over"),
        Result.ALREADY: _("had arrived before"),
        Result.CONFLICT_KEPT: _("differs from what had arrived; both kept"),
        Result.REFUSED: _("refused"),
    }
    counts = [(labels[result], sum(one.result == result for one in receipts), TONES[result]) for result in Result]
    refused = [(place, one.message) for place, one in enumerate(receipts, 1) if one.result == Result.REFUSED]
    context = {"form": QueueForm(user=acting(request)), "author": author, "counts": counts, "refused": refused}
    return render(request, "visits/queue_upload.html", context)

"""The files of an issue: handed out to those who see it, and taken from sight."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from issues import actions
from issues.attachments import JPEG
from issues.history import RemoveForm
from issues.models import Attachment, Issue, StoredFile
from outreach.access import Permission, acting, has_permission, require


@require(Permission.ISSUE_VIEW)
@require_GET
def attachment(request: HttpRequest, pk: int, photo: int) -> HttpResponse:
    """A file, for those who may see its issue. What was removed is handed out only to those who read the audit
    trail."""
    rows = Attachment.objects.filter(issue__in=Issue.objects.visible_to(request.user).filter(pk=pk))
    if not has_permission(request.user, Permission.AUDIT_VIEW):
        rows = rows.present()
    row = get_object_or_404(rows.select_related("issue"), pk=photo)
    return hand_out(row, nameless=f"{row.issue.number}-{row.pk}.jpg")


def hand_out(row: StoredFile, *, nameless: str = "") -> HttpResponse:
    """A StoredFile that the reader may see (the caller's to ask): a photo to look at, everything else as a download.
    Nothing in it can run: photos are made anew, papers were checked, and the headers put both into a sandbox.
    `nameless`: what a file without a name is called."""
    try:
        with row.file.open("rb") as file:
            content = file.read()
    except FileNotFoundError as error:
        raise Http404 from error
    response = HttpResponse(content, content_type=row.content_type)
    name = row.name or nameless or f"{row.pk}.jpg"
    response["Content-Disposition"] = content_disposition_header(row.content_type != JPEG, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, max-age=3600"
    return response


@require(Permission.ISSUE_VIEW)
@require_POST
def attachment_remove(request: HttpRequest, pk: int, photo: int) -> HttpResponse:
    """Take a file from sight, with the reason."""
    visible = Issue.objects.visible_to(request.user).filter(pk=pk)
    row = get_object_or_404(Attachment.objects.present(), pk=photo, issue__in=visible)
    form = RemoveForm(request.POST)
    why = form.cleaned_data["why"] if form.is_valid() else ""
    try:
        actions.remove_file(attachment=row, by=acting(request), why=why)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("The file is removed from sight; the reason stands in the history."))
    return redirect("issues:detail", pk=pk)

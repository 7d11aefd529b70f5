"""Bringing back an edited ledger: upload, preview as a diff, take over or throw away."""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from households.exports import marked_workbook
from households.roster.read import UnusableFile
from issues import actions, exports, uploads
from issues.ledger_forms import UploadForm
from issues.models import LedgerUpload
from issues.views import disposition
from outreach.access import Permission, acting, require
from outreach.models import User

PAGE_ROWS = 50


def current(user: User) -> LedgerUpload | None:
    """The user's file that is checked and not yet decided."""
    return LedgerUpload.objects.filter(owner=user, state=LedgerUpload.State.CHECKED).first()


@require(Permission.ISSUE_EXPORT)
@require_http_methods(["GET", "POST"])
def ledger_uploads(request: HttpRequest) -> HttpResponse:
    """Upload an edited ledger; while one is checked, what it would change and what is refused, and why."""
    user = acting(request)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        content = file.read()
        try:
            rows, count = check(content, file.name, user)
        except UnusableFile as problem:
            form.add_error("file", problem.message)
        except uploads.NotALedgerError as problem:
            form.add_error("file", str(problem))
        else:
            actions.keep_upload(by=user, filename=file.name, chunks=[content], rows=rows, rows_read=count)
            return redirect("issues:uploads")
    return render_uploads(request, form, status=422 if form.errors else 200)


def check(content: bytes, filename: str, user: User) -> tuple[list[dict[str, Any]], int]:
    """Return what the file would change as kept, and how many rows it has."""
    with NamedTemporaryFile(prefix="ledger-", suffix=Path(filename).suffix.lower()[:6]) as copy:
        copy.write(content)
        copy.flush()
        lines, _headers = uploads.read(Path(copy.name), filename)
    return [row.kept() for row in uploads.compare(lines, user)], len(lines)


def render_uploads(request: HttpRequest, form: UploadForm, *, status: int = 200, refusal: str = "") -> HttpResponse:
    """Render the form, the preview of the undecided file, and the files before."""
    user = acting(request)
    upload = current(user)
    rows = upload.rows if upload else []
    context = {
        "form": form,
        "upload": upload,
        # the refused first: they want to be looked at
        "page": Paginator(sorted(rows, key=lambda row: not row["faults"]), PAGE_ROWS).get_page(request.GET.get("page")),
        "changed": sum(bool(row["values"]) for row in rows),
        "refused": sum(bool(row["faults"]) for row in rows),
        "same": upload.rows_read - len(rows) if upload else 0,
        "refusal": refusal,
        "past": LedgerUpload.objects.filter(owner=user).exclude(state=LedgerUpload.State.CHECKED)[:10],
        "max_rows": uploads.MAX_ROWS,
    }
    return render(request, "issues/uploads.html", context, status=status)


@require(Permission.ISSUE_EXPORT)
@require_POST
def ledger_upload_commit(request: HttpRequest) -> HttpResponse:
    """Take over what the preview shows; where an issue changed since, nothing, and the preview is made anew."""
    user = acting(request)
    upload = current(user)
    if upload is None:
        return render_uploads(request, UploadForm(), status=409, refusal=_("There is no checked file."))
    if request.POST.get("upload") != str(upload.pk):
        refusal = _("Another file was uploaded since. Look at its preview.")
        return render_uploads(request, UploadForm(), status=409, refusal=refusal)
    try:
        count = actions.commit_upload(upload=upload, by=user)
    except actions.ConflictError as conflict:
        with uploads.plain_copy(upload) as path:
            rows, _count = check(path.read_bytes(), upload.filename, user)
        LedgerUpload.objects.filter(pk=upload.pk, state=LedgerUpload.State.CHECKED).update(rows=rows)
        return render_uploads(request, UploadForm(), status=409, refusal=str(conflict))
    messages.success(request, _("%(count)d issues are changed.") % {"count": count})
    return redirect("issues:uploads")


@require(Permission.ISSUE_EXPORT)
@require_POST
def ledger_upload_discard(request: HttpRequest) -> HttpResponse:
    """Throw the checked file away."""
    user = acting(request)
    if upload := current(user):
        actions.discard_upload(upload=upload, by=user)
        messages.success(request, _("The file is thrown away, nothing was changed."))
    return redirect("issues:uploads")


@require(Permission.ISSUE_EXPORT)
@require_POST
def ledger_upload_faults(request: HttpRequest) -> HttpResponse:
    """The user's own workbook with what is wrong in it, and what to do. Written down as an export."""
    user = acting(request)
    upload = current(user)
    faults = [uploads.Fault(**fault) for row in upload.rows for fault in row["faults"]] if upload else []
    if upload is None or not faults:
        return render_uploads(request, UploadForm(), status=409, refusal=_("Nothing was refused."))
    with uploads.plain_copy(upload) as path:
        _lines, headers = uploads.read(path, upload.filename)
        content = marked_workbook(path, upload.filename, faults, headers)
    actions.log_export(by=user, filters={"faults": str(len(faults))}, rows=len(upload.rows))
    response = HttpResponse(content, content_type=exports.XLSX)
    response["Content-Disposition"] = disposition(True, f"{Path(upload.filename).stem[:80]}_{_('errors')}.xlsx")
    return response

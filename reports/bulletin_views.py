"""Pages of bulletins: the list, the draft with its preview, what was issued and who received it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Exists, F, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from issues.actions import ConflictError
from issues.exports import XLSX
from outreach import papers
from outreach.access import Permission, acting, has_permission, post_of, require
from outreach.models import Unit
from reports.actions import bulletins as actions
from reports.bulletin_forms import AnswerForm, BulletinForm, DraftForm, SetupForm, WithdrawForm, initial_of
from reports.bulletins import annex, content, files, paper
from reports.bulletins.content import COLUMNS, SECTIONS, Edition, Rules
from reports.bulletins.figures import edition_of
from reports.models import Bulletin, BulletinReceipt, Snapshot
from reports.models.bulletins import MAX_TITLE

PAGE_ROWS = 30
TABS = {
    "issued": pgettext_lazy("bulletins", "issued"),
    "draft": pgettext_lazy("bulletins", "drafts"),
    "withdrawn": pgettext_lazy("bulletins", "withdrawn"),
}
STATE_MARKS = {
    Bulletin.State.DRAFT: {"tone": "neutral", "icon": "edit"},
    Bulletin.State.ISSUED: {"tone": "good", "icon": "check"},
    Bulletin.State.WITHDRAWN: {"tone": "bad", "icon": "ban"},
}
PARTS = {"docx": papers.CONTENT_TYPE, "xlsx": XLSX}
# Snapshots to choose from: the newest.
MAX_SNAPSHOTS = 60
NOT_SAVED = gettext_lazy("Nothing was saved: correct the marked fields.")


def load_bulletin(request: HttpRequest, pk: int) -> Bulletin:
    """Return the bulletin the user may see, or raise Http404."""
    names = ("snapshot__campaign__district", "compared_with", "created_by", "edited_by", "issued_by", "withdrawn_by")
    return get_object_or_404(Bulletin.objects.visible_to(request.user).select_related(*names), pk=pk)


def edition_for(bulletin: Bulletin) -> Edition:
    """The figures a bulletin stands on."""
    return edition_of(bulletin.snapshot, bulletin.compared_with)


@require(Permission.RANKING_VIEW)
@require_GET
def bulletins(request: HttpRequest) -> HttpResponse:
    """The bulletins: what was issued, and for those who write them the drafts, the beat's among them."""
    user = acting(request)
    may_make = has_permission(user, Permission.BULLETIN_MAKE)
    every = Bulletin.objects.visible_to(user)
    shown = {key: label for key, label in TABS.items() if may_make or key != "draft"}
    chosen = request.GET.get("tab", "")
    chosen = chosen if chosen in shown else "issued"
    counted = dict(every.order_by().values_list("state").annotate(Count("pk")))
    post = post_of(user)
    own = BulletinReceipt.objects.filter(bulletin=OuterRef("pk"), unit=post.unit_id if post else None)
    rows = (
        every.filter(state=chosen)
        .light()
        .annotate(
            sent=Count("receipts"),
            received=Count("receipts", filter=Q(receipts__received_at__isnull=False)),
            waits=Exists(own.filter(received_at=None)),
        )
        .order_by(F("issued_at").desc(nulls_first=True), "-pk")
    )
    page = Paginator(rows, PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [{"bulletin": row, "mark": STATE_MARKS[Bulletin.State(row.state)]} for row in page.object_list],
        "tabs": [
            {"url": f"?tab={key}", "label": label, "current": key == chosen, "count": counted.get(key, 0)}
            for key, label in shown.items()
        ],
        "chosen": chosen,
        "may_make": may_make,
    }
    return render(request, "reports/bulletins/list.html", context)


@require(Permission.BULLETIN_MAKE)
@require_http_methods(["GET", "POST"])
def bulletin_new(request: HttpRequest) -> HttpResponse:
    """Choose the scores, the kind, the rules; the draft is written from them."""
    user = acting(request)
    setup = actions.setup_of(district_of(request))
    usable = Snapshot.objects.visible_to(user).light().filter(state__in=actions.USABLE).order_by("-last", "-as_of")
    newest = Snapshot.objects.light().filter(pk__in=list(usable.values_list("pk", flat=True)[:MAX_SNAPSHOTS]))
    form = DraftForm(
        request.POST or None,
        snapshots=newest,
        initial={**initial_of(Rules.from_json(setup.rules)), "requests": setup.requests},
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            values = form.cleaned_data
            try:
                made = actions.draft_bulletin(
                    snapshot=values["snapshot"],
                    kind=values["kind"],
                    rules=form.rules(),
                    requests=values["requests"],
                    by=user,
                )
            except ValidationError as error:
                add_errors(form, error)
            else:
                messages.success(request, _("The draft is written. Read it through, then issue it."))
                return redirect("reports:bulletin_edit", pk=made.pk)
    return render(request, "reports/bulletins/new.html", {"form": form, "has_scores": newest.exists()}, status=status)


def district_of(request: HttpRequest) -> Unit:
    """The district the post belongs to."""
    post = post_of(acting(request))
    assert post is not None
    return get_object_or_404(Unit, code=post.unit.code[:6])


def add_errors(form: Any, error: ValidationError) -> None:
    """Put an action's refusal beside its fields."""
    problems = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    for field, texts in problems.items():
        form.add_error(field if field in form.fields else None, texts)


@require(Permission.BULLETIN_MAKE)
@require_http_methods(["GET", "POST"])
def bulletin_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit a draft beside its preview. `again`: write the third part anew by the rules in the form, saving nothing."""
    bulletin = load_bulletin(request, pk)
    if not bulletin.is_draft and request.method == "GET":
        return redirect("reports:bulletin_detail", pk=bulletin.pk)
    edition = edition_for(bulletin)
    if request.method == "GET":
        values = {"version": bulletin.version, "title": bulletin.title, **bulletin.sections}
        form = BulletinForm(initial={**values, **initial_of(Rules.from_json(bulletin.rules))})
        return render_editor(request, bulletin, edition, form, bulletin.title, bulletin.sections)
    form = BulletinForm(request.POST)
    sections = form.sections()
    if "again" in request.POST:
        form.is_valid()
        rules = form.rules_or(Rules.from_json(bulletin.rules))
        sections["problems"] = content.problems(content.findings(edition, rules))
        data = request.POST.copy()
        data["problems"] = sections["problems"]
        again = BulletinForm(data)
        status = 200 if again.is_valid() else 422
        return render_editor(
            request, bulletin, edition, again, data.get("title", ""), sections, status=status, is_again=True
        )
    conflict, status = None, 422
    if form.is_valid():
        values = form.cleaned_data
        try:
            saved = actions.save_bulletin(
                bulletin=bulletin,
                version=values["version"],
                title=values["title"],
                sections={key: values[key] for key in SECTIONS},
                rules=form.rules(),
                by=acting(request),
            )
        except ConflictError as error:
            conflict, status = str(error), 409
            bulletin = load_bulletin(request, pk)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Saved as version %(number)d.") % {"number": saved.version})
            return redirect("reports:bulletin_edit", pk=bulletin.pk)
    if conflict and bulletin.is_draft:
        # what was typed stays; saving it again is then a choice made knowingly
        data = request.POST.copy()
        data["version"] = str(bulletin.version)
        form = BulletinForm(data)
    return render_editor(
        request, bulletin, edition, form, request.POST.get("title", ""), sections, status=status, conflict=conflict
    )


def render_editor(
    request: HttpRequest,
    bulletin: Bulletin,
    edition: Edition,
    form: BulletinForm,
    title: str,
    sections: Mapping[str, str],
    *,
    status: int = 200,
    conflict: str | None = None,
    is_again: bool = False,
) -> HttpResponse:
    """Render the editor: the form with what was typed, the preview, who saved what, and on a conflict both texts."""
    clashes = []
    if conflict:
        typed = {"title": title, **sections}
        theirs = {"title": bulletin.title, **bulletin.sections}
        clashes = [
            (form.fields[key].label, theirs[key], typed[key])
            for key in ("title", *SECTIONS)
            if theirs[key] != "\n".join(content.paragraphs(typed[key]))
        ]
    context = {
        "bulletin": bulletin,
        "form": form,
        "conflict": conflict,
        "clashes": clashes,
        "is_again": is_again,
        "versions": bulletin.versions.select_related("saved_by").defer("sections", "rules")[:20],
        **sheet(bulletin, edition, title, sections),
    }
    return render(request, "reports/bulletins/edit.html", context, status=status)


def sheet(bulletin: Bulletin, edition: Edition, title: str, sections: Mapping[str, str]) -> dict[str, Any]:
    """What the paper shows, for the preview and the issued bulletin."""
    rules = Rules.from_json(bulletin.rules)
    names = content.headings(bulletin.kind)
    return {
        "title_lines": papers.title_lines(title),
        "parts": [
            {
                "heading": heading,
                "paragraphs": [content.split_lead(text) for text in content.paragraphs(sections[key])],
                "tables": content.tables(edition) if key == "units" else [],
            }
            for heading, key in zip(names, SECTIONS, strict=True)
        ],
        "columns": COLUMNS,
        "strange": content.strange_numbers((sections["overview"], sections["problems"]), edition, rules),
    }


@require(Permission.BULLETIN_MAKE)
@require_POST
def bulletin_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The paper with what is typed so far; nothing is saved."""
    bulletin = load_bulletin(request, pk)
    form = BulletinForm(request.POST)
    title = request.POST.get("title", "")[:MAX_TITLE]
    return render(
        request, "reports/bulletins/_sheet.html", sheet(bulletin, edition_for(bulletin), title, form.sections())
    )


@require(Permission.RANKING_VIEW)
@require_GET
def bulletin_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A bulletin as it stands: the paper, its files, who received it, what the reader's unit is asked."""
    return render_detail(request, load_bulletin(request, pk))


def render_detail(
    request: HttpRequest,
    bulletin: Bulletin,
    *,
    status: int = 200,
    reason: str = "",
    answer_form: AnswerForm | None = None,
    withdraw_form: WithdrawForm | None = None,
) -> HttpResponse:
    """Render the page, with a form that was refused where there is one."""
    user = acting(request)
    post, may_make = post_of(user), has_permission(user, Permission.BULLETIN_MAKE)
    assert post is not None
    receipts = list(bulletin.receipts.select_related("unit", "received_by", "answered_by"))
    own = next((receipt for receipt in receipts if receipt.unit_id == post.unit_id), None)
    is_issued = bulletin.state == Bulletin.State.ISSUED
    edition = edition_for(bulletin)
    context = {
        "bulletin": bulletin,
        "mark": STATE_MARKS[Bulletin.State(bulletin.state)],
        "reason": reason,
        "receipts": receipts if may_make else [],
        "received": sum(receipt.received_at is not None for receipt in receipts),
        "named": sum(bool(receipt.reasons) for receipt in receipts),
        "answered": sum(receipt.answered_at is not None for receipt in receipts),
        "own": own,
        "may_receive": is_issued and own is not None and own.received_at is None,
        "may_make": may_make,
        "is_issued": is_issued,
        "withdraw_form": withdraw_form or WithdrawForm(),
        "copy_text": content.as_text(bulletin.title, bulletin.sections, edition, kind=bulletin.kind),
        **sheet(bulletin, edition, bulletin.title, bulletin.sections),
    }
    if is_issued and own is not None and own.reasons and own.answered_at is None:
        context["answer_form"] = answer_form or AnswerForm()
    return render(request, "reports/bulletins/detail.html", context, status=status)


@require(Permission.RANKING_VIEW)
@require_POST
def bulletin_download(request: HttpRequest, pk: int) -> HttpResponse:
    """The .docx or the .xlsx: of a draft made now, of an issued bulletin the kept file. A POST, because the trail
    notes it."""
    bulletin = load_bulletin(request, pk)
    part = request.POST.get("part", "docx")
    if part not in PARTS:
        raise Http404(part)
    try:
        made = file_of(bulletin, part)
    except files.ChangedFileError:
        reason = _("The kept file is missing or was changed on the disk. Tell the system administrator.")
        return render_detail(request, bulletin, status=409, reason=reason)
    actions.log_download(bulletin=bulletin, part=part, by=acting(request))
    response = HttpResponse(made, content_type=PARTS[part])
    name = f"{bulletin.heading[:80]}{'（代拟稿）' if part == 'docx' else '附表'}.{part}"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    return response


def file_of(bulletin: Bulletin, part: str) -> bytes:
    """Return the file of a bulletin. Raises files.ChangedFileError."""
    if bulletin.sha256:
        return files.kept(bulletin.sha256 if part == "docx" else bulletin.annex_sha256)
    edition = edition_for(bulletin)
    if part == "docx":
        return paper.document(bulletin.title, bulletin.sections, edition, kind=bulletin.kind)
    return annex.workbook(bulletin.title, edition, on=bulletin.snapshot.last)


@require(Permission.BULLETIN_MAKE)
@require_POST
def bulletin_issue(request: HttpRequest, pk: int) -> HttpResponse:
    """Issue the version the person saw."""
    bulletin = load_bulletin(request, pk)
    seen = request.POST.get("version", "")
    version = int(seen) if seen.isdecimal() and len(seen) < 10 else 0
    try:
        actions.issue_bulletin(bulletin=bulletin, version=version, by=acting(request))
    except ConflictError as error:
        return render_detail(request, load_bulletin(request, pk), status=409, reason=str(error))
    except ValidationError as error:
        return render_detail(request, bulletin, status=422, reason=" ".join(error.messages))
    messages.success(request, _("The bulletin is issued; every unit in it was told."))
    return redirect("reports:bulletin_detail", pk=bulletin.pk)


@require(Permission.BULLETIN_MAKE)
@require_POST
def bulletin_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw an issued bulletin, with the reason."""
    bulletin = load_bulletin(request, pk)
    form = WithdrawForm(request.POST)
    reason, status = str(NOT_SAVED), 422
    if form.is_valid():
        try:
            actions.withdraw_bulletin(bulletin=bulletin, why=form.cleaned_data["why"], by=acting(request))
        except ConflictError as error:
            reason, status = str(error), 409
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("The bulletin is withdrawn; the units were told."))
            return redirect("reports:bulletin_detail", pk=bulletin.pk)
    return render_detail(request, load_bulletin(request, pk), status=status, reason=reason, withdraw_form=form)


@require(Permission.BULLETIN_MAKE)
@require_POST
def bulletin_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw a draft away."""
    bulletin = load_bulletin(request, pk)
    try:
        actions.discard_bulletin(bulletin=bulletin, by=acting(request))
    except ConflictError as error:
        return render_detail(request, load_bulletin(request, pk), status=409, reason=str(error))
    messages.success(request, _("The draft is thrown away."))
    return redirect("reports:bulletins")


@require(Permission.RANKING_VIEW)
@require_POST
def bulletin_receive(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm for one's own unit that the bulletin arrived."""
    bulletin = load_bulletin(request, pk)
    actions.receive_bulletin(bulletin=bulletin, by=acting(request))
    messages.success(request, _("Confirmed: your unit has received the bulletin."))
    return redirect("reports:bulletin_detail", pk=bulletin.pk)


@require(Permission.RANKING_VIEW)
@require_POST
def bulletin_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Say for one's own unit what it does about being named."""
    bulletin = load_bulletin(request, pk)
    form = AnswerForm(request.POST)
    reason, status = str(NOT_SAVED), 422
    if form.is_valid():
        try:
            actions.answer_bulletin(bulletin=bulletin, answer=form.cleaned_data["answer"], by=acting(request))
        except ConflictError as error:
            reason, status = str(error), 409
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("The answer is kept; the office reads it here."))
            return redirect("reports:bulletin_detail", pk=bulletin.pk)
    return render_detail(request, bulletin, status=status, reason=reason, answer_form=form)


@require(Permission.BULLETIN_MAKE)
@require_http_methods(["GET", "POST"])
def bulletin_setup(request: HttpRequest) -> HttpResponse:
    """The requests and rules every new bulletin begins with."""
    district = district_of(request)
    setup = actions.setup_of(district)
    reason, status = "", 200
    if request.method == "GET":
        values = {"version": setup.version, "requests": setup.requests}
        form = SetupForm(initial={**values, **initial_of(Rules.from_json(setup.rules))})
    else:
        form, status = SetupForm(request.POST), 422
        if form.is_valid():
            try:
                actions.save_setup(
                    district=district,
                    version=form.cleaned_data["version"],
                    requests=form.cleaned_data["requests"],
                    rules=form.rules(),
                    by=acting(request),
                )
            except ConflictError as error:
                reason, status = str(error), 409
                data = request.POST.copy()
                setup = actions.setup_of(district)
                data["version"] = str(setup.version)
                form = SetupForm(data)
            except ValidationError as error:
                add_errors(form, error)
            else:
                messages.success(request, _("Saved. New bulletins begin with this."))
                return redirect("reports:bulletin_setup")
    context = {"form": form, "setup": setup, "reason": reason}
    return render(request, "reports/bulletins/setup.html", context, status=status)

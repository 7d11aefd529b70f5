"""The write door of bulletins: drafting, editing, issuing, withdrawing; units that confirm them and answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from issues.actions import ConflictError
from issues.recipients import Posts
from outreach import audit
from outreach.access import Permission, demand, post_of
from outreach.models import Unit, User
from outreach.notify import notify
from outreach.papers import clean
from reports.bulletins import annex, content, files, paper
from reports.bulletins.content import SECTIONS, Edition, Rules
from reports.bulletins.figures import edition_of
from reports.models import Bulletin, BulletinReceipt, BulletinSetup, BulletinVersion, Snapshot
from reports.models.bulletins import MAX_ANSWER, MAX_SECTION, MAX_TITLE, MAX_WHY

logger = logging.getLogger(__name__)

USABLE = (Snapshot.State.APPROVED, Snapshot.State.PUBLISHED)
# What the beat drafts of a kind of snapshot, while it is this fresh.
OFFERED = {
    Snapshot.Kind.DAILY: Bulletin.Kind.DAILY,
    Snapshot.Kind.WEEKLY: Bulletin.Kind.WEEKLY,
    Snapshot.Kind.MONTHLY: Bulletin.Kind.MONTHLY,
    Snapshot.Kind.FINAL: Bulletin.Kind.YEARLY,
}
OFFERED_FOR = timedelta(days=7)
REQUESTS = """加快入户进度。入户率低于全区平均水平的镇街，要逐村逐户排出补访计划，带着名单入户，见到人、问清情况。
抓紧办结超期问题。承办单位主要负责同志要亲自过问；确实不能按期办结的，依规申请延期，并向群众说明原因。
压实工作责任。被点名的单位请于收到本通报后3个工作日内签收，并报送整改措施。"""


def setup_of(district: Unit) -> BulletinSetup:
    """Return what the district's bulletins begin with; an unsaved row of the usual texts where it has none."""
    found = BulletinSetup.objects.filter(district=district).first()
    return found or BulletinSetup(district=district, requests=REQUESTS, rules=Rules().to_json(), version=0)


def requests_text(requests: str) -> str:
    """Return the requests as a section: numbered （一）, （二） …"""
    lines = content.paragraphs(requests)
    return "\n".join(f"（{content.numeral(at)}）{line}" for at, line in enumerate(lines, 1))


def usable_snapshot(snapshot: Snapshot) -> None:
    """Raise ValidationError unless the scores were approved and stand."""
    if snapshot.state not in USABLE:
        raise ValidationError(
            {"snapshot": _("A bulletin needs scores that were approved or published, and not withdrawn since.")}
        )


def compared_with(snapshot: Snapshot) -> Snapshot | None:
    """Return the scores before: of the same campaign, scheme and kind, the newest revision."""
    earlier = Snapshot.objects.filter(
        campaign=snapshot.campaign_id, scheme__name=snapshot.scheme.name, kind=snapshot.kind, last__lt=snapshot.last
    )
    return earlier.filter(state__in=USABLE).order_by("-last", "-revision", "-as_of").first()


@transaction.atomic
def draft_bulletin(*, snapshot: Snapshot, kind: str, rules: Rules, requests: str, by: User | None) -> Bulletin:
    """Write the first draft from `snapshot`; `requests`: the lines of the last part. `by` None: the beat.

    Raises PermissionDenied, ValidationError (snapshot).
    """
    if by is not None:
        demand(by, Permission.BULLETIN_MAKE)
    usable_snapshot(snapshot)
    before = compared_with(snapshot)
    edition = edition_of(snapshot, before)
    made = Bulletin.objects.create(
        snapshot=snapshot,
        compared_with=before,
        kind=kind,
        title=clean(content.title(edition, kind))[:MAX_TITLE],
        sections=content.body(edition, rules, requests_text(requests)),
        rules=rules.to_json(),
        created_by=by,
        edited_by=by,
    )
    _keep_version(made, by=by)
    audit.record("bulletin.draft", made, by=by, kind=kind, name=made.heading)
    return made


@transaction.atomic
def save_bulletin(
    *, bulletin: Bulletin, version: int, title: str, sections: Mapping[str, str], rules: Rules, by: User
) -> Bulletin:
    """Save a draft's text. `version`: the one the person began from. Saving what stands there already adds nothing.

    Raises PermissionDenied, ConflictError where somebody saved in between or it was issued, ValidationError by field.
    """
    locked = _lock(bulletin, by, Permission.BULLETIN_MAKE)
    title = "\n".join(content.paragraphs(clean(title)))
    texts = {key: "\n".join(content.paragraphs(clean(sections[key]))) for key in SECTIONS}
    if not title or len(title) > MAX_TITLE:
        raise ValidationError({"title": _("Write 1 to %(count)d characters.") % {"count": MAX_TITLE}})
    for key, text in texts.items():
        if not text or len(text) > MAX_SECTION:
            raise ValidationError({key: _("Write 1 to %(count)d characters.") % {"count": MAX_SECTION}})
    if (locked.title, locked.sections, locked.rules) == (title, texts, rules.to_json()) and locked.is_draft:
        return locked
    _demand_draft(locked, version)
    locked.title, locked.sections, locked.rules = title, texts, rules.to_json()
    locked.version += 1
    locked.edited_at, locked.edited_by = timezone.now(), by
    locked.save(update_fields=["title", "sections", "rules", "version", "edited_at", "edited_by"])
    _keep_version(locked, by=by)
    return locked


@transaction.atomic
def issue_bulletin(*, bulletin: Bulletin, version: int, by: User) -> Bulletin:
    """Issue a draft: its files are made and kept, every unit judged in it is sent it and told.

    Raises PermissionDenied, ConflictError where it is not the version the person saw or was issued already,
    ValidationError where its scores were withdrawn since.
    """
    locked = _lock(bulletin, by, Permission.BULLETIN_MAKE)
    _demand_draft(locked, version)
    usable_snapshot(locked.snapshot)
    edition = edition_of(locked.snapshot, locked.compared_with)
    locked.sha256 = files.keep(paper.document(locked.title, locked.sections, edition, kind=locked.kind))
    locked.annex_sha256 = files.keep(annex.workbook(locked.title, edition, on=timezone.localdate()))
    locked.state = Bulletin.State.ISSUED
    locked.issued_at, locked.issued_by = timezone.now(), by
    locked.save(update_fields=["sha256", "annex_sha256", "state", "issued_at", "issued_by"])
    units = _send(locked, edition)
    _tell(locked, units, "issued", by=by)
    audit.record("bulletin.issue", locked, by=by, name=locked.heading, digest=locked.sha256, units=len(units))
    return locked


def _send(bulletin: Bulletin, edition: Edition) -> list[Unit]:
    """Note for every unit in the bulletin that it was sent it, and why it is named where it is."""
    codes = [line.code for group in edition.groups for line in group.lines]
    units = list(Unit.objects.filter(code__in=codes))
    names = {line.code: line.name for group in edition.groups for line in group.lines}
    said = content.sentences(bulletin.sections["problems"])
    BulletinReceipt.objects.bulk_create(
        BulletinReceipt(bulletin=bulletin, unit=unit, reasons=content.about(names[unit.code], said, names.values()))
        for unit in units
    )
    return units


@transaction.atomic
def withdraw_bulletin(*, bulletin: Bulletin, why: str, by: User) -> Bulletin:
    """Withdraw an issued bulletin; file, receipts and answers stay. Raises PermissionDenied, ConflictError where it is
    not in force (any more), ValidationError (why)."""
    locked = _lock(bulletin, by, Permission.BULLETIN_MAKE)
    why = clean(why).strip()
    if not why or len(why) > MAX_WHY:
        raise ValidationError({"why": _("Write 1 to %(count)d characters.") % {"count": MAX_WHY}})
    if locked.state != Bulletin.State.ISSUED:
        raise ConflictError(_("The bulletin is not in force: it is a draft, or was withdrawn already."))
    locked.state = Bulletin.State.WITHDRAWN
    locked.withdrawn_at, locked.withdrawn_by, locked.withdrawn_why = timezone.now(), by, why
    locked.save(update_fields=["state", "withdrawn_at", "withdrawn_by", "withdrawn_why"])
    _tell(locked, [receipt.unit for receipt in locked.receipts.select_related("unit")], "withdrawn", by=by)
    audit.record("bulletin.withdraw", locked, by=by, name=locked.heading, reason=why)
    return locked


@transaction.atomic
def discard_bulletin(*, bulletin: Bulletin, by: User) -> None:
    """Throw a draft away: it leaves the lists. Raises PermissionDenied, ConflictError where it was issued."""
    locked = _lock(bulletin, by, Permission.BULLETIN_MAKE)
    _demand_draft(locked, locked.version)
    locked.state = Bulletin.State.DISCARDED
    locked.save(update_fields=["state"])
    audit.record("bulletin.discard", locked, by=by, name=locked.heading)


@transaction.atomic
def receive_bulletin(*, bulletin: Bulletin, by: User) -> BulletinReceipt:
    """Confirm for one's own unit that the bulletin arrived; a second click changes nothing. Raises PermissionDenied."""
    receipt = _own_receipt(bulletin, by)
    if receipt.received_at is None:
        receipt.received_at, receipt.received_by = timezone.now(), by
        receipt.save(update_fields=["received_at", "received_by"])
    return receipt


@transaction.atomic
def answer_bulletin(*, bulletin: Bulletin, answer: str, by: User) -> BulletinReceipt:
    """Say for one's own unit, named in the bulletin, what it does about it; that confirms the receipt too.

    Raises PermissionDenied, ConflictError where somebody of the unit answered already, ValidationError (answer).
    """
    receipt = _own_receipt(bulletin, by)
    answer = clean(answer).strip()
    if not receipt.reasons:
        raise PermissionDenied(_("Your unit is not named in this bulletin."))
    if receipt.answered_at is not None:
        raise ConflictError(_("Somebody of your unit has answered already. Nothing was saved: look again."))
    if not answer or len(answer) > MAX_ANSWER:
        raise ValidationError({"answer": _("Write 1 to %(count)d characters.") % {"count": MAX_ANSWER}})
    now = timezone.now()
    if receipt.received_at is None:
        receipt.received_at, receipt.received_by = now, by
    receipt.answer, receipt.answered_at, receipt.answered_by = answer, now, by
    receipt.save()
    return receipt


@transaction.atomic
def save_setup(*, district: Unit, version: int, requests: str, rules: Rules, by: User) -> BulletinSetup:
    """Save what the district's bulletins begin with. `version` 0: there was none. Raises PermissionDenied,
    ConflictError where somebody saved in between, ValidationError (requests)."""
    demand(by, Permission.BULLETIN_MAKE)
    requests = "\n".join(content.paragraphs(clean(requests)))
    if not requests or len(requests) > MAX_SECTION:
        raise ValidationError({"requests": _("Write 1 to %(count)d characters.") % {"count": MAX_SECTION}})
    Unit.objects.select_for_update(of=("self",)).get(pk=district.pk)  # the first save has no row of its own to lock
    setup = setup_of(district)
    if setup.version != version:
        raise ConflictError(_("Somebody else saved in the meantime. Nothing was saved: compare, then save again."))
    setup.requests, setup.rules, setup.version = requests, rules.to_json(), version + 1
    setup.saved_at, setup.saved_by = timezone.now(), by
    setup.save()
    audit.record("bulletin.setup", setup, by=by, version=setup.version)
    return setup


def log_download(*, bulletin: Bulletin, part: str, by: User) -> None:
    """Write down that a file of the bulletin left."""
    audit.record("bulletin.download", bulletin, by=by, name=bulletin.heading, paper=part, version=bulletin.version)


def offer_drafts(*, today: date) -> list[Bulletin]:
    """Draft the regular bulletin of each fresh snapshot that has none, by the district's usual rules; nothing is sent.

    Returns the drafts. Running it again drafts nothing; one that was thrown away is not made anew: its row is there.
    """
    fresh = Snapshot.objects.filter(kind__in=OFFERED, state__in=USABLE, last__gte=today - OFFERED_FOR)
    made = []
    for snapshot in fresh.select_related("campaign__district").order_by("pk"):
        kind = OFFERED[Snapshot.Kind(snapshot.kind)]
        if Bulletin.objects.filter(snapshot=snapshot, kind=kind).exists():
            continue
        setup = setup_of(snapshot.campaign.district)
        try:
            with transaction.atomic(), translation.override(settings.LANGUAGE_CODE):
                rules = Rules.from_json(setup.rules)
                made.append(draft_bulletin(snapshot=snapshot, kind=kind, rules=rules, requests=setup.requests, by=None))
        except IntegrityError:
            logger.info("The bulletin of snapshot %s was drafted by another worker.", snapshot.pk)
    return made


def _lock(bulletin: Bulletin, by: User, permission: Permission) -> Bulletin:
    demand(by, permission)
    rows = Bulletin.objects.visible_to(by).select_for_update(of=("self",))
    locked = rows.select_related("snapshot__campaign__district", "compared_with").filter(pk=bulletin.pk).first()
    if locked is None:
        raise PermissionDenied(_("This bulletin is not in your reach."))
    return locked


def _demand_draft(bulletin: Bulletin, version: int) -> None:
    if not bulletin.is_draft:
        raise ConflictError(_("The bulletin is no draft any more: its text stands. Withdraw it to write another."))
    if bulletin.version != version:
        raise ConflictError(_("Somebody else saved in the meantime. Nothing was saved: compare, then save again."))


def _keep_version(bulletin: Bulletin, *, by: User | None) -> None:
    BulletinVersion.objects.create(
        bulletin=bulletin,
        number=bulletin.version,
        title=bulletin.title,
        sections=bulletin.sections,
        rules=bulletin.rules,
        saved_by=by,
    )


def _own_receipt(bulletin: Bulletin, by: User) -> BulletinReceipt:
    demand(by, Permission.RANKING_VIEW)
    post = post_of(by)
    assert post is not None
    rows = BulletinReceipt.objects.select_for_update(of=("self",)).filter(bulletin=bulletin, unit=post.unit_id)
    receipt = rows.filter(bulletin__state=Bulletin.State.ISSUED).first()
    if receipt is None:
        raise PermissionDenied(_("The bulletin was not sent to your unit, or was withdrawn."))
    return receipt


def _tell(bulletin: Bulletin, units: list[Unit], step: str, *, by: User) -> None:
    """Tell the heads of the units, and the units' groups."""
    posts = Posts({unit.code for unit in units})
    people = {user for unit in units for user in posts.heads(unit.code)} - {by.pk}
    with translation.override(settings.LANGUAGE_CODE):
        titles = {"issued": _("Bulletin: %(title)s"), "withdrawn": _("Bulletin withdrawn: %(title)s")}
        notify(
            kind="bulletin",
            title=titles[step] % {"title": bulletin.heading},
            text=_("Please confirm that it arrived.") if step == "issued" else bulletin.withdrawn_why,
            url=reverse("reports:bulletin_detail", args=[bulletin.pk]),
            key=f"bulletin:{bulletin.pk}:{step}",
            users=people,
            units=units,
        )

"""What a resident does on the page of the code: adds to the issue, answers the three questions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from issues import attachments, progress, workflow
from issues.actions.callbacks import send_back
from issues.actions.moving import lock, move_issue
from issues.models import CallBack, Issue
from issues.workflow import Actor, State

MAX_REMARK = 500
MAX_REMARK_PHOTOS = 3
MAX_REMARKS_A_DAY = 5
MAX_REMARKS = 30
MAX_WORDS = 200


@transaction.atomic
def add_remark(*, issue: Issue, text: str, photos: Sequence[UploadedFile] = ()) -> Issue:
    """Keep what the resident adds; an issue that was paused to wait for the resident goes on. Returns it as it is now.

    Raises ValidationError, keyed by argument, for what is too long, too much or no picture, and where the issue ended.
    """
    locked = lock(issue)
    text = text.strip()
    errors: dict[str, str | list[str]] = {}
    if not text or len(text) > MAX_REMARK or "\x00" in text:
        errors["text"] = _("Write at most %(count)d characters.") % {"count": MAX_REMARK}
    if len(photos) > MAX_REMARK_PHOTOS:
        errors["photos"] = _("At most %(count)d photos at a time.") % {"count": MAX_REMARK_PHOTOS}
    else:
        try:
            attachments.clean_photos(photos)  # pictures only, where staff may send papers too
        except ValidationError as error:
            errors["photos"] = error.messages
    if errors:
        raise ValidationError(errors)
    if locked.state not in workflow.ALIVE_STATES:
        raise ValidationError(_("This issue has ended: nothing can be added any more."))
    said = locked.events.filter(move="remark", actor=Actor.RESIDENT)
    today = said.filter(at__gt=timezone.now() - timedelta(days=1)).count()
    if today >= MAX_REMARKS_A_DAY or said.count() >= MAX_REMARKS:
        raise ValidationError(_("You have added a lot already. Please wait a day, or call your visitor."))
    resumes = progress.waits_for_resident(locked)
    try:
        moved = move_issue(
            issue=locked,
            move="remark",
            by=None,
            actor=Actor.RESIDENT,
            version=locked.version,
            note=text,
            evidence=photos,
        )
    except ValidationError as error:
        if "evidence" in getattr(error, "error_dict", {}):
            raise ValidationError({"photos": error.message_dict["evidence"]}) from error
        raise
    if resumes:
        note = _("The resident has answered.")
        moved = move_issue(issue=moved, move="resume", by=None, actor=Actor.RESIDENT, version=moved.version, note=note)
    return moved


@transaction.atomic
def answer_questions(*, issue: Issue, contacted: bool, solved: bool, content: str, words: str = "") -> CallBack:
    """Keep the resident's own answer: once a round. Not solved or not content: the issue is redone in the same step.

    Raises ValidationError where it was answered already, is not reported done, or the answers do not fit.
    """
    locked = lock(issue)
    if locked.state not in progress.ANSWERABLE_STATES:
        raise ValidationError(_("The questions can be answered when the issue is reported done."))
    if locked.call_backs.filter(round=locked.redos, channel=CallBack.Channel.PAGE).exists():
        raise ValidationError(_("You have answered already. Thank you."))
    words = words.strip()
    if len(words) > MAX_WORDS or "\x00" in words:
        raise ValidationError(_("Write at most %(count)d characters.") % {"count": MAX_WORDS})
    answer = CallBack(
        issue=locked,
        round=locked.redos,
        channel=CallBack.Channel.PAGE,
        reached=CallBack.Reached.REACHED,
        contacted=contacted,
        solved=solved,
        content=content,
        words=words,
    )
    answer.full_clean()
    answer.save()
    if not answer.satisfies(locked.outcome):
        send_back(locked, by=None, actor=Actor.RESIDENT, note=words or _("The resident is not content."))
    elif locked.state != State.CLOSED:
        locked.version += 1  # whoever has the page open sees that there is an answer
        locked.save(update_fields=["version"])
    return answer

"""The audit chain: one function writes it, one reads it through and names the first break."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from outreach.access import post_of
from outreach.models import AuditEvent, User

# The chain is one line for the whole database, so writers take turns. Record last in a transaction: the lock is
# held until it ends.
CHAIN_LOCK = 4_399_001

SYSTEM = "system"

# What each action is called on screen; a test finds the ones missing here.
LABELS: dict[str, str | Promise] = {
    "login": _("logged in"),
    "login.failed": _("failed to log in"),
    "password.change": _("changed the password"),
    "password.reset": _("set a one-time password"),
    "post.switch": _("switched post"),
    "account.on": _("switched an account on"),
    "account.off": _("switched an account off"),
    "account.admin": _("made a system administrator"),
    "unit.import": _("imported units"),
    "admin.add": _("added in administration"),
    "admin.change": _("changed in administration"),
    "admin.delete": _("deleted in administration"),
    "admin.import": _("imported in administration"),
    "admin.export": _("exported in administration"),
    "roster.upload": _("uploaded a roster"),
    "roster.mapping": _("changed a roster's columns"),
    "roster.commit_requested": _("asked for a roster to be imported"),
    "roster.commit": _("imported a roster"),
    "roster.undo_requested": _("asked for a roster import to be undone"),
    "roster.undo": _("undid a roster import"),
    "roster.discard": _("discarded a roster file"),
    "roster.missing_marked": _("marked households missing from a roster"),
    "roster.errors_export": _("downloaded a roster's errors"),
    "household.edit": _("edited a household"),
    "household.export": _("exported households"),
    "household.do_not_visit": _("noted a wish not to be visited"),
    "household.may_visit": _("took back a wish not to be visited"),
    "resident_change.accept": _("accepted a correction of the roster"),
    "resident_change.refuse": _("refused a correction of the roster"),
    "id_number.reveal": _("revealed an ID number"),
    "pairing.start": _("paired a household"),
    "pairing.end": _("ended a pairing"),
    "resident_code.print": _("printed residents' codes"),
    "resident_code.renew": _("withdrew a resident's code and made a new one"),
    "call_script.save": _("changed what is said at call-backs"),
    "campaign.create": _("created a campaign"),
    "campaign.edit": _("edited a campaign"),
    "campaign.standard": _("changed the visit standard"),
    "campaign.open": _("opened a campaign"),
    "campaign.close": _("closed a campaign"),
    "campaign.export": _("exported a campaign's households"),
    "campaign.roster": _("refreshed a campaign's roster"),
    "assignment.evenly": _("shared households out evenly"),
    "assignment.places": _("assigned households by place"),
    "assignment.table": _("assigned households from a table"),
    "assignment.pairing": _("assigned households by pairing"),
    "assignment.remove": _("took households back"),
    "assignment.one": _("assigned a household"),
    "assignment.unreachable": _("confirmed a household as unreachable"),
    "assignment.off_roster": _("confirmed a household as empty or moved"),
    "assignment.recheck": _("asked for another visit"),
    "queue.upload": _("handed in the queue of a phone"),
    "questionnaire.create": _("began a questionnaire"),
    "questionnaire.publish": _("published a questionnaire"),
    "questionnaire.retire": _("took a questionnaire out of use"),
    "questionnaire.reuse": _("took a questionnaire back into use"),
    "round.save": _("prepared a survey round"),
    "round.open": _("opened a survey round"),
    "round.extend": _("prolonged a survey round"),
    "round.close": _("ended a survey round"),
    "survey.export_results": _("exported the results of a survey"),
    "survey.export_responses": _("exported the answers of a survey"),
    "poll.import": _("imported results of the official poll"),
    "poll.delete": _("deleted a result of the official poll"),
    "sample_list.upload": _("uploaded a list to draw a sample from"),
    "draw.make": _("drew a sample"),
    "issue.seal": _("sealed the histories of issues"),
    "issue.verify_failed": _("found histories of issues that do not hold"),
    "issue.export": _("exported issues"),
    "issue.export_upward": _("exported reports upward"),
    "issue.upload": _("changed issues by a workbook"),
    "issue.rule_save": _("changed a routing rule"),
    "issue.rule_shift": _("moved a routing rule"),
    "ranking.exported": _("exported the ranking"),
    "plan.create": _("wrote a plan"),
    "plan.edit": _("changed a plan"),
    "plan.close": _("completed a plan"),
    "task.export": _("exported tasks"),
    "unit.link": _("linked a department to a place"),
    "unit.unlink": _("ended a link to a place"),
    "unit.exempt": _("exempted a unit from duties"),
    "unit.unexempt": _("ended a unit's exemption"),
    "deduction.save": _("entered a deduction from above"),
    "deduction.propose": _("proposed a deduction from above for the own scores"),
    "shortfall.enter": _("put shortfalls on the list"),
    "shortfall.edit": _("corrected a shortfall"),
    "shortfall.export": _("exported shortfalls"),
    "peer_scores.enter": _("entered other counties' scores"),
    "remedy.answer": _("answered a deduction or shortfall"),
    "remedy.settle": _("settled a deduction or shortfall"),
    "remedy.return": _("sent a deduction or shortfall back"),
    "board.confirm": _("confirmed a week's figures"),
    "scheme.create": _("began a scoring scheme"),
    "scheme.save": _("changed a draft of a scoring scheme"),
    "scheme.publish": _("put a scoring scheme in force"),
    "scheme.retire": _("took a scoring scheme out of force"),
    "scheme.delete": _("deleted a draft of a scoring scheme"),
    "figure.enter": _("entered figures of a scheme"),
    "figure.approve": _("approved an entered figure"),
    "figure.refuse": _("refused an entered figure"),
    "adjustment.propose": _("proposed a bonus or deduction"),
    "adjustment.approve": _("approved a bonus or deduction"),
    "adjustment.refuse": _("refused a bonus or deduction"),
    "snapshot.take": _("froze scores"),
    "snapshot.approve": _("approved frozen scores"),
    "snapshot.publish": _("published scores"),
    "snapshot.withdraw": _("withdrew scores"),
    "snapshot.replay": _("scored all snapshots again"),
    "snapshot.replay_failed": _("found snapshots that do not hold"),
    "snapshot.revise": _("made a revision of scores"),
    "score.exported": _("exported a ranking by scores"),
    "appeal.file": _("appealed against a score"),
    "appeal.decide": _("decided an appeal"),
    "past_scores.check": _("uploaded scores of earlier years"),
    "past_scores.commit": _("took over scores of earlier years"),
    "past_scores.undo": _("undid an import of scores"),
    "bulletin.draft": _("drew up a bulletin"),
    "bulletin.issue": _("issued a bulletin"),
    "bulletin.withdraw": _("withdrew a bulletin"),
    "bulletin.discard": _("threw the draft of a bulletin away"),
    "bulletin.download": _("downloaded a bulletin"),
    "bulletin.setup": _("changed what bulletins begin with"),
    "issue.mediation_paper": _("printed a paper of a mediation"),
    "channel.save": _("set up a message channel"),
    "channel.on": _("switched a message channel on"),
    "channel.off": _("switched a message channel off"),
    "channel.test": _("tested a message channel"),
    "message.hours": _("changed the message hours"),
    "message.send_again": _("sent a message again"),
    "message.give_up": _("gave a message up"),
    "boundary.apply": _("imported boundaries of units"),
    "hall_link.create": _("made a link for a hall's screen"),
    "hall_link.end": _("withdrew the link of a hall's screen"),
    "hall_link.open": _("opened a hall's screen by its link"),
    "clue.open": _("opened a clue"),
    "clue.step": _("took a step on a clue"),
}


# What the keys of an event's detail are called on screen; a key not listed shows as it is.
DETAIL_LABELS: dict[str, str | Promise] = {
    "added": _("added"),
    "after": _("after"),
    "attempts": _("attempts"),
    "before": _("before"),
    "categories": _("categories"),
    "changed": _("households changed"),
    "changes": _("changes"),
    "columns": _("columns"),
    "count": _("number"),
    "created": _("created"),
    "delete": _("deleted"),
    "digest": _("digest"),
    "due_on": _("due on"),
    "ends_on": _("ends on"),
    "error": _("error"),
    "errors": _("errors"),
    "events": _("events"),
    "faults": _("faults"),
    "fields": _("fields"),
    "filename": _("file name"),
    "filters": _("filters"),
    "first": _("first"),
    "group": _("group"),
    "hours": _("hours"),
    "household": _("household"),
    "households": _("households"),
    "household_bad": _("households with errors"),
    "household_changed": _("households changed"),
    "household_missing": _("households missing from the file"),
    "household_new": _("households added"),
    "household_same": _("households unchanged"),
    "households_added": _("households added"),
    "households_removed": _("households removed"),
    "invalid": _("rows refused"),
    "ip": _("address"),
    "kind": _("kind"),
    "keep_days": _("days kept"),
    "issues": _("issues"),
    "name": _("name"),
    "new": _("created"),
    "places": _("places"),
    "points": _("points"),
    "put_back": _("put back"),
    "reason": _("reason"),
    "reordered": _("moved in the official order"),
    "removed_households": _("households removed again"),
    "removed_residents": _("residents removed again"),
    "resident_bad": _("residents with errors"),
    "resident_changed": _("residents changed"),
    "resident_missing": _("residents missing from the file"),
    "resident_moved": _("residents moved"),
    "resident_new": _("residents added"),
    "resident_same": _("residents unchanged"),
    "residents": _("residents"),
    "restored_households": _("households restored"),
    "restored_residents": _("residents restored"),
    "roster_state": _("roster state"),
    "row": _("object"),
    "rows": _("rows"),
    "rule": _("rule"),
    "skip": _("unchanged"),
    "paper": _("paper"),
    "step": _("step"),
    "starts_on": _("starts on"),
    "taken_off": _("taken off"),
    "unchanged": _("unchanged"),
    "unit": _("unit"),
    "units": _("units"),
    "update": _("updated"),
    "updated": _("updated"),
    "up_to": _("up to"),
    "user": _("user"),
    "version": _("version"),
    "visitor": _("visitor"),
    "visitors": _("visitors"),
    "within": _("within"),
}
DETAIL_VALUES = {"verified_empty": _("verified empty"), "moved": _("moved away")}


def detail_text(detail: dict[str, Any]) -> str:
    """Return an event's detail as one line for people; what is empty is left out."""
    parts = []
    for key, value in detail.items():
        if key == "changes" and isinstance(value, list):  # as Django's admin writes them
            value = LogEntry(change_message=json.dumps(value)).get_change_message()
        elif isinstance(value, list):
            value = "、".join(str(part) for part in value)
        elif isinstance(value, str):
            value = DETAIL_VALUES.get(value, value)
        if value not in (None, "", {}, False):
            parts.append(f"{DETAIL_LABELS.get(key, key)} {value}")
    return " · ".join(parts)


def label(action: str) -> str:
    """Return the action's name on screen; the raw one where a later version knows it no more."""
    return str(LABELS.get(action, action))


def target_label(target: str) -> str:
    """Return "user 12" for "outreach.user:12"; plain names stay."""
    model, colon, pk = target.rpartition(":")
    try:
        return f"{apps.get_model(model)._meta.verbose_name} {pk}" if colon else target
    except (LookupError, ValueError):
        return target


def record(action: str, target: models.Model | str, *, by: User | None, **detail: Any) -> AuditEvent:
    """Append one event. `target` is the row acted on or a plain name; `detail` must be JSON and hold no ID numbers.

    Must run inside the action's transaction, so that the event exists exactly if the act does.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
        last = AuditEvent.objects.order_by("-pk").values_list("hash", flat=True).first()
        # what happens to an account without anybody logged in belongs to the account's district
        whose = by or (target if isinstance(target, User) else None)
        post = post_of(whose) if whose else None
        event = AuditEvent(
            at=timezone.now(),
            actor_id=by.pk if by else None,
            actor=f"{by.name} ({by.staff_number})" if by else SYSTEM,
            action=action,
            unit_code=post.unit.code if post else "",
            target=target if isinstance(target, str) else f"{target._meta.label_lower}:{target.pk}",
            detail=json.loads(json.dumps(detail, default=str)),
            previous_hash=last or "",
        )
        event.hash = digest(event)
        event.save(force_insert=True)
    return event


def digest(event: AuditEvent) -> str:
    """Return the SHA-256 over all of the event but its own hash, hex."""
    content = [
        event.previous_hash,
        event.at.isoformat(),
        event.actor_id,
        event.actor,
        event.action,
        event.unit_code,
        event.target,
        event.detail,
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def broken_events() -> Iterator[tuple[int, str]]:
    """Yield (event id, what is wrong) for every place where the chain does not hold, oldest first."""
    previous = ""
    for event in AuditEvent.objects.order_by("pk").iterator(chunk_size=2000):
        if event.previous_hash != previous:
            yield event.pk, "does not follow the event before it: one was removed, added or moved"
        if digest(event) != event.hash:
            yield event.pk, "its content was changed"
        previous = event.hash

"""Text messages to residents: number and link, nothing else, by the district's SMS gateway (domain.md I4)."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from issues.actions.telling import WORTH_A_WALK
from issues.models import ResidentMessage
from outreach.models import Channel
from outreach.notify import carriers, packing

logger = logging.getLogger(__name__)
MAX_TRIES = 3
RUN_LIMIT = 500  # of one run and district; the next run goes on

State = ResidentMessage.State


def send_texts() -> int:
    """Send what waits for residents of the districts whose messages may leave now; return how many were sent.

    Each message is taken off the queue before it is handed over, and stands meanwhile on the list of who recorded the
    issue: a worker that dies in between loses none and sends none twice. What cannot be sent ends on that list too.
    """
    sent = 0
    for code in packing.Hours(timezone.now()).open_districts():
        gateway = Channel.objects.active().filter(unit__code=code, kind=Channel.Kind.SMS).first()
        done: list[int] = []
        while len(done) < RUN_LIMIT and (message := take(code, done)) is not None:
            done.append(message.pk)
            sent += settle(message, hand_over(message, gateway))
    return sent


@transaction.atomic
def take(district_code: str, done: list[int]) -> ResidentMessage | None:
    """Take the next waiting message of a district off the queue, or return None; two workers never take the same."""
    waiting = ResidentMessage.objects.select_for_update(of=("self",), skip_locked=True).filter(state=State.WAITING)
    inside = waiting.filter(issue__place__code__startswith=district_code).exclude(pk__in=done)
    message = inside.select_related("issue__household", "event").order_by("pk").first()
    if message is not None:
        message.state, message.attempts = State.BY_HAND, message.attempts + 1
        message.save(update_fields=["state", "attempts"])
    return message


def hand_over(message: ResidentMessage, gateway: Channel | None) -> carriers.Answer:
    """Hand one message to the gateway; where there is none, or no number, say so."""
    household = message.issue.household
    if gateway is None or household is None or not household.phone:
        return carriers.Answer(False, "no gateway or no number")
    try:
        carrier = carriers.text_message(carriers.opened(gateway), household.phone, f"resident-{message.pk}")
        return carriers.hand_over(carrier, *words(message))
    except (carriers.UnusableChannelError, KeyError, TypeError, ValueError) as error:
        return carriers.Answer(False, str(error)[:300])


def words(message: ResidentMessage) -> tuple[str, str]:
    """Return title and text in the site's language. No personal data: whoever holds the phone may read it."""
    with translation.override(settings.LANGUAGE_CODE):
        text = _("Your issue %(number)s: %(what)s. Follow it with your code: %(link)s") % {
            "number": message.issue.number,
            "what": message.get_kind_display(),
            "link": f"{settings.SITE_URL}/r/",
        }
        return _("Mass work"), text


def settle(message: ResidentMessage, answer: carriers.Answer) -> bool:
    """Note what became of a message that was handed over; return whether it was sent.

    Tried again where the gateway refused it. What is in doubt, and what was refused too often, stays with the recorder
    where it is worth a walk; the rest can be read on the resident's page.
    """
    rows = ResidentMessage.objects.filter(pk=message.pk, state=State.BY_HAND)
    if answer.is_sent:
        rows.update(state=State.SENT, sent_at=timezone.now())
    elif answer.is_known and message.attempts < MAX_TRIES:
        rows.update(state=State.WAITING)
    elif message.event.move not in WORTH_A_WALK:
        rows.update(state=State.FAILED)
    if not answer.is_sent:
        logger.warning("A message to a resident was not sent: issue %s, try %s", message.issue.number, message.attempts)
    return answer.is_sent

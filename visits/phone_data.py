"""What a phone holds for working without signal: the visitor's households and nobody else's, without ID numbers.

A delta needs no memory on the server. Each household's row has a digest of 32 bits; rows lie in BUCKETS buckets by the
household's number, and a bucket's digest is the XOR of its rows'. The phone sends its buckets' digests, the server
answers with the buckets that differ, whole: whatever happened to the phone's copy, the next download mends it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language

from households.models import Category as HouseholdCategory
from households.models import Household, Pairing, Resident
from issues.models import Category
from outreach import access, calendar
from outreach.access import Permission
from outreach.models import Campaign, User
from surveys.models import Channel, Round
from visits import leases
from visits.attempts import MET_OUTCOMES, Outcome, State
from visits.models import Assignment, FollowUp, Topic, Visit, VisitStandard

BUCKETS = 256
DIGEST_BYTES = 4
OWN_VISITS_DAYS = 60
OWN_VISITS = 500


def build(*, user: User, have: bytes = b"", have_shared: str = "") -> dict[str, Any]:
    """Return the phone's data: all of it, or what differs from the phone's copy.

    `have`: the phone's bucket digests (BUCKETS × DIGEST_BYTES), or nothing; `have_shared`: the digest of its shared
    part. The number of queries does not grow with the list.
    """
    rows = household_rows(user)
    mine = bucket_digests(rows)
    stale = set(range(BUCKETS))
    if len(have) == len(mine):
        stale = {
            bucket
            for bucket in range(BUCKETS)
            if have[bucket * DIGEST_BYTES : (bucket + 1) * DIGEST_BYTES]
            != mine[bucket * DIGEST_BYTES : (bucket + 1) * DIGEST_BYTES]
        }
    shared = shared_part(user)
    digest = hashlib.sha256(_canonical(shared)).hexdigest()[:16]
    now = timezone.now()
    return {
        "user": _who(user),
        "now": now.isoformat(),
        "lease_until": (now + leases.LEASE).isoformat(),
        "count": len(rows),
        "buckets": sorted(stale),
        "households": [row for row in rows if row["household"] % BUCKETS in stale],
        "shared_digest": digest,
        "shared": None if digest == have_shared else shared,
        "visits": own_visits(user, now),
    }


def read_have(text: str) -> bytes:
    """Read the digests a phone sends in the address; nothing where they are none: then it gets everything."""
    try:
        found = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
    return found if len(found) == BUCKETS * DIGEST_BYTES else b""


def _canonical(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str).encode()


def bucket_digests(rows: Sequence[dict[str, Any]]) -> bytes:
    """Return the buckets' digests, one after the other; an empty bucket's is 0."""
    digests = [0] * BUCKETS
    for row in rows:
        digests[row["household"] % BUCKETS] ^= row["d"]
    return b"".join(digest.to_bytes(DIGEST_BYTES) for digest in digests)


def _who(user: User) -> dict[str, Any]:
    post = access.post_of(user)
    return {
        "id": user.pk,
        "name": user.name,
        "staff_number": user.staff_number,
        "post": post.pk if post else None,
        "unit": post.unit.name if post else "",
    }


HOUSEHOLD_FIELDS = (
    "pk",
    "village__name",
    "village__sort_order",
    "number",
    "group",
    "address",
    "door_key",
    "head_name",
    "head_pinyin",
    "phone",
    "priority",
    "categories",
    "best_time",
    "note",
    "do_not_visit_reason",
    "do_not_visit_at",
)


RESIDENT_FIELDS = ("name", "pinyin", "relation", "phone", "second_phone")
DUTY_FIELDS = (
    "pk",
    "campaign_id",
    "household_id",
    "epoch",
    "state",
    "attempts",
    "last_outcome",
    "last_visit_at",
    "due_on",
    "suggested_band",
    "appointment_at",
)


def household_rows(user: User) -> list[dict[str, Any]]:
    """Return a row for each duty of the running campaigns, and each paired household without one. Five queries."""
    duties = list(Assignment.objects.of_visitor(user).order_by("pk").values(*DUTY_FIELDS))
    paired = set(Pairing.objects.filter(user=user, ended_on=None).values_list("household_id", flat=True))
    wanted = {duty["household_id"] for duty in duties} | paired
    households = {values["pk"]: values for values in Household.objects.filter(pk__in=wanted).values(*HOUSEHOLD_FIELDS)}
    residents: dict[int, list[dict[str, Any]]] = defaultdict(list)
    people = Resident.objects.filter(household__in=wanted).order_by("relation", "pk")
    for household, pk, *values in people.values_list("household_id", "pk", *RESIDENT_FIELDS):
        known = {name: value for name, value in zip(RESIDENT_FIELDS, values, strict=True) if value}
        residents[household].append({"id": pk} | known)
    with_duty = {duty["household_id"] for duty in duties}
    asked_for = {
        pk: {"text": text, "due_on": due_on.isoformat()}
        for pk, text, due_on in FollowUp.objects.open()
        .filter(household__in=wanted)
        .order_by("-due_on", "-pk")
        .values_list("household", "text", "due_on")
    }
    doors = [(duty["household_id"], duty) for duty in duties] + [(pk, None) for pk in sorted(paired - with_duty)]
    return [_row(user, households[pk], residents[pk], paired, duty, asked_for.get(pk)) for pk, duty in doors]


def _row(
    user: User,
    household: dict[str, Any],
    residents: list[dict[str, Any]],
    paired: set[int],
    duty: dict[str, Any] | None,
    asked_for: dict[str, str] | None,
) -> dict[str, Any]:
    row = {
        "household": household["pk"],
        "village": household["village__name"],
        "village_order": household["village__sort_order"],
        "number": household["number"],
        "group": household["group"],
        "address": household["address"],
        "door": household["door_key"],
        "head": household["head_name"],
        "pinyin": household["head_pinyin"],
        "phone": household["phone"],
        "priority": household["priority"],
        "categories": household["categories"],
        "best_time": household["best_time"],
        "note": household["note"],
        "do_not_visit": household["do_not_visit_reason"] if household["do_not_visit_at"] else "",
        "residents": residents,
        "paired": household["pk"] in paired,
        "follow_up": asked_for,
    }
    if duty is not None:
        row |= {
            "campaign": duty["campaign_id"],
            "epoch": duty["epoch"],
            "lease": leases.lease_of(user=user.pk, assignment=duty["pk"], epoch=duty["epoch"]),
            "state": duty["state"],
            "attempts": duty["attempts"],
            "last_outcome": duty["last_outcome"],
            "last_visit_at": _moment(duty["last_visit_at"]),
            "due_on": duty["due_on"] and duty["due_on"].isoformat(),
            "band": duty["suggested_band"],
            "appointment_at": _moment(duty["appointment_at"]),
        }
    row = {name: value for name, value in row.items() if value not in ("", None, [], False)}
    row["d"] = int.from_bytes(hashlib.sha256(_canonical(row)).digest()[:DIGEST_BYTES])
    return row


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def shared_part(user: User) -> dict[str, Any]:
    """Return what is the same for all of a visitor's households: choices, words, campaigns, surveys."""
    campaigns = Campaign.objects.visible_to(user).open()
    standards = (
        VisitStandard.objects.filter(campaign__in=campaigns).order_by("campaign_id", "-version").distinct("campaign_id")
    )
    words = {standard.campaign_id: standard.text for standard in standards}
    makeup_workdays = {standard.campaign_id: standard.makeup_workdays for standard in standards}
    roots = Category.objects.filter(parent=None, is_active=True)
    return {
        "language": get_language(),
        "outcomes": [{"code": outcome.value, "label": str(outcome.label)} for outcome in Outcome],
        "met": sorted(MET_OUTCOMES),
        "states": {state.value: str(state.label) for state in State},
        "bands": {value: str(label) for value, label in Household.BestTime.choices},
        "relations": {value: str(label) for value, label in Resident.Relation.choices},
        "household_categories": dict(HouseholdCategory.objects.values_list("code", "name")),
        "problems": [
            {
                "code": root.code,
                "name": root.name,
                "children": [
                    {"code": child.code, "name": child.name} for child in root.children.all() if child.is_active
                ],
            }
            for root in roots.prefetch_related("children")
        ],
        "topics": list(Topic.objects.filter(is_active=True).values("pk", "name", "leaflet")),
        "campaigns": [
            {
                "id": campaign.pk,
                "name": campaign.name,
                "starts_on": campaign.starts_on.isoformat(),
                "ends_on": campaign.ends_on.isoformat(),
                "standard": words.get(campaign.pk, ""),
                "makeup_workdays": makeup_workdays.get(campaign.pk, 5),
            }
            for campaign in campaigns
        ],
        "rounds": survey_rounds(user),
        # so that a make-up visit has its due day before the server has heard of the visit
        "workdays": [day.isoformat() for day in next_workdays(timezone.localdate())],
    }


def next_workdays(today: date) -> list[date]:
    """Return the working days of the lease and as many after it as a make-up visit may take."""
    table = calendar.overrides()
    days = (today + timedelta(days=number) for number in range(60))
    return [day for day in days if calendar.is_workday(day, table)]


def survey_rounds(user: User) -> list[dict[str, Any]]:
    """Return the surveys asked at the door today, each with its frozen version."""
    if not access.has_permission(user, Permission.SURVEY_ASK):
        return []
    today = timezone.localdate()
    rounds = (
        Round.objects.visible_to(user)
        .open()
        .filter(channels__contains=[Channel.DOOR], starts_on__lte=today, ends_on__gte=today)
    )
    return [
        {
            "id": one.pk,
            "campaign": one.campaign_id,
            "name": one.name,
            "is_anonymous": one.is_anonymous,
            "digest": one.version.digest,
            "content": one.version.content,
        }
        for one in rounds.select_related("version").order_by("pk")
    ]


def own_visits(user: User, now: datetime) -> list[dict[str, Any]]:
    """Return the visitor's own visits of the last weeks, latest first: what they did, visible at once offline."""
    since = now - timedelta(days=OWN_VISITS_DAYS)
    found = Visit.objects.filter(Q(visitor=user), visited_at__gte=since).order_by("-visited_at")[:OWN_VISITS]
    return [
        {
            "uuid": str(visit["uuid"]),
            "household": visit["household_id"],
            "outcome": visit["outcome"],
            "visited_at": visit["visited_at"].isoformat(),
        }
        for visit in found.values("uuid", "household_id", "outcome", "visited_at")
    ]

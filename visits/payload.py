"""What a phone sends for one visit, checked by shape alone: pure, no database. The same for the form and the sync.

`parse` turns untrusted JSON into a VisitPayload or says which field is wrong; `VisitPayload.digest` is what tells a
second sending of the same visit from another visit under the same uuid.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from visits.attempts import MET_OUTCOMES, Outcome

MAX_ID = 2**63 - 1
MAX_NOTE = 2000
MAX_LINE = 500
MAX_ITEM_TEXT = 2000
MAX_ITEMS = 20
MAX_TOPICS = 50
MAX_CHANGES = 20
MAX_PHOTO = 5 * 1024 * 1024
MAX_SECONDS = 24 * 60 * 60
MAX_TIMINGS = 60
APPOINTMENT_WITHIN = timedelta(days=60)
SHA256 = re.compile(r"[0-9a-f]{64}")

ITEM_KINDS = ("problem", "need", "opinion", "suggestion")
# The roster's fields a visitor may propose to correct (households decides what becomes of it), with their lengths.
CHANGE_FIELDS = {"name": 50, "relation": 2, "phone": 20, "second_phone": 20}


class PayloadError(Exception):
    """The payload cannot be read. `code` is for programs, `message` for people, `field` names the place."""

    def __init__(self, field: str, code: str, message: str | Promise) -> None:
        super().__init__(f"{field}: {code}")
        self.field, self.code, self.message = field, code, message


@dataclass(frozen=True)
class Item:
    """One thing heard at the door. A problem becomes an issue; only a problem may be urgent or carry a photo."""

    kind: str
    category: str
    text: str
    is_urgent: bool = False
    photo: bytes = b""
    photo_sha256: str = ""  # of a photo that was sent apart, before the visit

    @property
    def photo_digest(self) -> str:
        """The SHA-256 of the photo, the same whichever way it was sent; "" without one."""
        return hashlib.sha256(self.photo).hexdigest() if self.photo else self.photo_sha256


@dataclass(frozen=True)
class RosterChange:
    """A correction to the roster: to the resident named, or a new resident where `resident` is None."""

    resident: int | None
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class VisitPayload:
    """One visit as the phone tells it. Ids are only numbers here: whether they exist and are within reach is for the
    action to find out."""

    uuid: UUID
    household: int
    campaign: int | None
    outcome: str
    visited_at: datetime
    seconds: int | None = None
    resident: int | None = None
    met_other: str = ""
    topics: tuple[int, ...] = ()
    note: str = ""
    help_given: str = ""
    appointment_at: datetime | None = None
    items: tuple[Item, ...] = ()
    changes: tuple[RosterChange, ...] = field(default=())
    # under which turn of the duty the visitor went, and the proof that it was given to this phone
    epoch: int | None = None
    lease: str = ""
    timing: tuple[tuple[str, int], ...] = ()  # part of the form → seconds on it

    def as_json(self, *, with_photos: bool) -> dict[str, Any]:
        """The payload as canonical JSON values; a photo is written in full or as its SHA-256."""

        def photo(item: Item) -> str:
            return base64.b64encode(item.photo).decode() if with_photos and item.photo else item.photo_digest

        # What phones did not send before is left out where it is empty: an old visit keeps its digest.
        later = {"epoch": self.epoch, "timing": dict(self.timing) or None}
        return {name: value for name, value in later.items() if value is not None} | {
            "uuid": str(self.uuid),
            "household": self.household,
            "campaign": self.campaign,
            "outcome": self.outcome,
            "visited_at": self.visited_at.astimezone(UTC).isoformat(),
            "seconds": self.seconds,
            "resident": self.resident,
            "met_other": self.met_other,
            "topics": list(self.topics),
            "note": self.note,
            "help_given": self.help_given,
            "appointment_at": self.appointment_at.astimezone(UTC).isoformat() if self.appointment_at else None,
            "items": [
                {
                    "kind": item.kind,
                    "category": item.category,
                    "text": item.text,
                    "urgent": item.is_urgent,
                    "photo": photo(item),
                }
                for item in self.items
            ],
            "roster": [{"resident": change.resident, **dict(change.values)} for change in self.changes],
        }

    def digest(self) -> str:
        """SHA-256 of the canonical JSON, hex."""
        canonical = json.dumps(self.as_json(with_photos=False), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


FIELDS = frozenset(
    {"uuid", "household", "campaign", "outcome", "visited_at", "seconds", "resident", "met_other", "topics", "note"}
    | {"help_given", "appointment_at", "items", "roster", "epoch", "lease", "timing"}
)
ITEM_FIELDS = frozenset({"kind", "category", "text", "urgent", "photo", "photo_sha256"})


def parse(data: Any) -> VisitPayload:
    """Read one visit from decoded JSON. Raises PayloadError at the first field that is wrong.

    An unknown field is refused rather than dropped: what somebody wrote down at the door must not vanish.
    """
    data = _mapping(data, "", FIELDS)
    outcome = _text(data, "outcome", 20)
    if outcome not in Outcome.values:
        raise PayloadError("outcome", "unknown_outcome", _("Choose what came of the visit."))
    visited_at = _moment(data.get("visited_at"), "visited_at")
    if visited_at is None:
        raise PayloadError("visited_at", "missing", _("The time of the visit is missing."))
    appointment_at = _moment(data.get("appointment_at"), "appointment_at")
    if appointment_at is not None and not visited_at < appointment_at <= visited_at + APPOINTMENT_WITHIN:
        raise PayloadError(
            "appointment_at",
            "appointment_out_of_range",
            _("The appointment must lie after the visit, within 60 days."),
        )
    items = tuple(
        _item(entry, f"items.{number}") for number, entry in enumerate(_list(data.get("items"), "items", MAX_ITEMS))
    )
    changes = tuple(
        _change(entry, f"roster.{number}")
        for number, entry in enumerate(_list(data.get("roster"), "roster", MAX_CHANGES))
    )
    resident = _id(data.get("resident"), "resident", required=False)
    met_other = _text(data, "met_other", 50)
    if (resident or met_other) and outcome not in MET_OUTCOMES | {Outcome.COME_BACK, Outcome.REFUSED}:
        raise PayloadError(
            "resident", "nobody_was_met", _("With this outcome nobody was met: leave “who was met” empty.")
        )
    topics = tuple(sorted({_id(entry, "topics") or 0 for entry in _list(data.get("topics"), "topics", MAX_TOPICS)}))
    household = _id(data.get("household"), "household")
    assert household is not None
    return VisitPayload(
        uuid=_uuid(data.get("uuid")),
        household=household,
        campaign=_id(data.get("campaign"), "campaign", required=False),
        outcome=outcome,
        visited_at=visited_at,
        seconds=_seconds(data.get("seconds")),
        resident=resident,
        met_other=met_other,
        topics=topics,
        note=_text(data, "note", MAX_NOTE),
        help_given=_text(data, "help_given", MAX_LINE),
        appointment_at=appointment_at,
        items=items,
        changes=changes,
        epoch=_epoch(data.get("epoch")),
        lease=_text(data, "lease", 64),
        timing=_timing(data.get("timing")),
    )


def _epoch(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise PayloadError("epoch", "wrong_type", _("A number was expected here."))
    return value


def _timing(value: Any) -> tuple[tuple[str, int], ...]:
    """Seconds by part of the form. A hint for checks: what cannot be is left out, never a reason to refuse a visit."""
    if not isinstance(value, dict):
        return ()
    fit = [
        (name, seconds)
        for name, seconds in value.items()
        if isinstance(name, str) and name.isidentifier() and len(name) <= 30 and type(seconds) is int
        if 0 <= seconds <= MAX_SECONDS
    ]
    return tuple(sorted(fit)[:MAX_TIMINGS])


def _mapping(value: Any, where: str, known: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise PayloadError(where, "wrong_type", _("A visit must be a JSON object."))
    unknown = sorted(set(value) - known)
    if unknown:
        raise PayloadError(where, "unknown_field", _("This program does not know one of the fields: update the page."))
    return value


def _list(value: Any, where: str, limit: int) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise PayloadError(where, "wrong_type", _("A list was expected here."))
    if len(value) > limit:
        raise PayloadError(where, "too_many", _("There are too many entries here."))
    return value


def _text(data: Mapping[str, Any], key: str, limit: int, where: str = "") -> str:
    value, where = data.get(key, ""), where or key
    if value is None:
        return ""
    if not isinstance(value, str):
        raise PayloadError(where, "wrong_type", _("Text was expected here."))
    # PostgreSQL stores neither NUL nor half a surrogate pair.
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise PayloadError(where, "bad_character", _("The text contains a character that cannot be stored."))
    value = value.replace("\r\n", "\n").strip()
    if len(value) > limit:
        message = _("The text is too long: at most %(limit)d characters.") % {"limit": limit}
        raise PayloadError(where, "too_long", message)
    return value


def _id(value: Any, where: str, *, required: bool = True) -> int | None:
    if value is None and not required:
        return None
    # bool is an int in Python
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_ID:
        raise PayloadError(where, "wrong_type", _("A number was expected here."))
    return value


def _seconds(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise PayloadError("seconds", "wrong_type", _("A number was expected here."))
    # A form left open overnight says nothing more than one left open for a day.
    return min(value, MAX_SECONDS)


def _uuid(value: Any) -> UUID:
    try:
        return UUID(value) if isinstance(value, str) and len(value) == 36 else _refuse_uuid()
    except ValueError:
        return _refuse_uuid()


def _refuse_uuid() -> UUID:
    raise PayloadError("uuid", "bad_uuid", _("The visit's own number is missing or broken: open the page again."))


def _moment(value: Any, where: str) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        moment = parse_datetime(value) if isinstance(value, str) and len(value) <= 40 else None
        if moment is not None and timezone.is_naive(moment):
            moment = timezone.make_aware(moment)
        if moment is not None:
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not 2000 <= moment.year <= 2100:
        raise PayloadError(where, "bad_time", _("This is not a date and time."))
    return moment


def _item(value: Any, where: str) -> Item:
    data = _mapping(value, where, ITEM_FIELDS)
    kind = _text(data, "kind", 12, f"{where}.kind")
    if kind not in ITEM_KINDS:
        raise PayloadError(
            f"{where}.kind", "unknown_kind", _("Say whether it is a problem, need, opinion or suggestion.")
        )
    text = _text(data, "text", MAX_ITEM_TEXT, f"{where}.text")
    if not text:
        raise PayloadError(f"{where}.text", "missing", _("Write one line about what was said."))
    category = _text(data, "category", 20, f"{where}.category")
    if kind == "problem" and not category:
        raise PayloadError(f"{where}.category", "missing", _("Choose what kind of problem it is."))
    urgent = data.get("urgent", False)
    if not isinstance(urgent, bool):
        raise PayloadError(f"{where}.urgent", "wrong_type", _("Yes or no was expected here."))
    photo = _photo(data.get("photo"), f"{where}.photo")
    photo_sha256 = "" if photo else _text(data, "photo_sha256", 64, f"{where}.photo_sha256")
    if photo_sha256 and not SHA256.fullmatch(photo_sha256):
        raise PayloadError(f"{where}.photo_sha256", "bad_photo", _("The photo cannot be read: take it again."))
    if kind != "problem" and (urgent or photo or photo_sha256):
        raise PayloadError(where, "problem_only", _("Only a problem may be urgent or have a photo."))
    return Item(kind=kind, category=category, text=text, is_urgent=urgent, photo=photo, photo_sha256=photo_sha256)


def _photo(value: Any, where: str) -> bytes:
    if value is None or value == "":
        return b""
    if not isinstance(value, str):
        raise PayloadError(where, "wrong_type", _("A photo was expected here."))
    too_big = PayloadError(where, "photo_too_big", _("The photo is larger than 5 MB: take a smaller one."))
    if len(value) > MAX_PHOTO * 4 // 3 + 4:
        raise too_big
    try:
        content = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise PayloadError(where, "bad_photo", _("The photo cannot be read: take it again.")) from None
    if len(content) > MAX_PHOTO:
        raise too_big
    return content


def _change(value: Any, where: str) -> RosterChange:
    data = _mapping(value, where, frozenset(CHANGE_FIELDS) | {"resident"})
    resident = _id(data.get("resident"), f"{where}.resident", required=False)
    values = {key: _text(data, key, limit, f"{where}.{key}") for key, limit in CHANGE_FIELDS.items() if key in data}
    if resident is None and not values.get("name"):
        raise PayloadError(f"{where}.name", "missing", _("A new resident needs a name."))
    if not values:
        raise PayloadError(where, "missing", _("Say what is to be corrected."))
    return RosterChange(resident=resident, values=tuple(sorted(values.items())))

"""Finding households by what somebody types: 张三, zs, the end of a phone number, a door.

Each way to find has an index of its own, so the ways are queries of their own, joined by UNION: under OR the database
would read the whole table. `field_of` says the same of one household in Python, for the word beside a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db import models
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Reverse
from django.utils.translation import gettext_lazy as _

from households.models import Household, Resident

DIGITS = re.compile(r"[0-9]{3,11}")
LETTERS = re.compile(r"[A-Za-z]{1,10}")
MIN_DOOR = 2
MIN_INSIDE = 3  # a trigram index knows no shorter piece, unless it begins or ends the address


class Field(models.TextChoices):
    """Where the words were found; the label is what stands beside the row."""

    NAME = "name", _("name of a resident")
    PINYIN = "pinyin", _("initials")
    PHONE = "phone", _("end of phone")
    DOOR = "door", _("door")


def matching(words: str) -> QuerySet[Household]:
    """Return the keys (`values("pk")`) of the households that `words`, cleaned by roster.clean.text, find."""
    first, *others = arms(words)
    return first.union(*others)


def arms(words: str) -> list[QuerySet]:
    """One query of household keys for each way to find; each is answered from an index."""
    people = Resident.objects.order_by()
    found: list[QuerySet] = [
        Household.objects.filter(head_name__startswith=words).values("pk"),
        people.filter(name__startswith=words).values("household"),
        Household.objects.filter(number=words).exclude(number="").values("pk"),
    ]
    if len(words) >= MIN_DOOR:
        found.append(Household.objects.filter(_at_door(words)).values("pk"))
    if LETTERS.fullmatch(words):
        low = words.lower()
        found += [
            Household.objects.filter(head_pinyin__startswith=low).values("pk"),
            people.filter(pinyin__startswith=low).values("household"),
        ]
    if DIGITS.fullmatch(words):
        found += [
            _ends(Household.objects.all(), "phone", words).values("pk"),
            _ends(people, "phone", words).values("household"),
            _ends(people, "second_phone", words).values("household"),
        ]
    return found


def _at_door(words: str) -> Q:
    if len(words) >= MIN_INSIDE:
        return Q(address__contains=words)
    return Q(address__startswith=words) | Q(address__endswith=words)


def _ends(rows: QuerySet, column: str, tail: str) -> QuerySet:
    # alias, not annotate: the column must not come into the UNION
    return rows.exclude(**{column: ""}).alias(tail=Reverse(column)).filter(tail__startswith=Value(tail[::-1]))


def field_of(words: str, household: Household, residents: Iterable[Resident]) -> Field | None:
    """Say where `words` stand in this household, or None: the first of name, initials, phone, door."""
    people = list(residents)
    if any(name.startswith(words) for name in (household.head_name, *(person.name for person in people))):
        return Field.NAME
    if LETTERS.fullmatch(words):
        initials = (household.head_pinyin, *(person.pinyin for person in people))
        if any(text.startswith(words.lower()) for text in initials):
            return Field.PINYIN
    if DIGITS.fullmatch(words):
        phones = [household.phone, *(number for person in people for number in (person.phone, person.second_phone))]
        if any(phone.endswith(words) for phone in phones):
            return Field.PHONE
    address = household.address
    at_door = household.number == words
    if len(words) >= MIN_DOOR:
        at_door = at_door or address.startswith(words) or address.endswith(words)
    if len(words) >= MIN_INSIDE:
        at_door = at_door or words in address
    return Field.DOOR if at_door else None

"""Searching the ledger: a number wins; else resident, initials, phone, door and text, each from an index of its own.

A resident is searched only where the user may know them (`resident_known_to`): a search must not tell what the page
hides. `fields_found` says beside each row where the words were found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower, Reverse, StrIndex
from django.utils.translation import gettext_lazy as _

from households import search as households
from households.models import Household, Resident
from households.roster import clean
from issues.grams import Grams, pieces
from issues.models import Issue, IssueQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from outreach.models import User

NUMBER = re.compile(r"[0-9A-Za-z-]{3,20}")
# More hits by resident than this name nobody: the words are then looked for in numbers and texts alone.
MAX_BY_RESIDENT = 2_000


class Field(models.TextChoices):
    """Where the words were found, in the order in which it is said; the label is what stands beside the row."""

    NUMBER = "number", _("number")
    NAME = households.Field.NAME.value, households.Field.NAME.label
    PINYIN = households.Field.PINYIN.value, households.Field.PINYIN.label
    PHONE = households.Field.PHONE.value, households.Field.PHONE.label
    DOOR = households.Field.DOOR.value, households.Field.DOOR.label
    TEXT = "text", _("text")


@dataclass(frozen=True)
class Found:
    """What a search found. `is_vague`: so many residents match that they were left out; `is_number`: the words are
    the number of the one issue found."""

    issues: IssueQuerySet
    is_vague: bool = False
    is_number: bool = False


def find(issues: IssueQuerySet, words: str, user: User | AnonymousUser) -> Found:
    """Narrow `issues`, already visible to `user`, to those that `words` find. Costs three small queries at most."""
    said, words = words.strip(), clean.text(words)
    if not words:
        return Found(issues)
    is_number = NUMBER.fullmatch(words) is not None
    # whether it is there at all costs less to ask than whether the user may see it
    if is_number and Issue.objects.filter(number=words).exists() and (exact := issues.filter(number=words)).exists():
        return Found(exact, is_number=True)
    keys = _keys_by_resident(issues, words, user)
    is_vague = len(keys) > MAX_BY_RESIDENT
    condition = Q(grams__contains=pieces(said))
    if len(said) > 2:
        # the pairs need not stand one after the other. Not LIKE: its estimate for Chinese is far too low
        condition &= Q(position__gt=0)
        issues = issues.alias(position=StrIndex(Lower("text"), Value(said.lower())))
    if keys and not is_vague:
        condition |= Q(pk__in=keys)
    if is_number:
        issues = issues.alias(tail=Reverse("number"))
        condition |= Q(number__startswith=words) | Q(tail__startswith=Value(words[::-1]))
    return Found(issues.alias(grams=Grams("text")).filter(condition), is_vague)


def _keys_by_resident(issues: IssueQuerySet, words: str, user: User | AnonymousUser) -> list[int]:
    """The keys of the issues found by a resident the user may know, one more than MAX_BY_RESIDENT at most.

    With the households written out PostgreSQL goes from them to their issues, seen or not: `find` keeps to those seen.
    Where the households are too many for that, the issues seen are fewer.
    """
    homes = households.matching(words)
    few = list(homes[: MAX_BY_RESIDENT + 1].values_list("pk", flat=True))
    if len(few) <= MAX_BY_RESIDENT:
        known = Issue.objects.resident_known_to(user).filter(household__in=few)
    else:
        known = issues.resident_known_to(user).filter(household__in=homes)
    return list(known.order_by().values_list("pk", flat=True)[: MAX_BY_RESIDENT + 1]) if few else []


def fields_found(issues: Iterable[Issue], words: str, user: User | AnonymousUser) -> dict[int, Field]:
    """Say for each of `issues` (with households, visible to `user`) where `words` were found. Costs one query.

    An issue that the words do not find is left out.
    """
    said, words = words.strip(), clean.text(words)
    rows = list(issues)
    if not words or not rows:
        return {}
    homes = {row.pk: row.household for row in rows if row.household and row.shows_resident_to(user)}
    people: dict[int, list[Resident]] = {}
    for person in Resident.objects.filter(household__in={home.pk for home in homes.values()}):
        people.setdefault(person.household_id, []).append(person)
    found = {}
    for row in rows:
        home = homes.get(row.pk)
        field = _field_of(row, words, home, people.get(home.pk, []) if home else [])
        if field or said.lower() in row.text.lower():
            found[row.pk] = field or Field.TEXT
    return found


def _field_of(issue: Issue, words: str, home: Household | None, people: list[Resident]) -> Field | None:
    if NUMBER.fullmatch(words) and (issue.number.startswith(words) or issue.number.endswith(words)):
        return Field.NUMBER
    if home is not None and (field := households.field_of(words, home, people)):
        return Field(field.value)
    return None

"""Signs that a response may not be what somebody meant: for a person to look at, never a reason to leave it out. Pure.

A response is looked at by itself, when it is stored; nothing of who answered or asked is used. Meant as Survey
Solutions and SurveyCTO do it: shares by unit and channel, never a list of responses.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from surveys.answers import Answers, is_declined, path
from surveys.questionnaire import CHOICES, Content, Item, Kind

# Nobody reads and answers an item in less on average; a reader of Chinese takes some 5 characters a second.
LEAST_SECONDS = 2
STRAIGHT_ITEMS = 5
MOST_DECLINED = 0.7
SAME_ITEMS, SAME_RESPONSES = 6, 4


class Flag(StrEnum):
    """What is odd about a response."""

    SPEEDING = "speeding"  # answered faster than one can read
    STRAIGHT = "straight"  # the same place in the list of options all along
    DECLINED = "declined"  # hardly any item answered
    SAME = "same"  # the same answers to every item as others that came about the same time


def flags(content: Content, answers: Answers, seconds: Mapping[str, Any]) -> list[str]:
    """Return the flags of one response, sorted; `seconds`: item key → whole seconds it was on screen."""
    asked = path(content, answers)
    found = []
    timed = [seconds[item.key] for item in asked if item.key in seconds]
    if len(timed) >= 3 and len(timed) * 2 >= len(asked) and sum(timed) < LEAST_SECONDS * len(timed):
        found.append(Flag.SPEEDING)
    places = [place for item in asked for place in _places(item, answers.get(item.key))]
    if len(places) >= STRAIGHT_ITEMS and len(set(places)) == 1:
        found.append(Flag.STRAIGHT)
    given = [answers[item.key] for item in asked if item.key in answers]
    if len(given) >= STRAIGHT_ITEMS and sum(is_declined(answer) for answer in given) > MOST_DECLINED * len(given):
        found.append(Flag.DECLINED)
    return sorted(flag.value for flag in found)


def same(batch: Sequence[Answers]) -> list[bool]:
    """Return which responses of those stored together have all their answers, many enough, in common with others."""
    texts = [json.dumps(answers, sort_keys=True) for answers in batch]
    counts = Counter(texts)
    return [
        len(answers) >= SAME_ITEMS and counts[text] >= SAME_RESPONSES
        for answers, text in zip(batch, texts, strict=True)
    ]


def _places(item: Item, answer: Any) -> list[int]:
    """Return where in the list the answers stand; of shuffled options a place says nothing."""
    if item.shuffle or answer is None or is_declined(answer) or len(item.options) < 3:
        return []
    order = {option.code: number for number, option in enumerate(item.options)}
    if item.kind in CHOICES:
        return [order[answer]]
    if item.kind == Kind.MATRIX:
        return [order[code] for code in answer.values() if not is_declined(code)]
    return []

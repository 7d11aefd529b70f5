"""Answers to a questionnaire: which items are asked, whether the answers fit, what they earn. Pure.

An answer is what JSON can say: a code (single, scale, yes or no), a list of codes (multi), a number as text or number,
a text, a date (ISO), for a matrix {row: code or decline}; and {"declined": "dont_know" | "refused"} for any item.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeGuard

from django.utils.translation import gettext as _

from surveys.questionnaire import CHOICES, Content, Decline, Item, Kind, Op, Rule, decimal, iso_date

Answers = Mapping[str, Any]


class AnswerErrors(ValueError):
    """Answers that do not fit: `problems` is item key → what to do about it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {text}" for key, text in problems.items()))
        self.problems = dict(problems)


def is_declined(answer: Any) -> TypeGuard[Mapping[str, str]]:
    """Is this a "don't know" or "no answer"?"""
    return isinstance(answer, Mapping) and set(answer) == {"declined"}


def path(content: Content, answers: Answers) -> list[Item]:
    """Return the items that are asked, given the answers; an answer of an item that is not asked counts for nothing."""
    asked: list[Item] = []
    known: dict[str, Any] = {}
    for item in content.items:
        if is_shown(item, known):
            asked.append(item)
            if item.key in answers and not _is_empty(answers[item.key]):
                known[item.key] = answers[item.key]
    return asked


def is_shown(item: Item, known: Answers) -> bool:
    """Is the item asked, given the answers to the items asked before it?"""
    if item.show_if is None:
        return True
    held = (_holds(rule, known.get(rule.item)) for rule in item.show_if.rules)
    return any(held) if item.show_if.any else all(held)


def _holds(rule: Rule, answer: Any) -> bool:
    if rule.op == Op.ANSWERED:
        return answer is not None and not is_declined(answer)
    if rule.op == Op.DECLINED:
        return is_declined(answer)
    if answer is None or is_declined(answer):
        return False  # of what nobody said nothing follows, "is not" included
    if rule.op == Op.INCLUDES:
        return isinstance(answer, list) and rule.value in answer
    if rule.op in (Op.IS, Op.IS_NOT):
        return (str(answer) == rule.value) == (rule.op == Op.IS)
    number, limit = decimal(answer), decimal(rule.value)
    if number is None or limit is None:
        return False
    return number >= limit if rule.op == Op.AT_LEAST else number <= limit


def clean(content: Content, answers: Any) -> dict[str, Any]:
    """Return the answers of the items asked, each in its one form. Raises AnswerErrors naming every item that lacks an
    answer or has one that does not fit. Answers of items that are not asked are left out: the respondent went back and
    changed an answer before."""
    if not isinstance(answers, Mapping):
        raise AnswerErrors({"": _("These answers cannot be read.")})
    problems: dict[str, str] = {}
    cleaned: dict[str, Any] = {}
    for item in content.items:
        if not is_shown(item, cleaned):
            continue
        answer = answers.get(item.key)
        if _is_empty(answer):
            if not item.is_optional:
                problems[item.key] = _("Please choose or write an answer, or say that there is none.")
            continue
        try:
            cleaned[item.key] = _cleaned(item, answer)
        except ValueError as error:
            problems[item.key] = str(error)
    strangers = [key for key in answers if key not in content.by_key]
    if strangers:
        problems[""] = _("There are answers to items that this version does not have.")
    if problems:
        raise AnswerErrors(problems)
    return cleaned


def _is_empty(answer: Any) -> bool:
    return answer is None or answer == "" or answer == [] or answer == {}


def _cleaned(item: Item, answer: Any) -> Any:
    """Return the answer in its one form; ValueError with what to do where it does not fit."""
    if is_declined(answer):
        if answer["declined"] not in item.declines:
            raise ValueError(_("This item needs an answer."))
        return {"declined": str(answer["declined"])}
    if item.kind in CHOICES:
        return _code(item, answer)
    if item.kind == Kind.MULTI:
        return _codes(item, answer)
    if item.kind == Kind.MATRIX:
        return _matrix(item, answer)
    if item.kind == Kind.NUMBER:
        return _number(item, answer)
    if item.kind == Kind.DATE:
        return _date(item, answer)
    return _text(item, answer)


def _code(item: Item, answer: Any) -> str:
    if isinstance(answer, bool) or not isinstance(answer, (str, int)) or str(answer) not in item.codes:
        raise ValueError(_("Choose one of the options."))
    return str(answer)


def _codes(item: Item, answer: Any) -> list[str]:
    if not isinstance(answer, list) or not all(isinstance(code, str) and code in item.codes for code in answer):
        raise ValueError(_("Choose among the options."))
    chosen = [option.code for option in item.options if option.code in answer]
    if len(chosen) < len(answer):
        raise ValueError(_("Choose each option once."))
    if len(chosen) < item.min_choices:
        raise ValueError(_("Choose at least %(count)s.") % {"count": item.min_choices})
    if item.max_choices and len(chosen) > item.max_choices:
        raise ValueError(_("Choose at most %(count)s.") % {"count": item.max_choices})
    return chosen


def _matrix(item: Item, answer: Any) -> dict[str, Any]:
    keys = [row.key for row in item.rows]
    if not isinstance(answer, Mapping) or not set(answer) <= set(keys):
        raise ValueError(_("Answer line by line."))
    cleaned: dict[str, Any] = {}
    for key in keys:
        given = answer.get(key)
        if _is_empty(given):
            if item.is_optional:
                continue
            raise ValueError(_("Answer every line, or say that there is no answer."))
        if is_declined(given):
            if given["declined"] not in item.declines:
                raise ValueError(_("This item needs an answer."))
            cleaned[key] = {"declined": str(given["declined"])}
        else:
            cleaned[key] = _code(item, given)
    return cleaned


def _number(item: Item, answer: Any) -> str:
    number = decimal(answer)
    if number is None:
        raise ValueError(_("Write a number."))
    if item.is_whole and number != number.to_integral_value():
        raise ValueError(_("Write a whole number."))
    low, high = decimal(item.minimum), decimal(item.maximum)
    if low is not None and number < low:
        raise ValueError(_("At least %(limit)s.") % {"limit": item.minimum})
    if high is not None and number > high:
        raise ValueError(_("At most %(limit)s.") % {"limit": item.maximum})
    return format(number.normalize(), "f") if number else "0"


def _date(item: Item, answer: Any) -> str:
    day = iso_date(answer)
    if day is None:
        raise ValueError(_("Write a date."))
    low, high = iso_date(item.minimum), iso_date(item.maximum)
    if low and day < low:
        raise ValueError(_("Not before %(limit)s.") % {"limit": item.minimum})
    if high and day > high:
        raise ValueError(_("Not after %(limit)s.") % {"limit": item.maximum})
    return day.isoformat()


def _text(item: Item, answer: Any) -> str:
    if not isinstance(answer, str):
        raise ValueError(_("Write a text."))
    text = "".join(letter for letter in answer if letter == "\n" or letter.isprintable()).strip()
    if not text:
        raise ValueError(_("Write a text."))
    if len(text) > item.max_length:
        raise ValueError(_("At most %(limit)s characters.") % {"limit": item.max_length})
    return text


def marks(item: Item, answer: Any) -> Decimal | None:
    """Return what a cleaned answer earns: the option's marks, for several the sum, for a matrix the mean of its lines.

    None where the item is not scored, was declined, or not asked: such a respondent is not in the item's mean.
    """
    worth = {option.code: option.marks for option in item.options}
    if answer is None or is_declined(answer):
        return None
    if item.kind in CHOICES:
        return worth.get(answer)
    if item.kind == Kind.MULTI:
        given = [worth[code] for code in answer if worth[code] is not None]
    elif item.kind == Kind.MATRIX:
        given = [worth[code] for code in answer.values() if not is_declined(code) and worth[code] is not None]
    else:
        return None
    known = [mark for mark in given if mark is not None]
    if not known:
        return None
    return sum(known, Decimal(0)) / (len(known) if item.kind == Kind.MATRIX else 1)


__all__ = ["AnswerErrors", "Answers", "Decline", "clean", "is_declined", "is_shown", "marks", "path"]

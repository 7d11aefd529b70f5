"""A questionnaire in words, and what differs between two. Pure; a draft that is not complete is shown as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from surveys.editor import KIND_LABELS, OP_LABELS, Draft, items_of
from surveys.questionnaire import Kind, Op


@dataclass(frozen=True, slots=True)
class ItemWords:
    """One item as people read it."""

    number: int
    key: str
    text: str
    kind: str
    explanation: str
    options: tuple[tuple[str, str], ...]  # label, marks ("" unmarked)
    rows: tuple[str, ...]
    asked_if: str  # "": always
    limits: str
    dimension: str
    unit: str


@dataclass(slots=True)
class Change:
    """An item of either content: `state` is "same", "changed", "added" or "removed"."""

    state: str
    item: ItemWords
    is_moved: bool = False
    parts: list[tuple[str, str, str]] = field(default_factory=list)  # what, before, after


def item_words(content: Any, unit_names: Mapping[str, str] | None = None) -> list[ItemWords]:
    """Return the items of a content's JSON in words; `unit_names`: code → name of responsible units."""
    items = items_of(content)
    texts = {item["key"]: (place, item) for place, item in enumerate(items, 1)}
    names = unit_names or {}
    return [
        ItemWords(
            number=place,
            key=item["key"],
            text=str(item.get("text") or ""),
            kind=_kind(item),
            explanation=str(item.get("explanation") or ""),
            options=tuple((str(o.get("label") or ""), str(o.get("marks") or "")) for o in _parts(item, "options")),
            rows=tuple(str(row.get("label") or "") for row in _parts(item, "rows")),
            asked_if=_asked_if(item, texts),
            limits="; ".join(_limits(item)),
            dimension=str(item.get("dimension") or ""),
            unit=names.get(str(item.get("unit") or ""), str(item.get("unit") or "")),
        )
        for place, item in enumerate(items, 1)
    ]


def _parts(data: Any, name: str) -> list[Mapping[str, Any]]:
    given = data.get(name) if isinstance(data, Mapping) else None
    return [part for part in given if isinstance(part, Mapping)] if isinstance(given, list) else []


def _kind(item: Draft) -> str:
    kind = item.get("kind")
    return str(KIND_LABELS[Kind(kind)]) if kind in list(Kind) else "?"


def _asked_if(item: Draft, texts: Mapping[str, tuple[int, Draft]]) -> str:
    show_if = item.get("show_if")
    said = []
    for rule in _parts(show_if, "rules"):
        place, other = texts.get(str(rule.get("item")), (0, {}))
        labels = {o.get("code"): str(o.get("label") or "") for o in _parts(other, "options")}
        op, value = rule.get("op"), str(rule.get("value") or "")
        words = str(OP_LABELS[Op(op)]) if op in list(Op) else "?"
        shown = labels.get(value, value)
        said.append(
            _("item %(number)s %(condition)s %(value)s") % {"number": place or "?", "condition": words, "value": shown}
        )
    is_any = isinstance(show_if, Mapping) and show_if.get("any") is True
    return (_(" or ") if is_any else _(" and ")).join(line.strip() for line in said)


def _limits(item: Draft) -> Iterable[str]:
    if item.get("minimum"):
        yield _("at least %(limit)s") % {"limit": item["minimum"]}
    if item.get("maximum"):
        yield _("at most %(limit)s") % {"limit": item["maximum"]}
    if item.get("is_whole") is True:
        yield _("whole numbers only")
    if item.get("max_length"):
        yield _("at most %(limit)s characters") % {"limit": item["max_length"]}
    if item.get("min_choices"):
        yield _("at least %(limit)s choices") % {"limit": item["min_choices"]}
    if item.get("max_choices"):
        yield _("at most %(limit)s choices") % {"limit": item["max_choices"]}
    if item.get("shuffle") is True:
        yield _("options in another order for each respondent")
    if item.get("is_optional") is True:
        yield _("may be left empty")
    if isinstance(declines := item.get("declines"), list):
        if "dont_know" not in declines:
            yield _("without “don't know”")
        if "refused" not in declines:
            yield _("without “no answer”")


def differences(
    old: Any, new: Any, unit_names: Mapping[str, str] | None = None
) -> tuple[list[tuple[str, str, str]], list[Change]]:
    """Return what differs around the items (what, before, after), and each item of both with what became of it."""
    before = {item.key: item for item in item_words(old, unit_names)}
    after = {item.key: item for item in item_words(new, unit_names)}
    steps = SequenceMatcher(None, [k for k in before if k in after], [k for k in after if k in before], autojunk=False)
    kept = [key for key in after if key in before]
    still = {key for block in steps.get_matching_blocks() for key in kept[block.b : block.b + block.size]}
    changes = []
    for key, item in after.items():
        if key not in before:
            changes.append(Change("added", item))
            continue
        parts = _item_parts(before[key], item)
        is_moved = key not in still
        changes.append(Change("changed" if parts or is_moved else "same", item, is_moved, parts))
    changes += [Change("removed", item) for key, item in before.items() if key not in after]
    heads = {"title": _("Title"), "intro": _("Words before the first item"), "thanks": _("Words of thanks at the end")}
    around = [(label, _said(old, name), _said(new, name)) for name, label in heads.items()]
    return [row for row in around if row[1] != row[2]], changes


def _said(content: Any, name: str) -> str:
    return str(content.get(name) or "") if isinstance(content, Mapping) else ""


def _item_parts(old: ItemWords, new: ItemWords) -> list[tuple[str, str, str]]:
    rows = [
        (_("Question"), old.text, new.text),
        (_("How it is answered"), old.kind, new.kind),
        (_("Explanation"), old.explanation, new.explanation),
        (_("Options"), _spoken(old.options), _spoken(new.options)),
        (pgettext("matrix", "Lines"), " / ".join(old.rows), " / ".join(new.rows)),
        (_("Asked where"), old.asked_if, new.asked_if),
        (pgettext("survey", "Limits"), old.limits, new.limits),
        (_("Dimension"), old.dimension, new.dimension),
        (pgettext("item", "Responsible unit"), old.unit, new.unit),
    ]
    return [row for row in rows if row[1] != row[2]]


def _spoken(options: Iterable[tuple[str, str]]) -> str:
    return " / ".join(f"{label} ({marks})" if marks else label for label, marks in options)

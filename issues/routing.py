"""Which unit an issue goes to, and the sentence that says why. Pure: the rules are handed in, loaded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from issues.models import Category, RoutingRule
from outreach.models import Unit


@dataclass(frozen=True)
class Route:
    """Where an issue goes. Without a `rule` it is the fallback, and a person must dispatch it. `passed` are the rules
    that matched before but name a unit out of use: the sentence says so, for somebody must mend them."""

    unit: Unit
    rule: RoutingRule | None
    why: str
    passed: tuple[RoutingRule, ...] = ()


def choose(rules: Sequence[RoutingRule], *, category: Category, place: Unit, kind: str, text: str) -> Route:
    """Return the route of the first rule that matches, in the order given; else the township of the place, else the
    district.

    A rule matches where each of its filled fields does: the category or one above it, the area the place lies in, the
    kind, any of the words. A rule whose unit is out of use or in another district, or that asks for a township or
    village where the place has none, is passed over: an issue never goes to nobody.
    """
    path, passed = {node.pk for node in category.path()}, list[RoutingRule]()
    for rule in rules:
        if rule.is_active and matches(rule, path=path, place=place, kind=kind, text=text):
            unit = goal(rule, place)
            if unit is not None and unit.district_code == place.district_code:
                if unit.is_active:
                    return Route(unit, rule, sentence(rule, unit, passed), tuple(passed))
                passed.append(rule)
    township = ancestor(place, Unit.Kind.TOWNSHIP) or ancestor(place, Unit.Kind.DISTRICT) or place
    return Route(township, None, sentence(None, township, passed), tuple(passed))


def matches(rule: RoutingRule, *, path: set[int], place: Unit, kind: str, text: str) -> bool:
    """Say whether every filled field of `rule` holds. `path` holds the ids of the category and those above it."""
    lowered = text.casefold()
    return (
        (rule.category_id is None or rule.category_id in path)
        and (rule.area is None or place.code.startswith(rule.area.code))
        and (not rule.kind or rule.kind == kind)
        and (not rule.keywords or any(word.casefold() in lowered for word in rule.keywords))
    )


def goal(rule: RoutingRule, place: Unit) -> Unit | None:
    """Return the unit `rule` sends to from `place`, or None where the place has no such unit."""
    if rule.target == RoutingRule.Target.TOWNSHIP:
        return ancestor(place, Unit.Kind.TOWNSHIP)
    if rule.target == RoutingRule.Target.VILLAGE:
        return ancestor(place, Unit.Kind.VILLAGE)
    return rule.unit


def ancestor(place: Unit, kind: str) -> Unit | None:
    """Return `place` or the nearest unit above it that is of `kind`, or None."""
    node: Unit | None = place
    while node is not None and node.kind != kind:
        node = node.parent
    return node


def sentence(rule: RoutingRule | None, unit: Unit, passed: Sequence[RoutingRule] = ()) -> str:
    """Say in the site's language why an issue goes to `unit`, and which broken rules were `passed` over: the sentence
    is stored with the issue, for everybody to read."""
    with translation.override(settings.LANGUAGE_CODE):
        if rule is None:
            why = _("No rule matches: %(unit)s dispatches it.") % {"unit": unit.name}
        else:
            conditions = rule.conditions() or [_("everything else")]
            why = _("By rule: %(conditions)s → %(unit)s") % {"conditions": " + ".join(conditions), "unit": unit.name}
        if passed:
            names = "、".join(dict.fromkeys(broken.goal_name for broken in passed))
            note = _("(passed over a rule whose unit is out of use: %(names)s)") % {"names": names}
            # the end is cut first, and the note is what somebody must act on
            why = why[: max(0, 200 - len(note))] + note
    return why[:200]


def by_hand(dispatcher: Unit, note: str) -> str:
    """Say in the site's language that people of `dispatcher` chose the unit, and their reason."""
    with translation.override(settings.LANGUAGE_CODE):
        return (_("Dispatched by %(unit)s: %(note)s") % {"unit": dispatcher.name, "note": note})[:200]

"""What is wrong with the routing rules, and what an edited one would change. Pure: the rules and issues are handed in,
their categories planted (`Category.plant`), so that nothing here asks the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from issues import routing
from issues.models import Issue, RoutingRule
from outreach.models import Unit

# How far down the tree a place must lie for a rule to find a unit there.
TARGET_LEVEL: dict[str, int] = {
    RoutingRule.Target.UNIT: 0,
    RoutingRule.Target.TOWNSHIP: 1,
    RoutingRule.Target.VILLAGE: 2,
}
AREA_LEVEL: dict[str, int] = {Unit.Kind.DISTRICT: 0, Unit.Kind.TOWNSHIP: 1, Unit.Kind.VILLAGE: 2}


def problems(rules: Sequence[RoutingRule], *, district_code: str) -> dict[int, list[str]]:
    """Return rule id → sentences saying why it never sends anything anywhere in the district; whole rules are left out.

    `rules` are all rules of the district in their order; those out of use are not looked at.
    """
    found: dict[int, list[str]] = {}
    whole: list[tuple[int, RoutingRule]] = []
    for number, rule in enumerate(rules, 1):
        if not rule.is_active:
            continue
        faults = faults_of(rule)
        if not faults:
            before = next((at for at, earlier in whole if covers(earlier, rule, district_code=district_code)), None)
            if before is None:
                whole.append((number, rule))
            else:
                faults = [_("Never reached: rule %(number)d takes everything first.") % {"number": before}]
        if faults:
            found[rule.pk] = faults
    return found


def faults_of(rule: RoutingRule) -> list[str]:
    """Say what `rule` names that is out of use."""
    faults = []
    if rule.unit is not None and not rule.unit.is_active:
        faults.append(_("The unit %(name)s is out of use: the rule is passed over.") % {"name": rule.unit.name})
    if rule.area is not None and not rule.area.is_active:
        faults.append(_("The area %(name)s is out of use: no issue comes from there.") % {"name": rule.area.name})
    off = next((node for node in rule.category.path() if not node.is_active), None) if rule.category else None
    if off is not None:
        faults.append(_("The category %(name)s is out of use: no issue can have it.") % {"name": off.name})
    return faults


def covers(earlier: RoutingRule, later: RoutingRule, *, district_code: str) -> bool:
    """Say whether `earlier` takes every issue of the district that `later` could send anywhere."""
    level = max(TARGET_LEVEL[later.target], AREA_LEVEL[later.area.kind] if later.area else 0)
    return (
        (earlier.category_id is None or (later.category is not None and earlier.category in later.category.path()))
        and (
            earlier.area is None
            or earlier.area.code == district_code
            or (later.area is not None and later.area.code.startswith(earlier.area.code))
        )
        and earlier.kind in ("", later.kind)
        and words_cover(earlier.keywords, later.keywords)
        and TARGET_LEVEL[earlier.target] <= level
    )


def words_cover(earlier: Sequence[str], later: Sequence[str]) -> bool:
    """Say whether every text that holds one of the words `later` holds one of the words `earlier` too."""
    if not earlier:
        return True
    small = [word.casefold() for word in earlier]
    return bool(later) and all(any(word in other.casefold() for word in small) for other in later)


@dataclass(frozen=True)
class Shift:
    """Issues that would go to another unit."""

    before: Unit
    after: Unit
    issues: list[Issue]


@dataclass
class Trial:
    """What a set of rules would do to issues already recorded: how many were tried, how many the rule in question
    would catch, and those that would go elsewhere, the largest group first."""

    tried: int = 0
    caught: int = 0
    shifts: list[Shift] = field(default_factory=list)

    @property
    def moved(self) -> int:
        """How many issues would go to another unit."""
        return sum(len(shift.issues) for shift in self.shifts)


def with_rule(rules: Sequence[RoutingRule], rule: RoutingRule) -> list[RoutingRule]:
    """Return `rules` as they would be with `rule` saved: in its place where it is known, at the end where it is new."""
    if rule.pk is None:
        return [*rules, rule]
    return [rule if known.pk == rule.pk else known for known in rules]


def trial(issues: Iterable[Issue], *, before: Sequence[RoutingRule], rule: RoutingRule) -> Trial:
    """Route `issues` by the rules as they are (`before`) and as they would be with `rule`, and compare.

    What people dispatched by hand since does not matter: asked is what the rules say.
    """
    result, groups = Trial(), dict[tuple[int, int], Shift]()
    after = with_rule(before, rule)
    for issue in issues:
        old, new = route(issue, before), route(issue, after)
        result.tried += 1
        result.caught += new.rule is rule
        if old.unit.pk != new.unit.pk:
            shift = groups.setdefault((old.unit.pk, new.unit.pk), Shift(old.unit, new.unit, []))
            shift.issues.append(issue)
    result.shifts = sorted(groups.values(), key=lambda shift: -len(shift.issues))
    return result


def route(issue: Issue, rules: Sequence[RoutingRule]) -> routing.Route:
    """Where `rules` would send `issue`, had it been recorded now."""
    return routing.choose(rules, category=issue.category, place=issue.place, kind=issue.kind, text=issue.text)

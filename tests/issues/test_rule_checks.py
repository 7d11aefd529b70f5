"""Broken rules, and what an edited rule would move."""

from __future__ import annotations

import random
from itertools import product

import pytest
from django.urls import reverse

from issues import routing, rule_checks
from issues.models import Category, Issue, RoutingRule
from outreach.models import AuditEvent, Unit
from tests.issues.make import category, issue_at, route
from tests.issues.test_routing import rule, world  # noqa: F401 (the fixture of a small district in memory)

RULES = "/issues/rules/"


def problems(rules):
    return rule_checks.problems(rules, district_code="439900")


# ---- what is broken ----


def test_whole_rules_have_no_problem(world):  # noqa: F811
    rules = [
        rule(1, world.roads, category=world.child),
        rule(2, world.water, category=world.root),
        rule(3, world.roads),
    ]
    assert problems(rules) == {}


@pytest.mark.parametrize("thing", ["unit", "area", "category", "category above"])
def test_a_rule_that_names_something_out_of_use_is_broken(world, thing):  # noqa: F811
    broken = rule(1, world.roads, area=world.qingxi, category=world.child)
    off = {"unit": world.roads, "area": world.qingxi, "category": world.child, "category above": world.root}[thing]
    off.is_active = False
    (sentence,) = problems([broken, rule(2, world.water)])[1]
    assert off.name in sentence
    broken.is_active = False
    assert problems([broken, rule(2, world.water)]) == {}


@pytest.mark.parametrize(
    ("earlier", "later", "is_shadowed"),
    [
        ({}, {}, True),
        ({}, {"category": "child", "kind": "need", "area": "shiqiao", "keywords": ["路灯"]}, True),
        ({"category": "root"}, {"category": "child"}, True),
        ({"category": "child"}, {"category": "root"}, False),
        ({"category": "other"}, {"category": "child"}, False),
        ({"category": "root"}, {}, False),
        ({"area": "qingxi"}, {"area": "shiqiao"}, True),
        ({"area": "district"}, {}, True),
        ({"area": "shiqiao"}, {"area": "qingxi"}, False),
        ({"area": "qingxi"}, {"area": "bailu"}, False),
        ({"kind": "need"}, {"kind": "need"}, True),
        ({"kind": "need"}, {"kind": "hazard"}, False),
        ({"kind": "need"}, {}, False),
        ({"keywords": ["灯"]}, {"keywords": ["路灯", "红绿灯"]}, True),
        ({"keywords": ["wifi"]}, {"keywords": ["WiFi信号"]}, True),
        ({"keywords": ["路灯"]}, {"keywords": ["灯"]}, False),
        ({"keywords": ["路灯"]}, {"keywords": ["路灯", "井盖"]}, False),
        ({"keywords": ["路灯"]}, {}, False),
        ({"is_active": False}, {}, False),
        ({"target": "township"}, {}, False),  # of the district itself no township is found: the later rule still serves
        ({"target": "township"}, {"area": "qingxi"}, True),
        ({"target": "village"}, {"area": "qingxi"}, False),
        ({"target": "village"}, {"area": "shiqiao"}, True),
        ({"target": "township"}, {"target": "village"}, True),
    ],
)
def test_a_rule_that_an_earlier_one_takes_everything_from_is_broken(world, earlier, later, is_shadowed):  # noqa: F811
    def made(pk, fields):
        names = {key: getattr(world, fields[key]) for key in ("category", "area") if key in fields}
        return rule(pk, None if "target" in fields else world.roads, **{**fields, **names})

    found = problems([made(1, earlier), made(2, later)])
    assert (2 in found) == is_shadowed and 1 not in found


def test_a_broken_rule_shadows_nothing(world):  # noqa: F811
    world.roads.is_active = False
    assert set(problems([rule(1, world.roads), rule(2, world.water)])) == {1}


def random_rule(pk, chance, world, places, kinds, words):  # noqa: F811
    to = chance.choice([None, world.roads, world.water])
    return rule(
        pk,
        to,
        **({} if to else {"target": chance.choice(["township", "village"])}),
        category=chance.choice([None, None, world.root, world.child, world.other]),
        area=chance.choice([None, None, *places]),
        kind=chance.choice(["", "", *kinds]),
        keywords=chance.choice([[], [], *[chance.sample(words, n) for n in (1, 2)]]),
    )


def test_a_rule_called_shadowed_never_decides_any_issue(world):  # noqa: F811
    """2 000 random rule books, each tried on every place, category and kind, with texts that hold each word."""
    chance, found = random.Random(3), 0
    words, kinds = ["灯", "路灯", "井盖"], ["need", "hazard"]
    places = [world.district, world.qingxi, world.bailu, world.shiqiao]
    for _book in range(2000):
        rules = [random_rule(pk, chance, world, places, kinds, words) for pk in range(1, 6)]
        broken = problems(rules)
        found += len(broken)
        asked = product([world.root, world.child, world.other], places, kinds, ["", *words, "路灯与井盖"])
        deciding = set()
        for node, place, kind, text in asked:
            chosen = routing.choose(rules, category=node, place=place, kind=kind, text=text).rule
            deciding |= {chosen.pk} if chosen else set()
        assert deciding.isdisjoint(broken)
    assert found > 500


def test_the_sentence_of_an_issue_names_the_broken_rule_that_was_passed_over(world):  # noqa: F811
    world.roads.is_active = False
    rules = [rule(1, world.roads, category=world.root, keywords=["很长的词" * 5] * 30), rule(2, world.water)]
    asked = {"category": world.child, "place": world.shiqiao, "kind": "need", "text": "很长的词" * 5}
    chosen = routing.choose(rules, **asked)
    assert (chosen.unit, [row.pk for row in chosen.passed]) == (world.water, [1])
    assert "区水利局" in chosen.why and "区交通运输局" in chosen.why
    fallback = routing.choose(rules[:1], **asked)
    assert fallback.rule is None and "区交通运输局" in fallback.why and len(fallback.why) <= 200


# ---- the pages ----


@pytest.fixture
def office(cast, login):
    return login(cast.district_office)


@pytest.mark.django_db
def test_a_broken_rule_is_marked_on_the_rules_page_and_alarms_on_every_page(cast, login, office):
    route(cast.roads)
    assert "失效" not in office.get(RULES).content.decode()
    Unit.objects.filter(pk=cast.roads.pk).update(is_active=False)
    response = office.get(RULES)
    assert [len(row["problems"]) for row in response.context["rows"]] == [1]
    assert "badge--bad" in response.content.decode()
    elsewhere = office.get("/issues/").content.decode()
    assert "单位“区交通运输局”已停用" in elsewhere and f'href="{RULES}"' in elsewhere
    for person in (cast.leader, cast.township_admin, cast.system_admin):
        assert "单位“区交通运输局”已停用" not in login(person).get(reverse("me")).content.decode()


@pytest.mark.django_db
def test_a_rule_that_would_never_fire_is_said_so_when_it_is_saved(cast, office):
    route(cast.roads)
    values = {"category": category("路灯照明").pk, "target": "unit", "unit": cast.water.pk, "is_active": "on"}
    page = office.post(f"{RULES}new/", values, follow=True).content.decode()
    assert "不会生效" in page
    assert RoutingRule.objects.count() == 2


def trial_of(office, path, **values):
    response = office.post(path, {"target": "unit", "is_active": "on", "try": "1", **values})
    assert response.status_code == 200
    return response.context["trial"], response.content.decode()


@pytest.mark.django_db
def test_trying_a_new_rule_shows_what_would_move_and_stores_nothing(cast, office):
    lamps = [issue_at(cast, "new", category=category("路灯照明")) for _n in range(3)]
    other = issue_at(cast, "new", category=category("饮水安全"))
    audits = AuditEvent.objects.count()
    trial, page = trial_of(office, f"{RULES}new/", category=category("交通道路").pk, unit=cast.roads.pk)
    assert (trial.tried, trial.caught, trial.moved) == (4, 3, 3)
    (shift,) = trial.shifts
    assert (shift.before, shift.after) == (cast.qingxi, cast.roads)
    assert {issue.pk for issue in shift.issues} == {issue.pk for issue in lamps}
    assert all(f'href="/issues/{issue.pk}/"' in page for issue in lamps) and other.number not in page
    assert RoutingRule.objects.count() == 0 and AuditEvent.objects.count() == audits
    assert set(Issue.objects.values_list("unit", flat=True)) == {cast.qingxi.pk}


@pytest.mark.django_db
def test_trying_an_edited_rule_compares_with_the_rules_as_they_are(cast, office):
    known = route(cast.roads)
    issue_at(cast, "new", category=category("路灯照明"))
    trial, _page = trial_of(office, f"{RULES}{known.pk}/", category=known.category_id, unit=cast.water.pk)
    assert [(shift.before, shift.after) for shift in trial.shifts] == [(cast.roads, cast.water)]
    trial, _page = trial_of(office, f"{RULES}{known.pk}/", category=known.category_id, unit=cast.roads.pk)
    assert (trial.caught, trial.moved, trial.shifts) == (1, 0, [])
    known.refresh_from_db()
    assert known.unit == cast.roads


@pytest.mark.django_db
def test_trying_a_rule_that_would_be_shadowed_says_so(cast, office):
    route(cast.roads)
    _trial, page = trial_of(office, f"{RULES}new/", category=category("路灯照明").pk, unit=cast.water.pk)
    assert "不会生效" in page


@pytest.mark.django_db
def test_a_trial_costs_the_same_number_of_queries_for_one_and_for_many_issues(cast, office, connection_queries):
    known = route(cast.roads)
    deep = Category.objects.create(code="x1", name="三级", parent=category("路灯照明"))
    values = {"category": known.category_id, "unit": cast.water.pk}
    issue_at(cast, "new", category=category("路灯照明"))
    few = connection_queries(lambda: trial_of(office, f"{RULES}{known.pk}/", **values))
    for place in (cast.shiqiao, cast.qingxi, cast.luzhou, cast.district) * 3:
        issue_at(cast, "new", category=deep, place=place)
    route(cast.water, "饮水安全")
    assert connection_queries(lambda: trial_of(office, f"{RULES}{known.pk}/", **values)) == few
    assert trial_of(office, f"{RULES}{known.pk}/", **values)[0].moved == 13


@pytest.mark.django_db
def test_an_issue_links_to_the_rule_that_sent_it_for_those_who_keep_the_rules(cast, login, office):
    known = route(cast.roads)
    issue = issue_at(cast, "new", category=category("路灯照明"))
    link = f'href="{RULES}{known.pk}/"'
    assert link in office.get(f"/issues/{issue.pk}/").content.decode()
    assert link not in login(cast.leader).get(f"/issues/{issue.pk}/").content.decode()

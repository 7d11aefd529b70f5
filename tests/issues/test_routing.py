"""Routing over rules in memory: nothing here touches the database."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from issues import routing
from issues.models import Category, RoutingRule
from outreach.models import Unit


@pytest.fixture
def world():
    district = Unit(pk=1, code="439900", name="星河区", kind="district")
    qingxi = Unit(pk=2, code="439900101", name="青溪镇", kind="township", parent=district)
    bailu = Unit(pk=3, code="439900102", name="白鹭镇", kind="township", parent=district)
    shiqiao = Unit(pk=4, code="439900101201", name="石桥村", kind="village", parent=qingxi)
    roads = Unit(pk=5, code="439900D08", name="区交通运输局", kind="department", parent=district)
    water = Unit(pk=6, code="439900D10", name="区水利局", kind="department", parent=district)
    far = Unit(pk=7, code="439901D08", name="外区交通局", kind="department")
    root = Category(pk=1, code="01", name="交通道路")
    child = Category(pk=2, code="0102", name="路灯照明", parent=root)
    other = Category(pk=3, code="02", name="水利饮水")
    return SimpleNamespace(**locals())


def rule(pk, to=None, **fields):
    target = "unit" if to else fields.pop("target")
    return RoutingRule(pk=pk, unit=to, target=target, **fields)


def choose(world, rules, **fields):
    values = {"category": world.child, "place": world.shiqiao, "kind": "need", "text": "村口路灯不亮"}
    return routing.choose(rules, **{**values, **fields})


def test_a_rule_for_the_root_matches_its_children(world):
    route = choose(world, [rule(1, world.roads, category=world.root)])
    assert (route.unit, route.rule.pk) == (world.roads, 1)
    assert "交通道路" in route.why and "区交通运输局" in route.why


def test_a_rule_for_a_child_does_not_match_the_root(world):
    assert choose(world, [rule(1, world.roads, category=world.child)], category=world.root).rule is None


def test_the_first_match_wins(world):
    rules = [rule(1, world.water, category=world.other), rule(2, world.roads, kind="need"), rule(3, world.water)]
    assert choose(world, rules).rule.pk == 2
    assert choose(world, list(reversed(rules))).rule.pk == 3


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({"kind": "need"}, True),
        ({"kind": "hazard"}, False),
        ({"keywords": ["井盖", "路灯"]}, True),
        ({"keywords": ["井盖"]}, False),
        ({"keywords": ["井盖"], "kind": "need"}, False),
        ({"area": "qingxi"}, True),
        ({"area": "shiqiao"}, True),
        ({"area": "district"}, True),
        ({"area": "bailu"}, False),
        ({"is_active": False}, False),
        ({}, True),
    ],
)
def test_every_filled_field_must_hold(world, fields, matches):
    if "area" in fields:
        fields = {**fields, "area": getattr(world, fields["area"])}
    assert (choose(world, [rule(1, world.roads, **fields)]).rule is not None) == matches


def test_words_match_whatever_their_case(world):
    assert choose(world, [rule(1, world.roads, keywords=["wifi"])], text="村部 WiFi 连不上").rule is not None


@pytest.mark.parametrize(("target", "goal"), [("township", "qingxi"), ("village", "shiqiao")])
def test_a_rule_may_send_to_the_place_s_own_township_or_village(world, target, goal):
    assert choose(world, [rule(1, target=target)]).unit == getattr(world, goal)


def test_a_rule_that_finds_no_such_unit_is_passed_over(world):
    rules = [rule(1, target="village"), rule(2, world.roads)]
    assert choose(world, rules, place=world.qingxi).rule.pk == 2


def test_a_rule_to_a_unit_out_of_use_or_of_another_district_is_passed_over(world):
    world.roads.is_active = False
    route = choose(world, [rule(1, world.roads), rule(2, world.far)])
    assert (route.rule, route.unit) == (None, world.qingxi)


@pytest.mark.parametrize(("place", "holder"), [("shiqiao", "qingxi"), ("qingxi", "qingxi"), ("district", "district")])
def test_without_a_rule_the_township_of_the_place_holds_it_else_the_district(world, place, holder):
    route = choose(world, [], place=getattr(world, place))
    assert (route.rule, route.unit) == (None, getattr(world, holder))
    assert getattr(world, holder).name in route.why


def test_a_category_tree_that_bites_its_tail_does_not_hang(world):
    world.root.parent = world.child
    assert choose(world, [rule(1, world.roads, category=world.root)]).rule is not None


def test_a_long_sentence_is_cut_to_what_the_issue_keeps(world):
    assert len(choose(world, [rule(1, world.roads, keywords=["路灯", *["很长的词" * 5] * 20])]).why) == 200

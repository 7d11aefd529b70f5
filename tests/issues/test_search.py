"""Searching the ledger: what is found, by which field, and what a search must not tell."""

from __future__ import annotations

import random

import pytest
from django.urls import reverse

from households.models import Household, Resident
from issues import search
from issues.grams import likeness, shape
from issues.models import Issue
from outreach.access import Role
from outreach.models import Unit
from outreach.pinyin import initials
from tests.cast import make_user
from tests.issues.make import issue_at, move

pytestmark = pytest.mark.django_db

LIST = reverse("issues:list")


def home(cast, name="罗大树", *, members=(), **fields):
    values = {"village": cast.shiqiao, "address": "石桥村三组12号", "phone": "13900004321", "number": "77"}
    household = Household.objects.create(head_name=name, head_pinyin=initials(name), **{**values, **fields})
    Resident.objects.create(household=household, name=name, pinyin=initials(name), relation="01")
    for member, phone in members:
        Resident.objects.create(
            household=household, name=member, pinyin=initials(member), relation="10", second_phone=phone
        )
    return household


def found(user, words):
    """number → field of what the words find for the user."""
    result = search.find(Issue.objects.visible_to(user).with_names(), words, user)
    fields = search.fields_found(result.issues, words, user)
    assert len(fields) == result.issues.count()
    return {issue.number: fields[issue.pk] for issue in result.issues}


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("罗大", "name"),
        ("罗大树", "name"),
        ("田小花", "name"),
        ("ldsh", None),
        ("lds", "pinyin"),
        ("TXH", "pinyin"),
        ("4321", "phone"),
        ("13900004321", "phone"),
        ("８８８", "phone"),
        ("12号", "door"),
        ("三组12", "door"),
        ("2号", "door"),
        ("77", "door"),
        ("路灯", "text"),
        ("灯", "text"),
        ("口路灯不", "text"),
        ("LED", "text"),
        ("大树", None),
        ("灯路", None),
        ("100%", None),
        ("_", None),
        ("\\", None),
    ],
)
def test_words_find_by_the_field_they_stand_in(cast, words, field):
    household = home(cast, members=[("田小花", "13911118888")])
    issue = issue_at(cast, household=household, text="村口路灯不亮，要换led灯")
    issue_at(cast, text="井水发黄", household=home(cast, "石守信", phone="", address="柳塘5号", number="9"))
    assert found(cast.township_admin, words) == ({issue.number: field} if field else {})


def test_a_number_wins_over_all_else_and_stands_alone(cast, login):
    wanted = issue_at(cast, "closed", text="井盖丢了")
    issue_at(cast, text=f"与{wanted.number}是同一件事")
    client = login(cast.district_office)
    for query in ({"q": wanted.number}, {"q": f" {wanted.number} ", "state": "open"}):
        page = client.get(LIST, query)
        assert [row["issue"].number for row in page.context["rows"]] == [wanted.number]
        assert [str(row["found"]) for row in page.context["rows"]] == ["编号"]


def test_the_end_of_a_number_finds_it_among_others(cast):
    wanted = issue_at(cast)
    other = issue_at(cast, text=f"再说{wanted.number[-4:]}")
    assert found(cast.district_office, wanted.number[-4:]) == {wanted.number: "number", other.number: "text"}


def test_a_search_looks_at_every_state_until_one_is_chosen(cast, login):
    closed, still_open = issue_at(cast, "closed"), issue_at(cast)
    client = login(cast.district_office)

    def listed(**query):
        return {row["issue"].number for row in client.get(LIST, query).context["rows"]}

    assert listed(q="路灯") == {closed.number, still_open.number}
    assert listed(q="路灯", state="open") == {still_open.number}
    assert listed() == {still_open.number}


def test_name_initials_phone_and_door_tell_nothing_where_the_resident_is_hidden(cast):
    """A department's superior post sees an issue held below it, but not whose it is."""
    station = Unit.objects.create(code="439900D0801", name="公路站", kind="department", parent=cast.roads)
    worker = make_user("H900", "路长工", Role.DEPARTMENT_HANDLER, station)
    issue = issue_at(cast, household=home(cast, members=[("田小花", "13911118888")]), by=cast.village_clerk)
    issue = move(issue, "dispatch", cast.district_office, note="属公路站", unit=station)
    for words, field in {"罗大树": "name", "tx": "pinyin", "8888": "phone", "12号": "door", "77": "door"}.items():
        assert found(cast.department_head, words) == {}, words
        assert found(worker, words) == {issue.number: field}, words
    assert found(cast.department_head, "路灯") == {issue.number: "text"}


def test_too_many_residents_are_left_out_and_the_page_says_so(cast, login, monkeypatch):
    monkeypatch.setattr(search, "MAX_BY_RESIDENT", 1)
    for name in ("罗一", "罗二"):
        issue_at(cast, household=home(cast, name, number=name))
    spoken = issue_at(cast, text="罗家湾没有路灯")
    page = login(cast.township_admin).get(LIST, {"q": "罗"})
    assert [row["issue"].number for row in page.context["rows"]] == [spoken.number]
    assert "符合的居民太多" in page.content.decode()


def test_a_search_costs_the_same_queries_for_one_and_for_thirty_rows(cast, login, connection_queries):
    client = login(cast.township_admin)
    counts = []
    for size in (1, 30):
        for n in range(Issue.objects.count(), size):
            issue_at(cast, household=home(cast, members=[("田小花", "")], number=str(n)))
        counts.append([connection_queries(lambda w=w: client.get(LIST, {"q": w})) for w in ("路灯", "罗大", "lds")])
    assert counts[0] == counts[1]


def test_any_words_find_exactly_what_a_plain_reading_finds(cast):
    """The indexes (pairs, trigrams, reversed phones) against Python's own `in`, for 400 random pieces of words."""
    draw = random.Random(20261124)
    letters = "路灯不亮井盖张三李四aB1-%_\\（(号 "
    issues = []
    for number in range(25):
        household = home(
            cast,
            "".join(draw.choices("张三李四", k=draw.randint(2, 3))),
            number=str(number),
            address="".join(draw.choices("路灯井号12 ", k=draw.randint(0, 7))).strip(),
            phone=draw.choice(["", "139" + "".join(draw.choices("123", k=8))]),
        )
        text = "".join(draw.choices(letters, k=draw.randint(1, 9))).strip() or "路"
        issues.append(issue_at(cast, household=household, text=text))
    pieces = [issue.text for issue in issues] + [issue.household.address for issue in issues]
    pieces += [issue.household.head_name for issue in issues] + [issue.household.phone for issue in issues]
    hits = 0
    for _round in range(400):
        source = draw.choice(pieces) or "路"
        start = draw.randrange(len(source))
        words = source[start : start + draw.randint(1, 5)].strip()
        expected = {issue.number for issue in issues if words and reads(issue, words)}
        if words:
            assert set(found(cast.township_admin, words)) == expected, words
            hits += len(expected)
    assert hits > 400


def reads(issue, words):
    """Do the words stand in the issue, as the manual says it?"""
    plain = search.clean.text(words)
    household = issue.household
    digits = plain.isascii() and plain.isdigit() and 3 <= len(plain) <= 11
    numbered = plain.isascii() and plain.replace("-", "").isalnum() and len(plain) >= 3
    address = household.address
    return (
        words.lower() in issue.text.lower()
        or (numbered and (issue.number.startswith(plain) or issue.number.endswith(plain)))
        or household.head_name.startswith(plain)
        or (plain.isascii() and plain.isalpha() and household.head_pinyin.startswith(plain.lower()))
        or (digits and household.phone.endswith(plain))
        or household.number == plain
        or (len(plain) >= 2 and (address.startswith(plain) or address.endswith(plain)))
        or (len(plain) >= 3 and plain in address)
    )


@pytest.mark.parametrize(
    ("one", "other", "at_least", "below"),
    [
        ("村口路灯不亮", "村口的路灯不亮了", 0.5, 1),
        ("村口路灯不亮", "村口路灯不亮！！", 1, 1.1),
        ("村口路灯不亮", "井水发黄有异味", 0, 0.01),
        ("路灯不亮", "我家门口那条巷子里的路灯不亮已经有一个多月了，老人晚上出门不方便", 0.7, 1),
        ("", "路灯", 0, 0.01),
    ],
)
def test_likeness_of_two_texts(one, other, at_least, below):
    value = likeness(shape(one), shape(other))
    assert at_least <= value < below
    assert value == likeness(shape(other), shape(one))

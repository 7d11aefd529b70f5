"""Searching the ledger at 300 000 issues and 1 million households: each kind of search, its page and its plain SQL.

The plain SQL is one statement by hand that asks the same: the words as a number, a name, initials, a phone, a door or a
text, in reach, the first 30 rows by due day.

.venv/bin/python -m bench.run search
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench import seed
from bench.bench_issues import spread
from bench.figure import Figure
from households import search as household_search
from households.models import Household
from issues import search
from issues.grams import pieces
from issues.models import Category, Issue, KindLimit
from outreach.access import Role
from outreach.models import Campaign, Unit, User

ISSUES, HOUSEHOLDS = 300_000, 1_000_000
SMALL = 1_000
RUNS = 40
PAGE = 30
# times the plain SQL; in a district's reach Django writes out 430 units twice
MOST = {"district": 8, "township": 4, "department": 4}

PLAIN = """
WITH home AS (
    SELECT id FROM households_household WHERE head_name LIKE %(start)s
    UNION SELECT household_id FROM households_resident WHERE name LIKE %(start)s
    UNION SELECT id FROM households_household WHERE number = %(words)s AND number <> ''
    UNION SELECT id FROM households_household WHERE address LIKE %(inside)s AND length(%(words)s) > 2
    {more_homes}
), found AS (
    SELECT id FROM issues_issue WHERE household_id IN (SELECT id FROM home)
    UNION SELECT id FROM issues_issue WHERE search_grams(text) @> %(pieces)s::text[] AND strpos(text, %(words)s) > 0
    {more_issues}
)
SELECT i.id, i.number, i.text, i.due_on, i.state, i.is_urgent, c.name, p.name, u.name, h.head_name
FROM found JOIN issues_issue i USING (id) JOIN issues_category c ON c.id = i.category_id
JOIN outreach_unit p ON p.id = i.place_id JOIN outreach_unit u ON u.id = i.unit_id
LEFT JOIN households_household h ON h.id = i.household_id
WHERE p.code LIKE %(code)s OR u.code LIKE %(code)s ORDER BY i.due_on DESC, i.id DESC LIMIT 30
"""
INITIALS = """
    UNION SELECT id FROM households_household WHERE head_pinyin LIKE %(start)s
    UNION SELECT household_id FROM households_resident WHERE pinyin LIKE %(start)s
"""
PHONES = """
    UNION SELECT id FROM households_household WHERE phone <> '' AND reverse(phone) LIKE %(back)s
    UNION SELECT household_id FROM households_resident WHERE phone <> '' AND reverse(phone) LIKE %(back)s
    UNION SELECT household_id FROM households_resident WHERE second_phone <> '' AND reverse(second_phone) LIKE %(back)s
"""
NUMBERS = """
    UNION SELECT id FROM issues_issue WHERE number LIKE %(start)s
    UNION SELECT id FROM issues_issue WHERE reverse(number) LIKE %(back)s
"""


def searches(person: User) -> dict[str, str]:
    """The words of each kind of search; the names and numbers of a household that has an issue whose resident `person`
    may know, so that they find something in every district."""
    known = Issue.objects.visible_to(person).resident_known_to(person).filter(household__isnull=False)
    issue = known.select_related("household").order_by("pk")[known.count() // 2]
    home = issue.household
    assert home is not None
    return {
        "number": issue.number,
        "number_tail": issue.number[-5:],
        "head": home.head_name,
        "resident": home.residents.exclude(relation="01").get().name,
        "initials": home.head_pinyin,
        "phone_tail": home.phone[-6:],
        "door": home.address,
        "text_rare": "獾",
        "text_long": "三组路灯不亮，有獾",
        "text_common": "路灯",
        "nothing": "查无此事",
    }


def measure() -> Iterator[Figure]:
    """Yield for each kind the queries, the 95th percentile of its page, and the ratio to plain SQL."""
    call_command("collectstatic", interactive=False, verbosity=0)
    write(SMALL, SMALL)
    small = queries_of_pages()
    write(ISSUES, HOUSEHOLDS)
    large = queries_of_pages()
    people = readers()
    for name, person in people.items():
        # What is found decides which queries are needed: nothing found costs fewer, digits that are a phone's too cost
        # more. So each is held against the dearest of the small district.
        dearest = max(count for (reader, _kind), count in small.items() if reader == name)
        for kind, wanted in searches(person).items():
            yield Figure(f"search_{name}_{kind}_more_queries", large[name, kind] - dearest, "queries", "<=", 0)
            page = p95(page_of(person, "/issues/", wanted))
            yield Figure(f"search_{name}_{kind}_page_p95_ms", page * 1000, "ms", "<=", 500)
            ours, plain = median(partial(read, person, wanted)), median(partial(plain_read, person, wanted))
            yield Figure(f"search_{name}_{kind}_ms", ours * 1000, "ms", "<=", 100)
            yield Figure(f"search_{name}_{kind}_plain_ratio", ours / plain, "×", "<=", MOST[name])
    home = Household.objects.order_by("pk")[HOUSEHOLDS // 2]
    doors = {"head": home.head_name, "initials": home.head_pinyin, "phone_tail": home.phone[-6:], "door": home.address}
    for kind, words in doors.items():
        page = p95(page_of(people["district"], "/households/", words))
        yield Figure(f"search_households_{kind}_page_p95_ms", page * 1000, "ms", "<=", 500)
        keys = median(partial(household_keys, words))
        yield Figure(f"search_households_{kind}_ms", keys * 1000, "ms", "<=", 50)


def household_keys(words: str) -> None:
    """Find the households of the words, counted no further than a list shows."""
    list(household_search.matching(words)[:1_001])


def page_of(person: User, path: str, words: str) -> Callable[[], object]:
    """Return a call that gets the page of a search."""
    client = Client()
    client.force_login(person)
    return lambda: client.get(path, {"q": words})


def write(issues: int, households: int) -> None:
    """Write the district, without visits."""
    seed.empty()
    unit = Unit.objects.create(code="439900", name="星河区", kind="district")
    seed.add_units(unit, 20, 400)
    visitor = seed.add_person("B-VISITOR", Role.VISITOR, unit)
    judge = seed.add_person("B-JUDGE", Role.SUPERVISOR, unit)
    campaign = Campaign.objects.create(
        name="春季走访", district=unit, starts_on=seed.STARTS_ON, ends_on=seed.STARTS_ON, state=Campaign.State.OPEN
    )
    Category.objects.get_or_create(code="B-LIGHT", defaults={"name": "路灯"})
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        seed.add_households(households, 400)
        seed.add_residents()
        seed.add_issues(campaign, visitor, judge, issues)
        cursor.execute("SET session_replication_role = DEFAULT")
    for kind in ("need", "dispute", "hazard", "suggestion", "consultation"):
        KindLimit.objects.create(kind=kind, workdays=7)
    spread(unit)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def readers() -> dict[str, User]:
    """The people `spread` made who search."""
    numbers = {"district": "B-district", "township": "B-township", "department": "B-department"}
    return {name: User.objects.get(staff_number=number) for name, number in numbers.items()}


def queries_of_pages() -> dict[tuple[str, str], int]:
    """Count the queries of each page of each reader."""
    result = {}
    for name, person in readers().items():
        client = Client()
        client.force_login(person)
        for kind, wanted in searches(person).items():
            client.get("/issues/", {"q": wanted})
            with CaptureQueriesContext(connection) as captured:
                assert client.get("/issues/", {"q": wanted}).status_code == 200
            result[name, kind] = len(captured)
    return result


def read(person: User, words: str) -> None:
    """Search as the ledger does: find, the first page, and where each row was found."""
    found = search.find(Issue.objects.visible_to(person).with_names(), words, person)
    rows = list(found.issues.order_by("-due_on", "-pk")[:PAGE])
    search.fields_found(rows, words, person)


def plain_read(person: User, words: str) -> None:
    """Read the same by hand."""
    assert person.post is not None
    sql = PLAIN.format(
        more_homes=(INITIALS if words.isascii() and words.isalpha() else "") + (PHONES if words.isdigit() else ""),
        more_issues=NUMBERS if words.isascii() and words.isalnum() and len(words) > 2 else "",
    )
    values: dict[str, Any] = {
        "words": words,
        "start": words + "%",
        "inside": f"%{words}%",
        "back": words[::-1] + "%",
    }
    values |= {"pieces": pieces(words), "code": person.post.unit.code + "%"}
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        cursor.fetchall()


def times(call: Callable[[], object]) -> list[float]:
    """Return the seconds of RUNS calls, sorted, after two that warm up."""
    result = []
    for run in range(RUNS + 2):
        start = time.perf_counter()
        call()
        if run >= 2:
            result.append(time.perf_counter() - start)
    return sorted(result)


def p95(call: Callable[[], object]) -> float:
    """Return the seconds that 95 of 100 calls keep within."""
    return times(call)[int(RUNS * 0.95) - 1]


def median(call: Callable[[], object]) -> float:
    """Return the seconds of the middle call."""
    return times(call)[RUNS // 2]

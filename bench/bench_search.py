"""Searching the ledger at 300 000 issues and 1 million households: each kind of search, its page and its plain SQL.

The plain SQL is what one would write knowing which field is meant: one statement, the first 30 rows by due day. The
program knows nothing of that: it looks in every field, and says beside each row where it found the words.

.venv/bin/python -m bench.run search
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

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
from issues.models import Category, Issue, KindLimit
from outreach.access import Role
from outreach.models import Campaign, Unit, User

ISSUES, HOUSEHOLDS = 300_000, 1_000_000
SMALL = 1_000
RUNS = 40
PAGE = 30

ROWS = """
SELECT i.id, i.number, i.text, i.due_on, i.state, i.is_urgent, c.name, p.name, u.name, h.head_name
FROM issues_issue i JOIN issues_category c ON c.id = i.category_id JOIN outreach_unit p ON p.id = i.place_id
JOIN outreach_unit u ON u.id = i.unit_id LEFT JOIN households_household h ON h.id = i.household_id
WHERE (p.code LIKE %(code)s OR u.code LIKE %(code)s) AND {condition} ORDER BY i.due_on DESC, i.id DESC LIMIT 30
"""


@dataclass(frozen=True)
class Search:
    """A kind of search: the words, and the condition a person would write in SQL."""

    words: str
    condition: str
    value: str


def searches() -> dict[str, Search]:
    """One of each kind; the names and numbers of a household that has an issue."""
    issue = Issue.objects.select_related("household").order_by("pk")[Issue.objects.count() // 2]
    home = issue.household
    assert home is not None
    other = home.residents.exclude(relation="01").get()
    resident = "i.household_id IN (SELECT household_id FROM households_resident WHERE {})"
    return {
        "number": Search(issue.number, "i.number = %(value)s", issue.number),
        "number_tail": Search(issue.number[-5:], "reverse(i.number) LIKE %(value)s", issue.number[-5:][::-1] + "%"),
        "head": Search(home.head_name, "h.head_name LIKE %(value)s", home.head_name + "%"),
        "resident": Search(other.name, resident.format("name LIKE %(value)s"), other.name + "%"),
        "initials": Search(home.head_pinyin, "h.head_pinyin LIKE %(value)s", home.head_pinyin + "%"),
        "phone_tail": Search(
            home.phone[-6:], "h.phone <> '' AND reverse(h.phone) LIKE %(value)s", home.phone[-6:][::-1] + "%"
        ),
        "door": Search(home.address, "h.address LIKE %(value)s", f"%{home.address}%"),
        "text_rare": Search("獾", "i.text LIKE %(value)s", "%獾%"),
        "text_pair": Search("獾出", "search_grams(i.text) @> ARRAY['獾出']", ""),
        "text_common": Search("路灯", "i.text LIKE %(value)s", "%路灯%"),
        "nothing": Search("查无此事", "i.text LIKE %(value)s AND search_grams(i.text) @> ARRAY['查无']", "%查无此事%"),
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
        for kind, wanted in searches().items():
            more = large[name, kind] - small[name, kind]
            yield Figure(f"search_{name}_{kind}_more_queries", more, "queries", "<=", 0)
            page = p95(page_of(person, "/issues/", wanted.words))
            yield Figure(f"search_{name}_{kind}_page_p95_ms", page * 1000, "ms", "<=", 500)
            ours, plain = median(partial(read, person, wanted.words)), median(partial(plain_read, person, wanted))
            yield Figure(f"search_{name}_{kind}_ms", ours * 1000, "ms", "<=", 100)
            yield Figure(f"search_{name}_{kind}_plain_ratio", ours / plain, "×", "<=", 3)
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
    campaign = Campaign.objects.create(
        name="春季走访", district=unit, starts_on=seed.STARTS_ON, ends_on=seed.STARTS_ON, state=Campaign.State.OPEN
    )
    Category.objects.get_or_create(code="B-LIGHT", defaults={"name": "路灯"})
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        seed.add_households(households, 400)
        seed.add_residents()
        seed.add_issues(campaign, visitor, issues)
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
        for kind, wanted in searches().items():
            client.get("/issues/", {"q": wanted.words})
            with CaptureQueriesContext(connection) as captured:
                assert client.get("/issues/", {"q": wanted.words}).status_code == 200
            result[name, kind] = len(captured)
    return result


def read(person: User, words: str) -> None:
    """Search as the ledger does: find, the first page, and where each row was found."""
    found = search.find(Issue.objects.visible_to(person).with_names(), words, person)
    rows = list(found.issues.order_by("-due_on", "-pk")[:PAGE])
    search.fields_found(rows, words, person)


def plain_read(person: User, wanted: Search) -> None:
    """Read the same rows by the SQL of somebody who knows which field is meant."""
    assert person.post is not None
    with connection.cursor() as cursor:
        sql = ROWS.format(condition=wanted.condition)
        cursor.execute(sql, {"code": person.post.unit.code + "%", "value": wanted.value})
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

"""A district of any size, written by set-based SQL: the same numbers give the same rows. For measurements only.

What is written stands in no relation to a real place or person. Triggers are off meanwhile, so the rollups are
counted once at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.apps import apps
from django.db import connection, models

from households.models import Household, Resident
from issues.models import Category, Issue, IssueSegment
from outreach.access import Role
from outreach.models import Campaign, Membership, Unit, User
from outreach.pinyin import initials
from reports import facts
from visits.models import Assignment, Visit

STARTS_ON = date(2026, 3, 2)
DAYS = 60
PASSWORD = "Xinghe-2026-bench"
# A hundred surnames' worth of spread is what makes a search by name hard or easy.
SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
    "余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
GIVEN = (
    "伟芳娜敏静强磊洋艳勇军杰娟涛超明霞秀英华慧巧美雪梅兰竹菊桂花春夏秋冬平安康宁建国庆丰收金银玉珍珠宝贵"
    "福禄寿喜和顺利民生志刚毅坚定远大光辉荣耀祖德才学文武双全"
)
STREETS = ("幸福", "和平", "胜利", "青年", "团结", "光明", "东风", "新华", "人民", "建设")
# What residents say: a place, a thing, what is wrong with it. One in 997 says a word nobody else does.
WHERE_SAID = ("村口", "学校门口", "三组", "菜市场旁", "桥头", "卫生室前", "老屋背后", "水塘边", "广场上", "河堤上")
WHAT_SAID = ("路灯不亮", "井盖丢了", "自来水发黄", "垃圾没人清", "路面坑洼", "电线垂得低", "水渠堵了", "噪音扰民")
# The n-th row's own number out of so many, the same in each run and spread as if drawn.
DRAW = "abs(hashint8({n} + {salt}) %% {of})"


@dataclass(frozen=True)
class District:
    """What was written, by name. Both people log in with PASSWORD."""

    unit: Unit
    campaign: Campaign
    leader: User
    visitor: User


def district(
    *,
    households: int,
    townships: int = 20,
    villages: int = 400,
    visits_each: int = 3,
    issues: int | None = None,
    counted: bool = True,
) -> District:
    """Empty the database and write a district in the midst of a campaign; `issues`: else one for three households.

    The villages are spread evenly over the townships, the households over the villages. Without `counted` the rollups
    are left to the caller.
    """
    empty()
    unit = Unit.objects.create(code="439900", name="星河区", kind="district")
    add_units(unit, townships, villages)
    leader, visitor = add_person("B-LEADER", Role.LEADER, unit), add_person("B-VISITOR", Role.VISITOR, unit)
    campaign = Campaign.objects.create(
        name="春季走访", district=unit, starts_on=STARTS_ON, ends_on=date(2026, 12, 31), state=Campaign.State.OPEN
    )
    Category.objects.get_or_create(code="B-LIGHT", defaults={"name": "路灯"})
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            add_households(households, villages)
            add_visits(campaign, visitor, visits_each)
            add_assignments(campaign, visitor)
            add_issues(campaign, visitor, leader, households // 3 if issues is None else issues)
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")
        for table in connection.introspection.table_names():
            cursor.execute(f'ANALYZE "{table}"')
    if counted:
        facts.recount_all()
    return District(unit, campaign, leader, visitor)


def empty() -> None:
    """Empty every table of the program's own models."""
    ours = ("outreach", "households", "issues", "surveys", "visits", "reports")
    tables = [model._meta.db_table for label in ours for model in apps.get_app_config(label).get_models()]
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")
        cursor.execute("SET session_replication_role = DEFAULT")


def add_person(staff_number: str, role: Role, unit: Unit) -> User:
    """Add an account with one post."""
    user = User.objects.create_user(staff_number=staff_number, name="测量", password=PASSWORD)
    Membership.objects.create(user=user, unit=unit, role=role)
    return user


def insert(model: type[models.Model], columns: Mapping[str, str], source: str, **parameters: Any) -> None:
    """INSERT … SELECT: `columns` name → SQL over `source`, a FROM clause; other columns get the model's default."""
    sql, values = insert_sql(model, columns, source, **parameters)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def insert_sql(
    model: type[models.Model], columns: Mapping[str, str], source: str, **parameters: Any
) -> tuple[str, dict[str, Any]]:
    """Return the statement of `insert` and its parameters."""
    values: dict[str, str] = dict(columns)
    for field in model._meta.concrete_fields:
        name = field.column
        if name is None or name in values or field.null or isinstance(field, models.AutoField):
            continue
        default = field.get_default()
        values[name] = f"%(default_{name})s"
        parameters[f"default_{name}"] = "" if default is None else field.get_db_prep_save(default, connection)
    names = ", ".join(f'"{name}"' for name in values)
    sql = f"INSERT INTO {model._meta.db_table} ({names}) SELECT {', '.join(values.values())} {source}"
    return sql, parameters


def draw(n: str, salt: int, of: int) -> str:
    """Return SQL for a number from 0 to `of` - 1 that depends on the SQL expression `n` alone."""
    return DRAW.format(n=n, salt=salt, of=of)


def add_units(district: Unit, townships: int, villages: int) -> None:
    """Add the tree below the district."""
    insert(
        Unit,
        {
            "code": "'439900' || (100 + n)",
            "name": "'第' || n || '镇'",
            "kind": "'township'",
            "parent_id": "%(district)s",
            "sort_order": "n",
        },
        "FROM generate_series(1, %(townships)s) n",
        district=district.pk,
        townships=townships,
    )
    insert(
        Unit,
        {
            "code": "township.code || (200 + (n - 1) / %(townships)s)",
            "name": "'第' || n || '村'",
            "kind": "'village'",
            "parent_id": "township.id",
            "sort_order": "n",
        },
        "FROM generate_series(1, %(villages)s) n"
        " JOIN outreach_unit township ON township.kind = 'township'"
        " AND township.sort_order = 1 + (n - 1) %% %(townships)s",
        townships=townships,
        villages=villages,
    )


def add_households(households: int, villages: int) -> None:
    """Add the doors, village by village: 1 in 25 verified empty."""
    insert(
        Household,
        {
            "village_id": "village.id",
            "number": "n::text",
            "group": f"(1 + {draw('n', 1, 12)}) || '组'",
            "address": f"{pick('%(streets)s', 'n', 12, len(STREETS))} || '路' || n || '号'",
            "door_key": "lpad(n::text, 8, '0')",
            "head_name": name("n", "%(surnames)s", "%(given)s"),
            "head_pinyin": name("n", "%(surname_initials)s", "%(given_initials)s"),
            "phone": "'139' || lpad(n::text, 8, '0')",
            "roster_state": f"CASE WHEN {draw('n', 2, 25)} = 0 THEN 'verified_empty' ELSE 'in_residence' END",
            "priority": f"CASE WHEN {draw('n', 15, 12)} = 0 THEN 5 ELSE 0 END",
        },
        "FROM generate_series(1, %(households)s) n JOIN outreach_unit village ON village.kind = 'village'"
        " AND village.sort_order = 1 + (n::bigint * %(villages)s / (%(households)s + 1))",
        households=households,
        villages=villages,
        streets=list(STREETS),
        surnames=SURNAMES,
        given=GIVEN,
        surname_initials=initials(SURNAMES),
        given_initials=initials(GIVEN),
    )


def name(n: str, surnames: str, given: str) -> str:
    """Return SQL for a name of two or three characters; with initials in place of both lists, for its initials."""
    first, second = (f"substr({given}, 1 + {draw(n, salt, len(GIVEN))}, 1)" for salt in (9, 10))
    return (
        f"substr({surnames}, 1 + {draw(n, 8, len(SURNAMES))}, 1) || {first}"
        f" || CASE WHEN {draw(n, 11, 4)} = 0 THEN '' ELSE {second} END"
    )


def pick(words: str, n: str, salt: int, of: int) -> str:
    """Return SQL for one of the list `words`, which has `of`."""
    return f"(({words})::text[])[1 + {draw(n, salt, of)}]"


def add_residents() -> None:
    """Add to each household its head and one more person."""
    names = {"surnames": SURNAMES, "given": GIVEN}
    names |= {"surname_initials": initials(SURNAMES), "given_initials": initials(GIVEN)}
    for relation, number, phone in (("01", "id", "phone"), ("10", "id + 50000000", "''")):
        insert(
            Resident,
            {
                "household_id": "id",
                "name": name(number, "%(surnames)s", "%(given)s"),
                "pinyin": name(number, "%(surname_initials)s", "%(given_initials)s"),
                "relation": f"'{relation}'",
                "phone": phone,
                "second_phone": "CASE WHEN id %% 10 = 0 THEN '138' || lpad((id %% 100000000)::text, 8, '0') ELSE '' END"
                if relation == "10"
                else "''",
            },
            "FROM households_household",
            **names,
        )


def add_visits(campaign: Campaign, visitor: User, visits_each: int) -> None:
    """Add the attempts at each door: a third of them met somebody; the first that did counts."""
    outcome = (
        "(ARRAY['met', 'met', 'partly_met', 'nobody_home', 'nobody_home', 'nobody_home', 'come_back', 'no_access', "
        f"'leaflet_left'])[1 + {draw('household.id * 10 + attempt', 3, 9)}]"
    )
    moment = (
        f"'{STARTS_ON} 08:00+08'::timestamptz + interval '1 day' * {draw('household.id * 10 + attempt', 4, DAYS)}"
        f" + interval '1 minute' * {draw('household.id * 10 + attempt', 5, 700)}"
    )
    insert(
        Visit,
        {
            "uuid": "gen_random_uuid()",
            "payload_hash": "repeat('0', 64)",
            "household_id": "attempt.household_id",
            "campaign_id": "%(campaign)s",
            "visitor_id": "%(visitor)s",
            "visitor_unit_id": "attempt.village_id",
            "outcome": "attempt.outcome",
            "visited_at": "attempt.visited_at",
            "received_at": "attempt.visited_at + interval '1 minute'",
            "time_band": "'morning'",
            "is_counted": "attempt.outcome IN ('met', 'partly_met') AND attempt.place = 1",
        },
        f"""FROM (
            SELECT drawn.*, row_number() OVER (
                PARTITION BY household_id, outcome IN ('met', 'partly_met') ORDER BY visited_at, number) AS place
            FROM (
                SELECT household.id AS household_id, household.village_id, attempt AS number,
                       {outcome} AS outcome, {moment} AS visited_at
                FROM households_household household CROSS JOIN generate_series(1, %(each)s) attempt
            ) drawn
        ) attempt""",
        campaign=campaign.pk,
        visitor=visitor.pk,
        each=visits_each,
    )


def add_assignments(campaign: Campaign, visitor: User) -> None:
    """Add every household's duty, rolled up from its visits."""
    insert(
        Assignment,
        {
            "campaign_id": "%(campaign)s",
            "household_id": "household.id",
            "visitor_id": "%(visitor)s",
            "state": "CASE WHEN tried.met > 0 THEN 'met' WHEN tried.attempts > 0 THEN 'make_up' ELSE 'to_visit' END",
            "attempts": "coalesce(tried.attempts, 0)",
            "last_visit_at": "tried.last_visit_at",
            "covered_on": "tried.covered_on",
            "met_on": "tried.covered_on",
            "due_on": "CASE WHEN tried.met = 0 AND tried.attempts > 0 THEN %(due)s::date END",
        },
        """FROM households_household household LEFT JOIN (
            SELECT household_id, count(*) AS attempts, max(visited_at) AS last_visit_at,
                   count(*) FILTER (WHERE outcome = 'met') AS met,
                   (min(visited_at) FILTER (WHERE is_counted) AT TIME ZONE 'Asia/Shanghai')::date AS covered_on
            FROM visits_visit GROUP BY household_id
        ) tried ON tried.household_id = household.id""",
        campaign=campaign.pk,
        visitor=visitor.pk,
        due=STARTS_ON,
    )


def add_issues(campaign: Campaign, visitor: User, judge: User, issues: int) -> None:
    """Add problems of households all over the district: 6 in 10 closed, the others open, half of them overdue."""
    drawn = draw("n", 6, 10)
    done = f"{drawn} < 6"
    raised = f"'{STARTS_ON} 09:00+08'::timestamptz + interval '1 day' * {draw('n', 7, DAYS)}"
    # one in five takes longer than the nine days it has
    ended = f"{raised} + interval '1 day' * CASE WHEN {draw('n', 16, 5)} = 0 THEN 15 ELSE 3 END"
    insert(
        Issue,
        {
            "number": "'B' || n",
            "kind": "'need'",
            "category_id": "%(category)s",
            "text": f"{pick('%(places)s', 'n', 13, len(WHERE_SAID))} || {pick('%(things)s', 'n', 14, len(WHAT_SAID))}"
            " || CASE WHEN n %% 997 = 0 THEN '，有獾出没' ELSE '' END",
            "place_id": "household.village_id",
            "household_id": "household.id",
            "campaign_id": "%(campaign)s",
            "state": f"CASE WHEN {done} THEN 'closed' ELSE 'accepted' END",
            "unit_id": "village.parent_id",
            "due_on": f"CASE WHEN {drawn} < 8 THEN ({raised} + interval '9 days')::date ELSE DATE '2026-12-30' END",
            "outcome": f"CASE WHEN {drawn} < 4 THEN 'solved' WHEN {drawn} < 5 THEN 'explained' "
            f"WHEN {drawn} < 6 THEN 'reported' ELSE '' END",
            "recorded_at": raised,
            "recorded_by_id": "%(visitor)s",
            "dispatched_at": raised,
            "accepted_at": raised,
            "done_at": f"CASE WHEN {done} THEN {ended} END",
            "done_by_id": f"CASE WHEN {done} THEN %(visitor)s END",
            "done_by_unit_id": f"CASE WHEN {done} THEN village.parent_id END",
            "limit_workdays": "7",
            "verified_at": f"CASE WHEN {done} THEN {ended} + interval '1 day' END",
            "verified_by_id": f"CASE WHEN {done} THEN %(judge)s END",
            "closed_at": f"CASE WHEN {done} THEN {ended} + interval '1 day' END",
            "closed_by_id": f"CASE WHEN {done} THEN %(judge)s END",
        },
        """FROM generate_series(1, %(issues)s) n
        JOIN households_household household
            ON household.id = 1 + (n::bigint * 7919 %% (SELECT max(id) FROM households_household))
        JOIN outreach_unit village ON village.id = household.village_id""",
        category=Category.objects.get(code="B-LIGHT").pk,
        campaign=campaign.pk,
        visitor=visitor.pk,
        judge=judge.pk,
        issues=issues,
        places=list(WHERE_SAID),
        things=list(WHAT_SAID),
    )
    insert(
        IssueSegment,
        {
            "issue_id": "issue.id",
            "unit_id": "issue.unit_id",
            "kind": "part.kind",
            "started_at": "part.started_at",
            "ended_at": "part.ended_at",
        },
        """FROM issues_issue issue CROSS JOIN LATERAL (VALUES
            ('running', issue.dispatched_at, issue.done_at), ('reviewing', issue.done_at, issue.closed_at)
        ) part (kind, started_at, ended_at)
        WHERE issue.campaign_id = %(campaign)s AND part.started_at IS NOT NULL""",
        campaign=campaign.pk,
    )

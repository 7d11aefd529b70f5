"""Repeated issues: counted over what one sees, each number with its issues behind it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from households.models import Household
from issues.models import Issue
from tests.issues.make import category, issue_at, move

pytestmark = pytest.mark.django_db

PAGE = reverse("issues:clusters")


def clusters(client, **query):
    rows = client.get(PAGE, query).context["rows"]
    return [(r["cluster"].place.name, r["cluster"].count, r["cluster"].still_open, r["url"]) for r in rows]


def test_three_of_one_category_in_a_village_are_a_cluster_and_lead_to_their_rows(cast, login):
    issues = [issue_at(cast) for _n in range(2)] + [issue_at(cast, "closed")]
    issue_at(cast, category=category("路灯照明"))
    client = login(cast.township_admin)
    [(place, count, still_open, url)] = clusters(client)
    assert (place, count, still_open) == ("石桥村", 3, 2)
    behind = {row["issue"].number for row in client.get(url).context["rows"]}
    assert behind == {issue.number for issue in issues}


def test_villages_add_up_only_by_township(cast, login):
    for place in (cast.shiqiao, cast.shiqiao, cast.liutang):
        issue_at(cast, place=place)
    client = login(cast.township_admin)
    assert clusters(client) == []
    assert [row[:3] for row in clusters(client, level="township")] == [("青溪镇", 3, 3)]


def test_what_one_does_not_see_is_old_or_was_merged_counts_for_nothing(cast, login):
    issues = [issue_at(cast) for _n in range(4)]
    assert clusters(login(cast.outside_admin)) == []
    move(issues[0], "merge", cast.district_office, main=issues[1], note="同一件")
    assert clusters(login(cast.township_admin))[0][1] == 3
    Issue.objects.filter(pk=issues[1].pk).update(recorded_at=timezone.now() - timedelta(days=100))
    assert clusters(login(cast.township_admin)) == []
    assert clusters(login(cast.township_admin), days="365")[0][1] == 3


def test_a_household_that_comes_again_is_named_only_to_who_may_know_it(cast, login):
    home = Household.objects.create(village=cast.shiqiao, head_name="罗大树", number="1")
    for _n in range(3):
        issue_at(cast, household=home, by=cast.village_clerk)
    assert "罗大树" in login(cast.township_admin).get(PAGE).content.decode()
    assert "罗大树" not in login(cast.outside_admin).get(PAGE).content.decode()


def test_the_page_costs_the_same_queries_for_few_and_many(cast, login, connection_queries):
    client = login(cast.district_office)
    counts = []
    for size in (3, 12):
        for number in range(Issue.objects.count(), size):
            issue_at(cast, place=[cast.shiqiao, cast.liutang, cast.luzhou][number // 3 % 3])
        counts.append(connection_queries(lambda: client.get(PAGE)))
    assert counts[0] == counts[1]


def test_what_is_said_alike_in_several_villages_is_one_group(cast, login):
    said = [
        issue_at(cast, text="去镇上的班车停开了", place=cast.shiqiao),
        issue_at(cast, text="去镇上的班车停开了一个月", place=cast.liutang),
        issue_at(cast, "closed", text="去镇上的班车停开，没车坐", category=category("路灯照明")),
    ]
    issue_at(cast, text="井水发黄有异味")
    client = login(cast.township_admin)
    page = client.get(PAGE)
    [row] = page.context["alike"]
    assert {issue.pk for issue in row["group"].issues} == {issue.pk for issue in said}
    assert row["group"].still_open == 2
    assert all(reverse("issues:detail", args=[issue.pk]) in page.content.decode() for issue in said)
    assert login(cast.outside_admin).get(PAGE).context["alike"] == []


def test_what_the_places_show_already_is_not_shown_twice(cast, login):
    for _n in range(3):
        issue_at(cast, text="去镇上的班车停开了")
    page = login(cast.township_admin).get(PAGE)
    assert (len(page.context["rows"]), page.context["alike"]) == (1, [])

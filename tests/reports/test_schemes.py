"""Schemes: those of the field worked by hand, writing and publishing, the editor, trying, copying, comparing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from outreach.models import Campaign
from reports.actions import schemes as actions
from reports.models import Scheme
from reports.presets import PRESETS
from reports.scheme_forms import FORMS, SchemeEditor
from reports.schemes import SchemeContent, SchemeError, canonical
from reports.scoring import Adjustment, Reading, UnitReadings, score

D = Decimal


def rate(hits, cases: int) -> Reading:
    return Reading(D(hits), D(cases), (100 * D(hits) / D(cases)).quantize(D("0.01")))


def points(value: str) -> Reading:
    return Reading(D(value), D(20), D(value))


def one(preset: str, group: str, *, readings, **rest):
    content = PRESETS[preset].build(["439900D01"])
    [found] = score(content, [UnitReadings("439900101", "镇", 1, group, readings, **rest)]).groups
    return found.units[0]


# ---- the schemes of practice.md, worked by hand


def test_the_township_scheme_by_hand():
    readings = {
        "coverage": rate(90, 100),  # 18
        "priority": rate(19, 20),  # 9.5
        "make_up": rate(8, 10),  # 4
        "spot_check": rate(48, 50),  # 9.6
        "place_solvable": rate(36, 40),  # 13.5
        "on_time": rate(45, 50),  # 9
        "solution": rate(80, 100),  # 8
        "place_content": rate("28.5", 30),  # 9.5: 24 content + 0.9 × 5 mostly content
        "place_answers": rate(20, 20),  # 5
        "place_look_back": rate(18, 20),  # 4.5
    }
    entries = (Adjustment("praise", D("0.5"), "锦旗", 1), Adjustment("false_record", D(1), "不实", 2, unfixed=True))
    unit = one("township", "townships", readings=readings, adjustments=entries)
    assert [line.marks for line in unit.lines[:10]] == [
        *(D(marks) for marks in ("18.00", "9.50", "4.00", "9.60", "13.50", "9.00", "8.00", "9.50", "5.00", "4.50"))
    ]
    assert unit.total == D("89.10")  # 90.60 + 0.50 − 2.00


def test_the_department_scheme_by_hand():
    readings = {
        "link_tasks": rate(18, 20),  # 18
        "signed": rate(19, 20),  # 9.5
        "returned_wrongly": rate(1, 20),  # 5 %: (20 − 5) ÷ 20 × 8 = 6
        "helping": rate(10, 10),  # 7
        "solvable": rate(18, 20),  # 13.5
        "on_time": rate(9, 10),  # 9
        "held_solution": rate(8, 10),  # 8
        "content": rate(9, 10),  # 9
        "answers": rate(10, 10),  # 5
        "look_back": rate(10, 10),  # 5
    }
    assert one("department", "law", readings=readings).total == D("90.00")


def test_both_weightings_of_the_three_rates_by_hand():
    readings = {
        "place_response": rate(98, 100),
        "place_resident_solved": rate(80, 100),
        "place_content": rate("86.5", 100),  # 82 content + 0.9 × 5
    }
    assert one("three_rates", "townships", readings=readings).total == D("84.40")  # 9.8 + 40 + 34.6
    # 29.4 + 28 + 30.275, which rounds half up to 30.28
    assert one("three_rates_even", "townships", readings=readings).total == D("87.68")


def test_a_month_of_inspections_by_hand_with_difficulty():
    readings = {"field_marks": points("88"), "covert_marks": points("80"), "opinion_marks": points("92")}
    assert one("month", "townships", readings=readings).total == 86  # 52.8 + 24 + 9.2
    assert one("month", "townships", readings=readings, difficulty=D("1.05")).total == D("90.30")
    assert one("month", "townships", readings=readings, difficulty=D("1.05")).mark == "red"
    assert one("month", "townships", readings=readings, difficulty=D("1.5")).total == D("98.90")  # 1.15 at most


def test_inspection_counts_what_is_not_put_right_twice():
    readings = {"problems_found": Reading(9, 1, D(9)), "problems_unfixed": Reading(4, 1, D(4))}
    assert one("inspection", "townships", readings=readings).total == D("93.50")  # 100 − 4.5 − 2


def test_safety_below_its_floors_takes_marks_off():
    readings = {"coverage": rate(100, 100), "solution": rate(100, 100), "safety": points("88")}
    readings |= {key: rate(10, 10) for key in ("priority", "make_up", "spot_check", "place_solvable", "on_time")}
    assert one("safety", "townships", readings=readings).total == D("97.50")  # 6 × 0.25 + 2 × 0.5 off


def test_villages_by_hand():
    readings = {"coverage": rate(80, 100), "priority": rate(10, 10), "make_up": rate(5, 10), "solution": rate(9, 10)}
    # 28 + 20 + 5 + 18 of 85, the 15 of contentment shared out: 71 × 100 ÷ 85
    unit = one("village", "villages", readings=readings, within="439900101", within_name="青溪镇")
    assert unit.total == D("83.53")


@pytest.mark.parametrize("key", PRESETS)
def test_a_scheme_of_the_field_goes_through_the_editor_unchanged(key):
    content = PRESETS[key].build(["439900D01"])
    assert content.problems() == []
    typed = SchemeEditor.of("办法", content.to_json(), []).content()
    assert canonical(SchemeContent.from_json(typed).to_json()) == canonical(content.to_json())


# ---- writing and publishing


@pytest.fixture
def campaign(cast) -> Campaign:
    today = timezone.localdate()
    return Campaign.objects.create(
        name="群众工作月",
        district=cast.district,
        starts_on=today - timedelta(days=20),
        ends_on=today + timedelta(days=20),
        state="open",
    )


@pytest.fixture
def draft(cast, campaign) -> Scheme:
    content = PRESETS["township"].build(()).to_json()
    return actions.create_scheme(campaign=campaign, name="镇街办法", content=content, by=cast.district_office)


def test_publishing_replaces_the_version_in_force(cast, campaign, draft):
    first = actions.publish_scheme(scheme=draft, by=cast.district_office)
    second = actions.create_scheme(campaign=campaign, name="镇街办法", content=draft.content, by=cast.district_office)
    assert second.version == 2
    actions.publish_scheme(scheme=second, by=cast.district_office)
    first.refresh_from_db()
    assert (first.state, first.retired_by) == ("retired", cast.district_office)
    assert [scheme.pk for scheme in Scheme.objects.published()] == [second.pk]


@pytest.mark.parametrize("change", [{"name": "x"}, {"version": 9}, {"content": {}}, {"published_by": None}])
def test_the_database_refuses_to_change_what_is_published(cast, draft, change):
    actions.publish_scheme(scheme=draft, by=cast.district_office)
    with pytest.raises(IntegrityError), transaction.atomic():
        Scheme.objects.filter(pk=draft.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Scheme.objects.filter(pk=draft.pk).update(
            state="draft", published_at=None, published_by=None, retired_at=None, retired_by=None
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        Scheme.objects.filter(pk=draft.pk).delete()


def test_a_draft_that_does_not_hold_together_is_kept_and_not_published(cast, draft):
    content = draft.content | {"lines": draft.content["lines"][1:]}
    saved = actions.save_scheme(scheme=draft, name="镇街办法", content=content, edits=1, by=cast.district_office)
    with pytest.raises(SchemeError) as error:
        actions.publish_scheme(scheme=saved, by=cast.district_office)
    assert [path for path, _message in error.value.problems] == ["lines"]
    assert Scheme.objects.get(pk=draft.pk).is_draft


def test_only_who_writes_schemes_may(cast, campaign, draft):
    for user in (cast.leader, cast.township_admin, cast.supervisor):
        with pytest.raises(PermissionDenied):
            actions.publish_scheme(scheme=draft, by=user)
        assert not Scheme.objects.visible_to(user).exists()  # a draft
    assert Scheme.objects.visible_to(cast.district_office).count() == 1


# ---- screens


def posted(scheme: Scheme, **changes) -> dict[str, str]:
    """What the browser sends from the editor, with changes."""
    editor = SchemeEditor.of(scheme.name, scheme.content, [])
    data = {"edits": str(scheme.edits)}
    for form in editor.every_form:
        for name in form.fields:
            value = form[name].data
            if value not in (None, "", False, []):
                data[form.add_prefix(name)] = value
    data |= {f"{section}-count": str(len(rows)) for section, rows in editor.sections}
    return data | changes


def edit(client, scheme, **changes):
    return client.post(reverse("reports:scheme_edit", args=[scheme.pk]), posted(scheme, **changes))


def test_editor_saves_what_was_typed(cast, login, draft):
    client = login(cast.district_office)
    changes = {"lines-0-weight": "１０", "lines-4-weight": "25 ", "lines-0-full": "95%"}
    response = edit(client, draft, **changes)
    assert response.status_code == 302
    lines = SchemeContent.from_json(Scheme.objects.get(pk=draft.pk).content).lines
    assert (lines[0].weight, lines[4].weight, lines[0].rule.full) == (10, 25, 95)


def test_editor_shows_what_is_wrong_at_its_field_and_keeps_what_was_typed(cast, login, draft):
    response = edit(login(cast.district_office), draft, **{"lines-0-weight": "二十", "lines-1-label": ""})
    page = response.content.decode()
    assert response.status_code == 422
    assert 'value="二十"' in page and page.count("field--error") >= 2
    assert Scheme.objects.get(pk=draft.pk).edits == 1


def test_editor_adds_moves_and_removes_rows_without_losing_or_storing_anything(cast, login, draft):
    client = login(cast.district_office)
    for do, labels in (
        ("lines-1-up", ["重点户走访率", "有效入户率（改）"]),
        ("lines-0-down", ["重点户走访率", "有效入户率（改）"]),
        ("lines-0-remove", ["重点户走访率", "补访完成率"]),
    ):
        response = edit(client, draft, **{"lines-0-label": "有效入户率（改）", "do": do})
        assert response.status_code == 200
        editor = response.context["editor"]
        assert [form["label"].data for form in editor.rows["lines"]][:2] == labels
    response = edit(client, draft, do="lines-add")
    assert len(response.context["editor"].rows["lines"]) == 11
    assert Scheme.objects.get(pk=draft.pk).content == draft.content


def test_editor_tells_when_somebody_else_saved_meanwhile_and_keeps_what_was_typed(cast, login, draft):
    client = login(cast.district_office)
    assert edit(client, draft, name="甲").status_code == 302
    response = edit(client, draft, name="乙")
    assert response.status_code == 409 and 'value="乙"' in response.content.decode()
    assert Scheme.objects.get(pk=draft.pk).name == "甲"


@pytest.mark.parametrize("junk", ["9" * 400, "-1", "abc", "\x00", "1e9"])
def test_editor_answers_junk_with_a_message(cast, login, draft, junk):
    client = login(cast.district_office)
    names = [f"{section}-count" for section in FORMS] + [
        "lines-0-weight",
        "lines-0-rule",
        "edits",
        "do",
        "groups-0-key",
    ]
    for name in names:
        assert edit(client, draft, **{name: junk}).status_code in (200, 302, 409, 422), name
        draft.refresh_from_db()


def test_trying_shows_who_would_move_and_why_and_stores_nothing(cast, login, campaign, draft):
    published = actions.publish_scheme(scheme=draft, by=cast.district_office)
    lines = [
        {**line, "weight": {"coverage": "10", "place_solvable": "25"}.get(line["key"], line["weight"])}
        for line in draft.content["lines"]
    ]
    changed = actions.create_scheme(
        campaign=campaign, name="镇街办法", content=draft.content | {"lines": lines}, by=cast.district_office
    )
    response = login(cast.district_office).get(reverse("reports:scheme_try", args=[changed.pk]))
    assert response.status_code == 200
    assert response.context["other"] == published
    assert [move.name for group in response.context["groups"] for move in group.units] == ["青溪镇", "白鹭镇"]
    assert Scheme.objects.count() == 2


def test_a_copy_goes_to_another_campaign(cast, login, campaign, draft):
    other = Campaign.objects.create(
        name="明年", district=cast.district, starts_on=campaign.starts_on, ends_on=campaign.ends_on
    )
    response = login(cast.district_office).post(
        reverse("reports:scheme_copy", args=[draft.pk]), {"campaign": other.pk, "name": "镇街办法"}
    )
    copy = Scheme.objects.get(campaign=other)
    assert response["Location"] == reverse("reports:scheme_edit", args=[copy.pk])
    assert (copy.version, copy.content, copy.state) == (1, draft.content, "draft")


def test_list_costs_the_same_for_one_and_many_schemes(cast, login, campaign, draft):
    client = login(cast.district_office)
    with CaptureQueriesContext(
        connection,
    ) as one_scheme:
        client.get(reverse("reports:schemes"))
    for number in range(5):
        actions.create_scheme(campaign=campaign, name=f"办法{number}", content=draft.content, by=cast.district_office)
    with CaptureQueriesContext(connection) as six:
        client.get(reverse("reports:schemes"))
    assert len(six) == len(one_scheme)

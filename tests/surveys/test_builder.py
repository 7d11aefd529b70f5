"""The builder of questionnaires: what is typed is kept, what is wrong is named, what is published stays."""

from __future__ import annotations

from typing import Any

import pytest

from surveys import editor, questionnaire, wording
from surveys.models import Questionnaire, Version
from surveys.presets import PRESETS
from tests.surveys.make import SAFETY, published

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(cast, login):
    return login(cast.district_office)


def begin(client, preset: str = "empty") -> Version:
    client.post("/surveys/questionnaires/new/", {"name": "测评", "preset": preset})
    return Version.objects.get()


def head(draft: Version, **values: Any) -> dict[str, Any]:
    return {"title": "测评", "intro": "", "thanks": "", "saves": draft.saves} | values


def item_data(draft: Version, options: list[tuple[str, str, str]] = [], **values: Any) -> dict[str, Any]:  # noqa: B006
    rows = {}
    for place, (code, label, marks) in enumerate(options):
        rows |= {f"options-{place}-code": code, f"options-{place}-label": label, f"options-{place}-marks": marks}
    base = {
        "key": "q1",
        "kind": "single",
        "text": "您满意吗？",
        "saves": draft.saves,
        "dont_know": "on",
        "refused": "on",
    }
    return base | {"options-count": len(options), "rows-count": 0, "rules-count": 0} | rows | values


@pytest.mark.parametrize("key", PRESETS)
def test_every_questionnaire_that_comes_along_can_be_published_as_it_is(office, key):
    draft = begin(office, key)
    content = questionnaire.from_json(draft.content)
    assert all(item.explanation for item in content.items)
    response = office.post(f"/surveys/questionnaires/{draft.questionnaire_id}/publish/", {"saves": draft.saves})
    assert response.status_code == 302
    assert Version.objects.get().published_at is not None


def test_the_provincial_poll_has_thirteen_items_in_five_classes_all_marked():
    content = PRESETS["safety"].build()
    assert (len(content.items), len(content.dimensions)) == (13, 5)
    assert all(item.top_marks == 10 for item in content.items)


def test_an_item_is_added_filled_in_and_kept_although_it_is_incomplete(office):
    draft = begin(office)
    added = office.post(f"/surveys/questionnaires/{draft.questionnaire_id}/edit/", head(draft, do="add", kind="single"))
    assert added["Location"].endswith("/items/q1/")
    draft.refresh_from_db()
    url = f"/surveys/questionnaires/{draft.questionnaire_id}/items/q1/"
    response = office.post(url, item_data(draft, [("a", "满意", "10"), ("a", "", "很多")], dimension="满意度"))
    page = response.content.decode()
    assert response.status_code == 200
    assert "满意度" in page and "很多" in page
    kept = Version.objects.get().content["items"][0]
    assert kept["options"] == [
        {"code": "a", "label": "满意", "marks": "10"},
        {"code": "a", "label": "", "marks": "很多"},
    ]
    assert kept["dimension"] == "满意度"
    assert [place for place, _text in editor.problems(Version.objects.get().content)] == [
        "items.0.options.1.marks",
        "items.0.options.1.label",
        "items.0.options",
    ]


def test_buttons_of_rows_change_the_page_and_store_nothing(office):
    draft = begin(office)
    office.post(f"/surveys/questionnaires/{draft.questionnaire_id}/edit/", head(draft, do="add", kind="single"))
    draft.refresh_from_db()
    url = f"/surveys/questionnaires/{draft.questionnaire_id}/items/q1/"
    data = item_data(draft, [("a", "满意", ""), ("b", "不满意", "")], do="options-1-up")
    page = office.post(url, data).content.decode()
    assert page.index("不满意") < page.index('value="满意"')
    data["do"] = "options-add"
    assert 'name="options-2-code"' in office.post(url, data).content.decode()
    data["do"] = "options-0-remove"
    assert 'value="满意"' not in office.post(url, data).content.decode()
    assert Version.objects.get().content == draft.content


def test_items_move_are_copied_and_removed_and_the_title_typed_is_kept(office):
    draft = begin(office, "call_back")
    url = f"/surveys/questionnaires/{draft.questionnaire_id}/edit/"
    steps = [
        ("down-contacted", ["solved", "contacted", "content", "why"]),
        ("up-contacted", ["contacted", "solved", "content", "why"]),
        ("copy-solved", ["contacted", "solved", "q1", "content", "why"]),
        ("remove-q1", ["contacted", "solved", "content", "why"]),
    ]
    for do, keys in steps:
        draft.refresh_from_db()
        office.post(url, head(draft, title=f"标题{do}", do=do))
        kept = Version.objects.get().content
        assert ([item["key"] for item in kept["items"]], kept["title"]) == (keys, f"标题{do}")


def test_a_rule_follows_the_new_key_of_its_item(office):
    draft = begin(office, "call_back")
    data = item_data(draft, [("content", "满意", "10"), ("not_content", "不满意", "0")], key="is_content")
    office.post(f"/surveys/questionnaires/{draft.questionnaire_id}/items/content/", data)
    kept = Version.objects.get().content
    assert kept["items"][3]["show_if"]["rules"][0]["item"] == "is_content"
    assert editor.problems(kept) == []


def test_two_people_at_one_draft_the_second_keeps_what_was_typed(office):
    draft = begin(office, "call_back")
    edit = f"/surveys/questionnaires/{draft.questionnaire_id}/edit/"
    item = f"/surveys/questionnaires/{draft.questionnaire_id}/items/content/"
    office.post(edit, head(draft, title="先存的"))
    for url, data in ((edit, head(draft, title="后来的")), (item, item_data(draft, key="content", text="后来的"))):
        response = office.post(url, data)
        page = response.content.decode()
        assert response.status_code == 409
        assert "后来的" in page
        assert f'name="saves" value="{Version.objects.get().saves}"' in page
        assert Version.objects.get().content["title"] == "先存的"
        assert Version.objects.get().content["items"][2]["text"] != "后来的"


def test_a_draft_that_is_not_complete_is_not_published_and_says_where(office):
    draft = begin(office)
    office.post(f"/surveys/questionnaires/{draft.questionnaire_id}/edit/", head(draft, do="add", kind="scale"))
    draft.refresh_from_db()
    response = office.post(
        f"/surveys/questionnaires/{draft.questionnaire_id}/publish/", {"saves": draft.saves}, follow=True
    )
    assert f"/surveys/questionnaires/{draft.questionnaire_id}/items/q1/" in response.content.decode()
    assert Version.objects.get().published_at is None


def test_what_is_published_is_changed_by_the_next_version_alone_and_the_difference_shows(office, cast):
    version = published(cast)
    assert office.get(f"/surveys/questionnaires/{version.questionnaire_id}/edit/").status_code == 302
    office.post(f"/surveys/questionnaires/{version.questionnaire_id}/draft/")
    draft = Version.objects.drafts().get()
    draft.content["items"][1]["text"] = "您觉得晚上安全吗？"
    draft.content["items"].pop(2)
    draft.save()
    page = office.get(f"/surveys/versions/{draft.pk}/compare/").content.decode()
    assert "<del>您觉得所在地安全吗？</del>" in page and "<ins>您觉得晚上安全吗？</ins>" in page
    version.refresh_from_db()
    assert version.content["items"][1]["text"] == "您觉得所在地安全吗？"


def test_differences_name_what_was_added_removed_moved_and_changed():
    new = {**SAFETY, "intro": "新的", "items": [SAFETY["items"][0], SAFETY["items"][3], SAFETY["items"][1]]}
    new["items"].append({"key": "extra", "kind": "text", "text": "补充"})
    around, changes = wording.differences(SAFETY, new)
    assert [(before, after) for _what, before, after in around] == [("您好，耽误您几分钟。", "新的")]
    states = {change.item.key: (change.state, change.is_moved) for change in changes}
    assert states["lives_here"] == ("same", False)
    assert states["worries"] == ("removed", False)
    assert states["extra"] == ("added", False)
    assert sorted([states["safe"], states["more"]]) == [("changed", True), ("same", False)]


def test_the_preview_carries_the_questions_and_no_address_to_send_to(office, cast):
    page = office.get(f"/surveys/versions/{published(cast).pk}/preview/").content.decode()
    assert "survey-preview.js" in page
    assert "data-action" not in page


def test_a_retired_questionnaire_is_not_offered_for_rounds_and_can_be_taken_back(office, cast):
    version = published(cast)
    url = f"/surveys/questionnaires/{version.questionnaire_id}/retire/"
    office.post(url)
    assert Questionnaire.objects.get().is_retired
    assert f'<option value="{version.pk}"' not in office.get("/surveys/rounds/new/").content.decode()
    office.post(url, {"reuse": "1"})
    assert not Questionnaire.objects.get().is_retired


@pytest.mark.parametrize("content", [[], {"items": "x"}, {"items": [1, {"key": 3, "options": {}, "show_if": 5}]}])
def test_a_draft_of_any_json_opens_in_the_builder(office, cast, content):
    whole = Questionnaire.objects.create(district=cast.district, name="旧稿", created_by=cast.district_office)
    draft = Version.objects.create(questionnaire=whole, number=1, content=content)
    for url in (f"questionnaires/{whole.pk}/", f"questionnaires/{whole.pk}/edit/", f"versions/{draft.pk}/preview/"):
        assert office.get(f"/surveys/{url}").status_code == 200


def test_every_kind_of_item_opens_and_is_stored_again_unchanged(office):
    draft = begin(office, "visit")
    for item in PRESETS["pulse"].build().items + PRESETS["visit"].build().items:
        stored = questionnaire.to_json(questionnaire.Content("题", (item,)))["items"][0]
        opened = editor.ItemEditor.of(stored, [])
        assert opened.valid()
        again = opened.item()
        one = questionnaire.Content("题", (item,))
        assert questionnaire.canonical(one).startswith("{")
        strip = {key: value for key, value in again.items() if key != "declines"}
        assert strip == {key: value for key, value in stored.items() if key != "declines"}
    assert draft.pk


def test_the_list_of_questionnaires_costs_the_same_for_one_and_for_many(office, cast, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    published(cast)
    with CaptureQueriesContext(
        connection,
    ) as one:
        office.get("/surveys/questionnaires/")
    for number in range(5):
        published(cast, name=f"问卷{number}")
    with django_assert_num_queries(len(one)):
        office.get("/surveys/questionnaires/")


def test_no_place_of_a_questionnaire_holds_an_answer_wanted():
    fields = {*questionnaire.Item.__dataclass_fields__, *questionnaire.Option.__dataclass_fields__}
    assert not {name for name in fields if any(word in name for word in ("answer", "default", "correct", "model"))}

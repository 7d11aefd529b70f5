"""What a questionnaire may be, which items are asked, and which answers fit."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys import answers, questionnaire
from surveys.answers import AnswerErrors
from surveys.questionnaire import ContentError, Kind
from tests.surveys.make import NOT_SAFE, SAFE, SAFETY

PATHS = json.loads((Path(__file__).parent.parent / "data" / "surveys" / "paths.json").read_text())
CONTENT = questionnaire.from_json(SAFETY)


def with_item(**values: Any) -> dict[str, Any]:
    """The questionnaire with one more item at its end."""
    return {**SAFETY, "items": [*SAFETY["items"], values]}


def test_a_questionnaire_read_and_written_is_the_same():
    assert questionnaire.from_json(questionnaire.to_json(CONTENT)) == CONTENT
    assert json.loads(questionnaire.canonical(CONTENT)) == questionnaire.to_json(CONTENT)
    assert CONTENT.top_index == Decimal(10)
    assert CONTENT.dimensions == ["安全感"]


OPTIONS = [{"code": "a", "label": "甲"}, {"code": "b", "label": "乙"}]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"key": "safe", "kind": "text", "text": "x"}, "items.4.key"),
        ({"key": "Große", "kind": "text", "text": "x"}, "items.4.key"),
        ({"key": "q", "kind": "poem", "text": "x"}, "items.4.kind"),
        ({"key": "q", "kind": ["text"], "text": "x"}, "items.4.kind"),
        ({"key": "q", "kind": "text"}, "items.4.text"),
        ({"key": "q", "kind": "text", "text": 5}, "items.4.text"),
        ({"key": "q", "kind": "text", "text": "x" * 501}, "items.4.text"),
        ({"key": "q", "kind": "single", "text": "x", "options": OPTIONS[:1]}, "items.4.options"),
        ({"key": "q", "kind": "single", "text": "x", "options": [OPTIONS[0], OPTIONS[0]]}, "items.4.options"),
        ({"key": "q", "kind": "single", "text": "x", "options": "ab"}, "items.4.options"),
        ({"key": "q", "kind": "text", "text": "x", "options": OPTIONS}, "items.4.options"),
        ({"key": "q", "kind": "yes_no", "text": "x", "options": OPTIONS}, "items.4.options"),
        ({"key": "q", "kind": "scale", "text": "x", "options": OPTIONS}, "items.4.options"),
        ({"key": "q", "kind": "matrix", "text": "x", "options": OPTIONS}, "items.4.rows"),
        (
            {"key": "q", "kind": "single", "text": "x", "options": [OPTIONS[0] | {"marks": "NaN"}, OPTIONS[1]]},
            "items.4.options.0.marks",
        ),
        ({"key": "q", "kind": "number", "text": "x", "minimum": "5", "maximum": "4"}, "items.4.maximum"),
        ({"key": "q", "kind": "date", "text": "x", "minimum": "tomorrow"}, "items.4.minimum"),
        ({"key": "q", "kind": "text", "text": "x", "minimum": "1"}, "items.4.minimum"),
        ({"key": "q", "kind": "text", "text": "x", "max_length": 10**9}, "items.4.max_length"),
        ({"key": "q", "kind": "multi", "text": "x", "options": OPTIONS, "max_choices": 3}, "items.4.max_choices"),
        ({"key": "q", "kind": "text", "text": "x", "shuffle": True}, "items.4.shuffle"),
        ({"key": "q", "kind": "text", "text": "x", "shuffle": "yes"}, "items.4.shuffle"),
        ({"key": "q", "kind": "text", "text": "x", "declines": ["never"]}, "items.4.declines"),
        ({"key": "q", "kind": "text", "text": "x", "show_if": {"rules": []}}, "items.4.show_if"),
    ],
)
def test_what_is_no_questionnaire_is_refused_with_its_place(change, where):
    with pytest.raises(ContentError) as caught:
        questionnaire.from_json(with_item(**change))
    assert where in [place for place, _text in caught.value.problems]
    assert all(text for _place, text in caught.value.problems)


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ({"item": "later", "op": "answered"}, "item"),
        ({"item": "safe", "op": "is", "value": "9"}, "value"),
        ({"item": "more", "op": "is", "value": "x"}, "value"),
        ({"item": "safe", "op": "includes", "value": "1"}, "value"),
        ({"item": "worries", "op": "at_least", "value": "1"}, "value"),
        ({"item": "safe", "op": "at_least", "value": "many"}, "value"),
        ({"item": "safe", "op": "smells"}, "op"),
    ],
)
def test_a_rule_that_can_never_be_asked_is_refused(rule, where):
    with pytest.raises(ContentError) as caught:
        questionnaire.from_json(with_item(key="q", kind="text", text="x", show_if={"rules": [rule]}))
    assert f"items.4.show_if.rules.0.{where}" in [place for place, _text in caught.value.problems]


@pytest.mark.parametrize("junk", [None, 5, "x", [], {}, {"items": 5}, {"title": "x", "items": [5]}])
def test_junk_is_no_questionnaire(junk):
    with pytest.raises(ContentError):
        questionnaire.from_json(junk)


@pytest.mark.parametrize("case", PATHS, ids=[case["about"] for case in PATHS])
def test_the_items_asked_follow_from_the_answers(case):
    assert [item.key for item in answers.path(CONTENT, case["answers"])] == case["asked"]


def test_answers_that_fit_are_kept_in_one_form():
    assert answers.clean(CONTENT, SAFE) == SAFE
    assert answers.clean(CONTENT, NOT_SAFE | {"safe": 2, "worries": ["theft", "fraud"], "more": " 好 \x00"}) == {
        "lives_here": "yes",
        "safe": "2",
        "worries": ["fraud", "theft"],
        "more": "好",
    }
    declined = {"lives_here": "yes", "safe": {"declined": "dont_know"}}
    assert answers.clean(CONTENT, declined) == declined


@pytest.mark.parametrize(
    ("given", "item"),
    [
        ({}, "lives_here"),
        ({"lives_here": "yes"}, "safe"),
        ({"lives_here": "perhaps"}, "lives_here"),
        ({"lives_here": True}, "lives_here"),
        ({"lives_here": ["yes"]}, "lives_here"),
        ({"lives_here": {"declined": "asleep"}}, "lives_here"),
        (NOT_SAFE | {"worries": ["fraud", "theft", "traffic"]}, "worries"),
        (NOT_SAFE | {"worries": ["fraud", "fraud"]}, "worries"),
        (NOT_SAFE | {"worries": "fraud"}, "worries"),
        (SAFE | {"more": "x" * 51}, "more"),
        (SAFE | {"more": 5}, "more"),
        (SAFE | {"strange": "x"}, ""),
        ("junk", ""),
    ],
)
def test_answers_that_do_not_fit_name_their_item(given, item):
    with pytest.raises(AnswerErrors) as caught:
        answers.clean(CONTENT, given)
    assert caught.value.problems.get(item)


LIMITS = questionnaire.from_json(
    {
        "title": "x",
        "items": [
            {"key": "age", "kind": "number", "text": "x", "minimum": "18", "maximum": "120", "is_whole": True},
            {"key": "day", "kind": "date", "text": "x", "minimum": "2026-01-01", "maximum": "2026-12-31"},
            {
                "key": "rows",
                "kind": "matrix",
                "text": "x",
                "options": [{"code": "1", "label": "差", "marks": "0"}, {"code": "2", "label": "好", "marks": "4"}],
                "rows": [{"key": "police", "label": "公安"}, {"key": "court", "label": "法院"}],
            },
        ],
    }
)
FITTING = {"age": "30.0", "day": "2026-04-17", "rows": {"police": "2", "court": {"declined": "dont_know"}}}


def test_numbers_dates_and_matrices_are_checked_against_their_limits():
    cleaned = answers.clean(LIMITS, FITTING)
    assert cleaned == FITTING | {"age": "30"}
    assert answers.marks(LIMITS.by_key["rows"], cleaned["rows"]) == Decimal(4)
    for key, wrong in {
        "age": ["17", "121", "30.5", "NaN", "1e400", [], "  "],
        "day": ["2025-12-31", "2027-01-01", "2026-02-30", "17.4.2026", 5],
        "rows": [{"police": "2"}, {"police": "3", "court": "1"}, {"mayor": "1"}, "2"],
    }.items():
        for value in wrong:
            with pytest.raises(AnswerErrors) as caught:
                answers.clean(LIMITS, FITTING | {key: value})
            assert set(caught.value.problems) == {key}, value


def test_marks_are_those_of_the_option_and_none_for_a_decline():
    safe = CONTENT.by_key["safe"]
    assert [answers.marks(safe, code) for code in ("1", "5")] == [Decimal(0), Decimal(10)]
    assert answers.marks(safe, {"declined": "refused"}) is None
    assert answers.marks(safe, None) is None
    assert answers.marks(CONTENT.by_key["worries"], ["fraud"]) is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([item.key for item in (*CONTENT.items, *LIMITS.items)]), anything))
def test_whatever_is_sent_is_taken_or_refused_with_reasons(given):
    for content in (CONTENT, LIMITS):
        try:
            cleaned = answers.clean(content, given)
        except AnswerErrors as error:
            assert error.problems
        else:
            assert answers.clean(content, cleaned) == cleaned
            assert set(cleaned) <= {item.key for item in answers.path(content, cleaned)}


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["title", "items", "key", "kind", "options", "rows", "show_if", "declines", "maximum"]), anything
)
def test_whatever_is_in_a_questionnaire_is_read_or_refused_with_its_place(name, junk):
    data = copy.deepcopy(SAFETY)
    if name in ("title", "items"):
        data[name] = junk
    else:
        data["items"][1][name] = junk
    try:
        content = questionnaire.from_json(data)
    except ContentError as error:
        assert error.problems
    else:
        assert questionnaire.from_json(questionnaire.to_json(content)) == content
        assert all(isinstance(item.kind, Kind) for item in content.items)

"""A board that refreshes itself, in a real browser: what an answer does to the page, and when it asks at all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from reports.tasks import refresh_rollups
from tests.reports.rows import make_campaign, make_duty

MARK = "document.querySelector('#board').dataset.marked = 'yes'"
HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def campaign(live, cast):
    today = timezone.localdate()
    campaign = make_campaign(cast, starts_on=today - timedelta(days=9), ends_on=today + timedelta(days=9))
    make_duty(campaign, cast.shiqiao, covered_on=today - timedelta(days=3))
    make_duty(campaign, cast.shiqiao)
    refresh_rollups()
    return campaign


@pytest.fixture
def board(browser_context, log_in, cast, campaign):
    """The leader's board, its clock turned by the test; `board.polls` are the answers to its polls so far."""
    page = log_in(browser_context("desk").new_page(), cast.leader)
    page.clock.install()
    page.polls = []
    page.on("response", lambda found: page.polls.append(found) if "x-live" in found.request.headers else None)
    page.goto("/boards/leader/", wait_until="networkidle")
    page.evaluate(MARK)
    return page


def poll(page):
    """Turn the clock until the board has asked once more; return the answer."""
    with page.expect_response(lambda found: "x-live" in found.request.headers) as answer:
        page.clock.run_for(31_000)
    return answer.value


def test_answer_without_news_changes_nothing(board):
    assert poll(board).status == 304
    assert board.evaluate("document.querySelector('#board').dataset.marked") == "yes"
    expect(board.locator("#board")).to_contain_text("50.00")


def test_news_take_the_place_of_what_is_shown(board, cast, campaign):
    before = board.evaluate("document.querySelector('#board').dataset.live")
    make_duty(campaign, cast.luzhou, covered_on=timezone.localdate())
    make_duty(campaign, cast.luzhou, covered_on=timezone.localdate())
    refresh_rollups()
    assert poll(board).status == 200
    expect(board.locator("#board")).to_contain_text("75.00")
    assert board.evaluate("document.querySelector('#board').dataset.marked") is None
    assert board.evaluate("document.querySelector('#board').dataset.live") != before
    # and what it shows now is what it asks by
    assert poll(board).status == 304


def test_hidden_tab_does_not_ask_and_asks_at_once_when_it_is_shown(board):
    board.evaluate(HIDE, True)
    board.clock.run_for(200_000)
    assert board.polls == []
    with board.expect_response(lambda found: "x-live" in found.request.headers) as answer:
        board.evaluate(HIDE, False)
    assert answer.value.status == 304


def test_board_somebody_copies_from_is_left_alone(board, cast, campaign):
    make_duty(campaign, cast.luzhou, covered_on=timezone.localdate())
    refresh_rollups()
    board.evaluate("document.querySelector('#board textarea').focus()")
    board.clock.run_for(100_000)
    assert board.polls == []
    assert board.evaluate("document.querySelector('#board').dataset.marked") == "yes"

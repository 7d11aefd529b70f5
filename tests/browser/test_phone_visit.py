"""A visit on a real phone: three taps, few bytes, and nothing lost on a bad line."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from issues.models import Issue
from tests.cast import make_cast
from tests.visits.conftest import make_round
from visits.attempts import State
from visits.models import Visit

COUNT_TAPS = "addEventListener('pointerdown', () => { sessionStorage.taps = 1 + +(sessionStorage.taps || 0) }, true)"
# A visit is sent from the edge of the network: what it may cost.
MAX_SENT = 6_000
MAX_PAGE = 60_000


@pytest.fixture
def round_(live):
    return make_round(make_cast())


@pytest.fixture
def household(round_, phone, log_in):
    """The phone with the first household's page open, counting taps from here on."""
    phone.add_init_script(COUNT_TAPS)
    log_in(phone, round_.cast.visitor).goto("/phone/")
    phone.get_by_role("link", name="张三").tap()
    expect(phone.get_by_role("heading", level=1)).to_have_text("张三")
    phone.evaluate("sessionStorage.taps = 0")
    return phone


def choose(page, name: str, value: str) -> None:
    page.locator(f'input[name="{name}"][value="{value}"]').tap()


def save(page) -> None:
    page.locator("button[form=visit]").tap()


def drafts(page) -> str:
    return page.evaluate("JSON.stringify(localStorage)")


def test_met_visit_takes_three_taps_and_few_bytes(household, round_):
    page = household
    with page.expect_request_finished(lambda request: request.method == "POST") as sent:
        choose(page, "outcome", "met")
        choose(page, "problem", "no")
        save(page)
    sizes = sent.value.sizes()
    page.wait_for_url(re.compile(r"/phone/\?view=todo"))
    assert int(page.evaluate("sessionStorage.taps")) == 3
    cost = sizes["requestBodySize"] + sizes["requestHeadersSize"] + sizes["responseBodySize"]
    print(f"taps 3, bytes of the save {cost}")
    assert cost <= MAX_SENT
    visit = Visit.objects.get()
    assert (visit.household, visit.outcome, visit.is_counted) == (round_.door, "met", True)
    assert visit.seconds is not None
    assert round_.duty.state == State.MET


def test_nobody_home_takes_two_taps_and_says_when_to_come_again(household, round_):
    page = household
    choose(page, "outcome", "nobody_home")
    save(page)
    expect(page.get_by_text("请在")).to_contain_text("前补访")
    assert int(page.evaluate("sessionStorage.taps")) == 2
    assert round_.duty.state == State.MAKE_UP


def test_household_page_is_light(phone, round_, log_in):
    log_in(phone, round_.cast.visitor)
    response = phone.goto(f"/phone/{round_.door.pk}/")
    size = len(response.body())
    print(f"bytes of the household page {size}")
    assert size <= MAX_PAGE


def test_problem_with_a_photo_becomes_an_issue(household, round_, tmp_path):
    from PIL import Image

    Image.effect_noise((3000, 2000), 80).convert("RGB").save(tmp_path / "photo.jpg", quality=90)
    page = household
    choose(page, "outcome", "met")
    choose(page, "problem", "yes")
    page.get_by_role("radio", name="交通道路", exact=True).first.tap()
    page.get_by_role("radio", name="路灯照明", exact=True).tap()
    page.get_by_label("用一句话说明").fill("村口路灯不亮")
    page.get_by_role("checkbox", name="紧急", exact=True).tap()
    page.set_input_files("#problem_photo", tmp_path / "photo.jpg")
    expect(page.get_by_text("已添加照片")).to_be_visible()
    page.wait_for_timeout(1500)
    with page.expect_request_finished(lambda request: request.method == "POST") as sent:
        save(page)
    sizes = sent.value.sizes()
    page.wait_for_url(re.compile(r"/phone/\?view=todo"))
    issue = Issue.objects.get()
    assert (issue.text, issue.category.name, issue.is_urgent) == ("村口路灯不亮", "路灯照明", True)
    assert issue.attachments.count() == 1
    assert sizes["requestBodySize"] < (tmp_path / "photo.jpg").stat().st_size / 2


def test_missing_answer_is_asked_for_and_nothing_is_sent(household):
    page = household
    save(page)
    expect(page.get_by_role("status")).to_have_text("请先选择走访结果。")
    choose(page, "outcome", "met")
    save(page)
    expect(page.get_by_role("status")).to_have_text("请选择有没有问题。")
    assert Visit.objects.count() == 0


def test_draft_survives_the_back_key_and_a_reload_and_goes_with_the_receipt(household, round_):
    page = household
    choose(page, "outcome", "met")
    page.get_by_text("更多内容").tap()
    page.get_by_label("备注").fill("身份证 43990019900101123X 老人耳背")
    page.go_back()
    page.go_forward()
    page.reload()
    expect(page.get_by_label("备注")).to_be_visible()
    assert page.get_by_label("备注").input_value().endswith("老人耳背")
    expect(page.get_by_text("已恢复上次没保存的内容")).to_be_visible()
    assert "43990019900101123" not in drafts(page)
    choose(page, "problem", "no")
    save(page)
    page.wait_for_url(re.compile(r"/phone/\?view=todo"))
    assert "visit-draft" not in drafts(page)
    assert Visit.objects.get().note.endswith("老人耳背")


def test_save_without_a_connection_keeps_everything_and_stores_once_later(household, round_):
    page = household
    choose(page, "outcome", "met")
    choose(page, "problem", "no")
    page.context.set_offline(True)
    save(page)
    expect(page.get_by_role("status")).to_contain_text("没有网络")
    assert "visit-draft" in drafts(page)
    page.context.set_offline(False)
    save(page)
    page.wait_for_url(re.compile(r"/phone/\?view=todo"))
    page.go_back()
    page.wait_for_load_state()
    assert Visit.objects.count() == 1


def test_refusal_by_the_server_is_shown_and_nothing_is_lost(household, round_):
    page = household
    choose(page, "outcome", "met")
    choose(page, "problem", "no")
    round_.campaign.state = "closed"
    round_.campaign.save()
    save(page)
    expect(page.get_by_role("status")).to_contain_text("已经结束")
    assert "visit-draft" in drafts(page)
    assert Visit.objects.count() == 0


def test_drafts_of_another_account_are_wiped(household, round_, log_in):
    page = household
    choose(page, "outcome", "met")
    assert "visit-draft" in drafts(page)
    log_in(page, round_.cast.village_clerk).goto("/phone/")
    page.wait_for_load_state("networkidle")
    assert "visit-draft" not in drafts(page)


def test_form_works_without_script(browser_context, round_, log_in):
    page = browser_context("phone", java_script_enabled=False).new_page()
    log_in(page, round_.cast.visitor).goto(f"/phone/{round_.door.pk}/")
    choose(page, "outcome", "refused")
    save(page)
    expect(page.get_by_text("已保存")).to_be_visible()
    assert round_.duty.state == State.REFUSED


def test_search_finds_by_initials_while_typing(phone, round_, log_in):
    log_in(phone, round_.cast.visitor).goto("/phone/")
    phone.get_by_role("searchbox").fill("ls")
    expect(phone.locator(".door")).to_have_count(1)
    expect(phone.locator(".door")).to_contain_text("李四")


def test_time_of_the_visit_is_the_districts_on_a_phone_set_to_another_zone(browser_context, round_, log_in):
    page = browser_context("phone", timezone_id="America/New_York").new_page()
    log_in(page, round_.cast.visitor).goto(f"/phone/{round_.door.pk}/")
    choose(page, "outcome", "refused")
    save(page)
    page.wait_for_url(re.compile(r"/phone/\?view=todo"))
    assert timezone.now() - Visit.objects.get().visited_at < timedelta(minutes=5)

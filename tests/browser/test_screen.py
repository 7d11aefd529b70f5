"""The large screen in a real browser: it turns, it can be stopped and steered, and it outlives its server."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from outreach.models import Unit
from reports import screen_actions
from reports.tasks import refresh_rollups
from tests.browser.test_design import watch
from tests.reports.rows import START, make_campaign, make_duty

SCREEN = "/reports/screen/"
SHOWN = "[data-panel]:not([hidden])"
# texts of the panel shown that stand beyond its end, and those too small to be read from five metres
TOO_LARGE_OR_SMALL = """() => {
    const panel = document.querySelector("[data-panel]:not([hidden])");
    const end = panel.getBoundingClientRect().bottom + 1;
    const said = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const texts = [...panel.querySelectorAll("*")].filter((one) => one.getClientRects().length && said(one));
    const named = (some) => some.map((one) => one.textContent);
    return [
        named(texts.filter((one) => one.getBoundingClientRect().bottom > end)),
        named(texts.filter((one) => parseFloat(getComputedStyle(one).fontSize) < innerHeight / 40)),
    ];
}"""


@pytest.fixture
def campaign(live, cast):
    campaign = make_campaign(cast)
    for _number in range(12):
        make_duty(campaign, cast.shiqiao, covered_on=START)
        make_duty(campaign, cast.luzhou)
    refresh_rollups()
    return campaign


@pytest.fixture
def wall(browser_context, log_in, cast, campaign):
    """A page of 1920 × 1080, logged in, whose clock the test turns."""
    page = log_in(browser_context("wall").new_page(), cast.leader)
    page.clock.install()
    return page


def test_screen_turns_by_itself_and_stops_when_asked(wall):
    found = watch(wall)
    wall.goto(SCREEN, wait_until="networkidle")
    expect(wall.locator(SHOWN)).to_have_attribute("data-panel", "headline")
    wall.clock.run_for(16_000)
    expect(wall.locator(SHOWN)).to_have_attribute("data-panel", "coverage-0")
    wall.keyboard.press("ArrowLeft")
    expect(wall.locator(SHOWN)).to_have_attribute("data-panel", "headline")
    wall.keyboard.press("Space")
    expect(wall.get_by_role("button", name="自动轮播")).to_have_attribute("aria-pressed", "true")
    wall.clock.run_for(50_000)
    expect(wall.locator(SHOWN)).to_have_attribute("data-panel", "headline")
    wall.keyboard.press("Space")
    wall.clock.run_for(34_000)  # whoever has pressed a key is given time to read
    expect(wall.locator(SHOWN)).to_have_attribute("data-panel", "coverage-0")
    assert found == []


def test_screen_waits_while_somebody_moves_the_pointer(wall):
    wall.goto(SCREEN, wait_until="networkidle")
    for step in range(4):
        wall.mouse.move(300 + step, 300)
        wall.clock.run_for(10_000)
    expect(wall.locator(SHOWN)).to_have_attribute("data-panel", "headline")
    wall.clock.run_for(40_000)  # a pointer that lies still stops nothing
    expect(wall.locator(SHOWN)).not_to_have_attribute("data-panel", "headline")


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1366, 768), (3840, 2160)])
def test_no_panel_is_larger_than_the_screen_and_its_text_is_read_from_afar(wall, cast, width, height):
    for number in range(18):
        Unit.objects.create(
            code=f"4399002{number:02}", name=f"黄茅园{number}镇", kind="township", parent=cast.district, sort_order=99
        )
    wall.set_viewport_size({"width": width, "height": height})
    wall.goto(SCREEN, wait_until="networkidle")
    for _panel in range(wall.locator("[data-panel]").count()):
        over, small = wall.evaluate(TOO_LARGE_OR_SMALL)
        assert (over, small) == ([], [])
        wall.keyboard.press("ArrowRight")
    assert wall.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0


def test_screen_keeps_its_figures_while_the_server_is_away_and_says_since_when(wall, cast, campaign):
    wall.goto(SCREEN, wait_until="networkidle")
    asked: list[int] = []
    wall.on("request", lambda request: asked.append(1) if "panels" in request.url else None)
    wall.route("**/panels/", lambda route: route.abort())
    wall.clock.run_for(80_000)
    expect(wall.locator("[data-message]")).to_contain_text("服务器无响应")
    expect(wall.locator("[data-panel=coverage-0]")).to_contain_text("100.00%")
    for _minute in range(10):
        wall.clock.run_for(60_000)
    assert 3 <= len(asked) <= 7  # it asks less and less often
    wall.unroute("**/panels/")
    for _minute in range(6):
        wall.clock.run_for(60_000)
        wall.wait_for_timeout(100)
    expect(wall.locator("[data-message]")).to_be_empty()


def test_new_figures_come_by_themselves_and_the_panel_stays(wall, cast, campaign):
    from django.core.cache import cache

    wall.goto(SCREEN, wait_until="networkidle")
    wall.keyboard.press("Space")
    wall.keyboard.press("ArrowRight")
    make_duty(campaign, cast.shiqiao)
    refresh_rollups()
    cache.clear()
    wall.clock.run_for(75_000)
    expect(wall.locator(SHOWN)).to_contain_text("92.31%")
    expect(wall.locator(SHOWN)).to_have_attribute("data-panel", "coverage-0")


def test_hall_computer_opens_the_screen_by_its_link_until_it_is_withdrawn(browser_context, cast, campaign):
    link, token = screen_actions.make_hall_link(district=cast.district, name="大厅", days=7, by=cast.district_office)
    page = browser_context("desk").new_page()
    page.clock.install()
    page.goto(f"/reports/hall/#{token}")
    page.wait_for_url("**/reports/hall/screen/")
    expect(page.locator("h1")).to_contain_text("春季走访")
    expect(page.get_by_role("link")).to_have_count(0)
    screen_actions.end_hall_link(link=link, by=cast.district_office)
    page.clock.run_for(75_000)
    expect(page.locator("[data-message]")).to_contain_text("已停用")
    expect(page.locator("[data-panel]")).to_have_count(0)


def test_screen_can_be_read_on_a_phone_and_without_javascript(browser_context, log_in, cast, campaign):
    page = log_in(browser_context("phone", java_script_enabled=False).new_page(), cast.leader)
    page.goto(SCREEN)
    for key in ("headline", "coverage-0", "solution-0", "issues"):
        expect(page.locator(f"[data-panel={key}]")).to_be_visible()

"""The components in a real browser: usable by keyboard, by screen reader, with and without JavaScript."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

PAGES = ["/styleguide/", "/styleguide/phone/", "/login/", "/nowhere/"]


def watch(page: Page) -> list[str]:
    """Collect what the browser complains of: scripts, refused resources, what left the site."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(("http://localhost", "data:")) else found.append(r.url))
    return found


@pytest.mark.parametrize("device", ["phone", "desk"])
@pytest.mark.parametrize("path", PAGES)
def test_page_is_accessible_quiet_and_no_wider_than_the_screen(browser_context, device, path):
    page = browser_context(device).new_page()
    found = watch(page)
    page.goto(path, wait_until="networkidle")
    violations = [(v["id"], v["nodes"][0]["html"]) for v in Axe().run(page).response["violations"]]
    assert violations == []
    assert [text for text in found if "404" not in text] == []
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_confirm_opens_as_dialog_and_gives_its_form_back_when_cancelled(desk):
    desk.goto("/styleguide/")
    opener = desk.locator("details.confirm > summary")
    for _time in range(2):  # the second time shows that the form came back
        opener.click()
        dialog = desk.get_by_role("dialog", name="撤销这次导入？")
        expect(dialog.get_by_role("button", name="撤销导入")).to_be_visible()
        dialog.get_by_role("button", name="取消").click()
        expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()


def test_menu_closes_on_escape_and_on_a_click_elsewhere(desk):
    desk.goto("/styleguide/")
    menu = desk.locator("details.menu", has_text="更多")
    menu.locator("summary").click()
    expect(menu.get_by_role("link", name="修改")).to_be_visible()
    desk.keyboard.press("Escape")
    expect(menu.get_by_role("link", name="修改")).to_be_hidden()
    menu.locator("summary").click()
    desk.locator("h1").click()
    expect(menu.get_by_role("link", name="修改")).to_be_hidden()


def test_filter_is_sent_by_choosing_and_leaves_empty_fields_out(desk):
    desk.goto("/styleguide/?page=2")
    desk.locator("#filter_state").select_option("met")
    desk.wait_for_url("**/styleguide/?state=met")
    expect(desk.get_by_role("link", name="清除")).to_be_visible()


def test_chosen_file_is_named_and_a_wrong_one_refused(desk):
    desk.goto("/styleguide/")
    zone = desk.locator("[data-dropzone]")
    zone.locator("input").set_input_files({"name": "名单.xlsx", "mimeType": "x/y", "buffer": b"1" * 2048})
    expect(zone.get_by_text("已选择： 名单.xlsx (2 KB)")).to_be_visible()
    desk.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["x"], "名单.pdf"));
            document.querySelector(".dropzone").dispatchEvent(
                new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
            );
        }"""
    )
    expect(zone.get_by_text("不支持此类文件。")).to_be_visible()


def test_text_is_copied(browser_context):
    page = browser_context("desk", permissions=["clipboard-read", "clipboard-write"]).new_page()
    page.goto("/styleguide/")
    page.locator(".copy button").first.click()
    expect(page.get_by_role("status").filter(has_text="已复制")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "439900101201"


def test_chips_are_chosen_by_keyboard(phone):
    phone.goto("/styleguide/phone/")
    phone.get_by_role("radio", name="见面").focus()
    phone.keyboard.press("ArrowDown")
    expect(phone.get_by_role("radio", name="无人在家")).to_be_checked()


def test_everything_can_be_reached_without_javascript(browser_context):
    page = browser_context("desk", java_script_enabled=False).new_page()
    page.goto("/styleguide/")
    page.locator("details.confirm > summary").click()
    expect(page.locator("details.confirm").get_by_role("button", name="撤销导入")).to_be_visible()
    page.locator("details.menu", has_text="更多").locator("summary").click()
    expect(page.get_by_role("link", name="修改", exact=True)).to_be_visible()
    page.locator("#filter_state").select_option("met")
    page.get_by_role("button", name="筛选").click()
    assert "state=met" in page.url


@pytest.mark.parametrize("device", ["phone", "desk"])
def test_person_switches_post_and_language_and_logs_out_from_the_menu(browser_context, device, cast, log_in):
    from outreach.access import Role
    from outreach.models import Membership

    Membership.objects.create(user=cast.visitor, unit=cast.liutang, role=Role.VILLAGE_CLERK)
    page = log_in(browser_context(device).new_page(), cast.visitor)
    page.goto("/password/change/")
    account = page.locator(".menu--user > summary")
    account.click()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    account.click()
    page.get_by_role("button", name="柳塘村 · village clerk").click()
    page.goto("/me/")
    expect(page.locator(".menu-who")).to_contain_text("柳塘村 · village clerk")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login/")

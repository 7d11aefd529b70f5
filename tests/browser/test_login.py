"""Logging in, in a real browser."""

from playwright.sync_api import Page, expect

from tests.cast import PASSWORD


def test_login_page_refuses_a_wrong_password_and_lets_the_right_one_in(cast, phone: Page):
    problems: list[str] = []
    phone.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    phone.on("pageerror", lambda error: problems.append(str(error)))
    phone.goto("/")
    phone.locator("#id_login").fill(cast.system_admin.staff_number)
    phone.locator("#id_password").fill("wrong")
    phone.locator("#id_password").press("Enter")
    expect(phone.locator("#id_password")).to_have_value("")
    phone.locator("#id_login").fill(cast.system_admin.staff_number)
    phone.locator("#id_password").fill(PASSWORD)
    phone.locator("#id_password").press("Enter")
    phone.wait_for_url(lambda url: "/login" not in url)
    expect(phone.get_by_text(cast.system_admin.name).first).to_be_attached()
    assert problems == []


def test_log_in_fixture_opens_pages_as_that_person(cast, desk: Page, log_in):
    log_in(desk, cast.system_admin).goto("/")
    expect(desk.get_by_text(cast.system_admin.name).first).to_be_attached()

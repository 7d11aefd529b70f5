"""Every page of the product, at the width of a desk and of a phone: axe finds nothing.

New pages are walked by themselves (tests/scenery.py), by the first role that may open them. The pages are dealt out
into PARTS, so that pytest's workers share them.
"""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Page

from outreach.access import ROLE_PERMISSIONS, Permission
from tests.browser.conftest import DEVICES
from tests.cast import Cast, make_cast
from tests.scenery import ALSO_NEEDS, Scenery, View, make_scenery, views

PARTS = 6
WIDTHS = ("desk", "phone")
# who is tried first: those who work on the pages rather than those who may look everywhere
ROLES = [
    *("visitor", "village_clerk", "township_admin", "department_handler", "department_head", "district_office"),
    *("supervisor", "leader", "publicity", "system_admin", "discipline"),
]
VIEWS = [view for view in views() if view.permission == "open" or isinstance(view.permission, Permission)]


def page_for(view: View, cast: Cast, scenery: Scenery) -> tuple[str, str] | None:
    """Return the page's address and the role that opens it; None where the view gives no page (files, JSON, posts)."""
    url = view.url(scenery.inside)
    for role in ROLES:
        needed = {view.permission, ALSO_NEEDS.get(view.name, view.permission)} - {"open"}
        if not needed <= set(ROLE_PERMISSIONS[role]):
            continue
        client = Client()
        client.force_login(getattr(cast, role))
        response = client.get(url)
        is_page = response.get("Content-Type", "").startswith("text/html") and not response.get("Content-Disposition")
        if response.status_code == 200 and is_page and b"<html" in response.getvalue()[:2000]:
            return url, role
    return None


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"][:2]]


@pytest.mark.parametrize("part", range(PARTS))
def test_no_page_has_a_violation(part, browser_context, live, log_in):
    cast = make_cast()
    scenery = make_scenery(cast)
    pages = [found for view in VIEWS[part::PARTS] if (found := page_for(view, cast, scenery))]
    assert pages
    context = browser_context("desk")
    context.route("**/*", lambda route: route.abort() if "/live" in route.request.url else route.continue_())
    page = context.new_page()
    bad: list[str] = []
    role_now = ""
    for url, role in sorted(pages, key=lambda one: one[1]):
        if role != role_now:
            log_in(page, getattr(cast, role))
            role_now = role
        page.goto(url, wait_until="load")
        for width in WIDTHS:
            page.set_viewport_size(DEVICES[width]["viewport"])
            bad += [f"{url} ({role}, {width}) {one}" for one in violations(page)]
    assert bad == [], "\n".join(bad)

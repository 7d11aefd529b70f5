"""Charts in a real browser: drawn from their table, under the strict policy, at any width, also on paper."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.test_design import watch

# what stands in the picture and what stands in the table of each figure
READ = """() => [...document.querySelectorAll("figure[data-chart]")].map((figure) => ({
    kind: figure.dataset.chart,
    drawn: [...figure.querySelectorAll("svg text")].map((text) => text.textContent),
    shapes: figure.querySelectorAll(".chart-canvas svg path").length,
    labels: [...figure.querySelectorAll("tbody th")].map((cell) => cell.textContent.trim()),
    values: [...figure.querySelectorAll("tbody td")].map((cell) => cell.textContent.trim()),
    wide: figure.querySelector(".chart-canvas svg").getBoundingClientRect().width - figure.clientWidth,
}))"""


def open_charts(page):
    found = watch(page)
    page.goto("/styleguide/", wait_until="networkidle")
    expect(page.locator("figure[data-drawn]")).to_have_count(5)
    return found


@pytest.mark.parametrize("device", ["phone", "desk"])
def test_charts_are_drawn_from_their_tables_under_the_strict_policy(browser_context, device):
    page = browser_context(device, reduced_motion="reduce").new_page()
    found = open_charts(page)
    charts = {chart["kind"]: chart for chart in page.evaluate(READ)}
    assert found == []
    assert all(chart["wide"] <= 1 and chart["shapes"] > 0 for chart in charts.values())
    for kind in ("bar", "waterfall"):  # each label and each value can be read without a pointer
        drawn = {text.removeprefix("+") for text in charts[kind]["drawn"]}
        assert {*charts[kind]["labels"], *charts[kind]["values"]} - {"—"} <= drawn
    assert set(charts["scatter"]["labels"]) <= set(charts["scatter"]["drawn"])


def test_chart_follows_the_width_of_the_window(desk):
    open_charts(desk)
    desk.set_viewport_size({"width": 420, "height": 900})
    expect(desk.locator("figure[data-chart=bar] .chart-canvas svg")).not_to_have_attribute("width", "0")
    desk.wait_for_function(
        """() => [...document.querySelectorAll(".chart-canvas")].every(
            (canvas) => canvas.querySelector("svg").getBoundingClientRect().width <= canvas.clientWidth + 1)"""
    )


def test_tooltip_is_drawn_and_not_html(desk):
    found = open_charts(desk)
    canvas = desk.locator("figure[data-chart=line] .chart-canvas")
    canvas.scroll_into_view_if_needed()
    canvas.hover()
    expect(canvas.locator("svg text", has_text="本次活动").nth(1)).to_be_visible()
    assert found == []


def test_table_is_printed_under_the_chart_and_folded_again_afterwards(desk):
    open_charts(desk)
    folded = desk.locator("figure[data-chart=bar] details")
    desk.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    expect(folded).to_have_attribute("open", "")
    desk.evaluate("window.dispatchEvent(new Event('afterprint'))")
    expect(folded).not_to_have_attribute("open", "")


def test_table_stands_in_for_a_chart_whose_library_does_not_come(desk):
    desk.route("**/echarts*", lambda route: route.abort())
    desk.goto("/styleguide/", wait_until="networkidle")
    expect(desk.locator("figure[data-chart=bar]").get_by_role("link", name="青溪镇")).to_be_visible()
    expect(desk.locator("figure[data-chart=bar] .chart-canvas")).to_be_hidden()


def test_library_is_fetched_only_where_there_is_a_chart(desk):
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(request.url))
    desk.goto("/styleguide/phone/", wait_until="networkidle")
    assert [url for url in asked if "chart" in url] == []
    open_charts(desk)
    assert [url.rsplit("/", 1)[1].split(".")[0] for url in asked if "vendor" in url] == ["echarts-6"]

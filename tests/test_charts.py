"""Charts as data, the table that stands behind each, and the library they are drawn with."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal

import pytest
from django.conf import settings
from django.template import Context, Template
from django.utils import translation

from outreach.charts import Chart, Series

VENDOR = settings.BASE_DIR / "static/vendor"
LIBRARY = VENDOR / "echarts/echarts-6.1.0.min.js"


def draw(chart: Chart) -> str:
    with translation.override("en"):
        return Template("{% load components %}{% chart chart %}").render(Context({"chart": chart}))


def rates(**other) -> Chart:
    series = [
        Series("Coverage rate", [Decimal("96.40"), None, Decimal("0.00")], unit="%"),
        Series("Overdue", [1200, 0, 3], kind="line", tone="bad"),
    ]
    return Chart(
        **{"title": "By unit", "labels": ["青溪镇", "白鹭镇", "柳塘乡"], "series": series, "label_name": "Unit"} | other
    )


def test_chart_stands_in_a_table_with_its_values_exactly_and_as_people_read_them():
    html = draw(rates(urls=["/units/1/", "", "/units/3/"]))
    cells = re.findall(r'<td class="num" data-value="([^"]*)">([^<]*)</td>', html)
    assert cells == [("96.40", "96.40"), ("1200", "1,200"), ("", "—"), ("0", "0"), ("0.00", "0.00"), ("3", "3")]
    assert re.findall(r'<th scope="row">(.*?)</th>', html) == [
        '<a href="/units/1/">青溪镇</a>',
        "白鹭镇",
        '<a href="/units/3/">柳塘乡</a>',
    ]
    assert re.findall(r'data-name="([^"]*)" data-kind="([^"]*)" data-tone="([^"]*)" data-unit="([^"]*)"', html) == [
        ("Coverage rate", "", "plain", "%"),
        ("Overdue", "line", "bad", ""),
    ]
    assert '<caption class="visually-hidden">By unit</caption>' in html


def test_large_decimal_is_written_for_javascript_without_an_exponent():
    chart = Chart("a", ["x"], [Series("s", [Decimal("1E+7")])])
    assert 'data-value="10000000">10,000,000<' in draw(chart)


def test_texts_of_a_chart_are_escaped():
    bad = '<script>"&'
    html = draw(rates(title=bad, note=bad, label_name=bad, unit=bad, labels=[bad] * 3))
    assert bad not in html
    assert html.count("&lt;script&gt;&quot;&amp;") >= 7


def test_chart_without_any_value_says_so_and_loads_nothing_to_draw():
    html = draw(Chart("a", ["x"], [Series("s", [None])]))
    assert "Nothing to draw yet." in html
    assert "chart-canvas" not in html


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"kind": "pie"}, "a chart is one of"),
        ({"better": "sideways"}, "better is"),
        ({"labels": ["only one"]}, "one value for each label"),
        ({"urls": ["/"]}, "one address for each label"),
        ({"kind": "scatter", "series": [Series("s", [1, 2, 3])]}, "two series"),
        ({"kind": "waterfall"}, "one series"),
        ({"kind": "waterfall", "series": [Series("s", [1, None, 1])]}, "without gaps"),
        ({"kind": "waterfall", "series": [Series("s", [Decimal("86.40"), -1, Decimal("85.41")])]}, "add up"),
    ],
)
def test_chart_that_would_not_show_what_it_says_is_refused(other, message):
    with pytest.raises(ValueError, match=message):
        rates(**other)


@pytest.mark.parametrize("wrong", [{"kind": "stacked"}, {"tone": "red"}])
def test_series_of_an_unknown_look_is_refused(wrong):
    with pytest.raises(ValueError, match="one of"):
        Series("s", [1], **wrong)


def test_waterfall_whose_steps_lead_from_first_to_last_is_accepted():
    Chart("a", ["then", "x", "now"], [Series("s", [Decimal("86.40"), Decimal("-1.05"), Decimal("85.35")])], "waterfall")


def test_list_of_third_party_files_names_every_file_and_the_bytes_of_the_library():
    listed = (VENDOR / "README.md").read_text()
    assert hashlib.sha256(LIBRARY.read_bytes()).hexdigest() in listed
    scripts = [path.relative_to(VENDOR.parent).as_posix() for path in VENDOR.rglob("*.js")]
    assert [path for path in scripts if path not in listed] == []
    assert not re.search(rb"\beval\(|new Function\b", LIBRARY.read_bytes())

"""The declared components: what they draw, and what they refuse."""

from __future__ import annotations

import re

import pytest
from django.core.paginator import Paginator
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory
from django.utils import translation

from outreach.styleguide import SampleForm
from outreach.templatetags import components
from outreach.templatetags.components import ComponentError

PAGE_COMPONENTS = sorted(components.register.tags)


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


def draw(source: str, path: str = "/list/", **context) -> str:
    request = RequestFactory().get(path)
    return Template("{% load components %}" + source).render(Context({"request": request, **context}))


@pytest.mark.parametrize("name", PAGE_COMPONENTS)
def test_unknown_attribute_is_an_error(name):
    with pytest.raises(TemplateSyntaxError, match="unexpected keyword argument"):
        Template(f"{{% load components %}}{{% {name} colour='red' %}}{{% end{name} %}}")


@pytest.mark.parametrize(
    "source",
    [
        "{% icon 'unicorn' %}",
        "{% icon 'flag' size='enormous' %}",
        "{% badge 'x' tone='red' %}",
        "{% button 'x' variant='blue' %}",
        "{% button 'x' type='image' %}",
        "{% alert tone='red' %}{% endalert %}",
        "{% delta 1 better='sideways' %}",
        "{% rate 1 2 tone='info' %}",
        "{% facts columns=4 %}{% endfacts %}",
        "{% breadcrumbs 'a' '/a/' %}",
        "{% event title='a' time='b' tone='red' %}{% endevent %}",
    ],
)
def test_unknown_value_is_an_error(source):
    with pytest.raises(ComponentError):
        draw(source)


def test_every_tone_but_neutral_has_an_icon_so_that_colour_is_never_alone():
    for tone in set(components.TONE_ICONS) - {"neutral"}:
        assert "<svg" in draw("{% badge 'late' tone=tone %}", tone=tone)
    assert all(
        components.TONE_ICONS[tone] in components.icon_names() for tone in components.TONE_ICONS if tone != "neutral"
    )


@pytest.mark.parametrize(
    "source", ["{% badge bad %}", "{% card title=bad %}{% endcard %}", "{% fact bad bad %}", "{% copy bad label=bad %}"]
)
def test_text_is_escaped(source):
    html = draw(source, bad="<script>alert(1)</script>")
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_block_keeps_the_escaping_of_its_content():
    html = draw("{% card %}{{ bad }}{% endcard %}{% empty title='t' %}{{ bad }}{% endempty %}", bad="<i>")
    assert html.count("&lt;i&gt;") == 2
    assert "<i>" not in html


def test_rate_shows_two_decimals_and_what_it_was_counted_from():
    html = draw("{% rate 1240 1286 url='/rows/' %}")
    assert "96.42%" in html
    assert "1,240/1,286" in html
    assert 'href="/rows/"' in html
    assert 'width="96.42"' in html


def test_rate_without_denominator_is_a_dash_and_not_zero():
    html = draw("{% rate 0 0 %}")
    assert "—" in html
    assert "0.00%" not in html


def test_rate_above_all_does_not_overflow_its_bar():
    assert 'width="100.00"' in draw("{% rate 5 4 %}")


@pytest.mark.parametrize(
    ("source", "word", "tone"),
    [
        ("{% delta 2 %}", "up 2", "good"),
        ("{% delta -2 %}", "down 2", "bad"),
        ("{% delta 2 better='down' %}", "up 2", "bad"),
        ("{% delta -2 better='' %}", "down 2", "neutral"),
        ("{% delta 0.001 decimals=2 %}", "unchanged", "neutral"),
        ("{% delta 1.256 unit='%' decimals=2 %}", "up 1.26%", "good"),
        ("{% delta None %}", "—", "neutral"),
    ],
)
def test_delta_is_coloured_by_good_or_bad_and_says_it_in_words(source, word, tone):
    html = draw(source)
    assert word in html
    assert f"delta--{tone}" in html


def test_stat_works_its_rate_out():
    html = draw("{% stat 'Visited' None numerator=1 denominator=3 url='/rows/' %}")
    assert "33.33" in html
    assert "1/3" in html


def test_pagination_keeps_the_query_string_and_replaces_the_page():
    page = Paginator(range(1000), 50).get_page(3)
    html = draw("{% pagination page %}", "/list/?q=a%26b&page=3&state=open", page=page)
    assert 'href="?q=a%26b&amp;state=open&amp;page=4"' in html
    assert "page=3&amp;page" not in html
    assert '<span class="page-number page-number--current" aria-current="page">3</span>' in html


def test_pagination_of_one_page_shows_only_the_total():
    html = draw("{% pagination page %}", page=Paginator(range(3), 50).get_page(1))
    assert "3 rows" in html
    assert "page-number" not in html


def test_sort_header_turns_round_and_keeps_the_filter():
    html = draw("{% sort_header 'Name' 'name' %}", "/list/?sort=name&q=a&page=2")
    assert 'aria-sort="ascending"' in html
    assert 'href="?sort=-name&amp;q=a"' in html


def test_filterbar_offers_to_clear_only_what_is_set():
    source = "{% filterbar label='Filter' clear='/list/' %}{% endfilterbar %}"
    assert 'href="/list/"' in draw(source, "/list/?q=a")
    assert 'href="/list/"' not in draw(source, "/list/?q=&page=2")


def test_steps_mark_done_current_and_to_do():
    html = draw("{% steps 2 'one' 'two' 'three' %}")
    assert re.findall(r"step--(\w+)", html) == ["done", "current", "todo"]
    assert re.findall(r"step--(\w+)", draw("{% steps 3 'one' 'two' %}")) == ["done", "done"]


def test_field_names_its_errors_for_screen_readers():
    html = draw("{% field form.members %}", form=SampleForm({"members": "x"}))
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_members_error"' in html
    assert 'id="id_members_error"' in html
    assert '<label class="field-label" for="id_members">' in html


def test_form_is_drawn_in_our_style_for_every_kind_of_field():
    html = draw("{{ form }}", form=SampleForm())
    for kind in ("text", "number", "date", "select", "radioselect", "checkboxselectmultiple", "textarea", "checkbox"):
        assert f"field--{kind}" in html
    assert "<table" not in html


def test_progress_without_a_figure_is_indeterminate():
    assert "value=" not in draw("{% progress None label='Waiting' %}")
    assert 'value="3" max="12"' in draw("{% progress 3 12 label='Reading' %}")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/styleguide/", "/styleguide/phone/"])
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_styleguide_shows_components_under_the_strict_policy(client, path, language):
    response = client.get(path, headers={"accept-language": language})
    html = response.content.decode()
    assert response.status_code == 200
    assert html.count("<h1") == 1
    assert 'lang="zh-Hans"' in html if language == "zh-hans" else 'lang="en"' in html
    assert " style=" not in html
    assert "unsafe" not in response["Content-Security-Policy"]


@pytest.mark.django_db
def test_styleguide_uses_every_component(client):
    from django.conf import settings

    used = "".join(path.read_text() for path in (settings.BASE_DIR / "templates").rglob("*.html"))
    assert [name for name in PAGE_COMPONENTS if f"{{% {name} " not in used and f"{{% {name} %}}" not in used] == []

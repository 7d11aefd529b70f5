"""The error pages: calm, without stack traces, and alive when the database is not."""

from __future__ import annotations

import pytest
from allauth.core.ratelimit import respond_429
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.test import Client, RequestFactory
from django.utils import translation

from outreach import errors


@pytest.mark.parametrize("code", sorted(errors.EXPLANATIONS))
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_error_page_says_what_happened_and_what_to_do_without_the_database(code, language):
    # no django_db mark: a query would fail this test
    with translation.override(language):
        response = errors.page(code)
        html = response.content.decode()
        assert response.status_code == code
        assert str(errors.EXPLANATIONS[code].title) in html
        assert html.count("<h1") == 1
        assert 'href="/"' in html
        assert ("下一步" if language == "zh-hans" else "What to do") in html


def test_error_page_survives_its_own_failure(monkeypatch):
    monkeypatch.setitem(settings.TEMPLATES[0], "DIRS", [])
    monkeypatch.delitem(errors.EXPLANATIONS, 500)
    response = errors.server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert "系统出错了" in response.content.decode()


def test_too_large_request_is_413_and_other_bad_ones_400():
    request = RequestFactory().get("/")
    assert errors.bad_request(request, RequestDataTooBig()).status_code == 413
    assert errors.bad_request(request, SuspiciousOperation()).status_code == 400


@pytest.mark.django_db
def test_unknown_page_is_explained_in_chinese(client):
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert "没有找到此页面" in response.content.decode()


def test_wrong_method_is_explained_and_names_the_right_one(cast, login):
    response = login(cast.visitor).get("/post/")
    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert "此地址不能直接打开" in response.content.decode()


@pytest.mark.django_db
def test_post_without_csrf_token_is_explained():
    response = Client(enforce_csrf_checks=True).post("/login/", {"login": "V001", "password": "x"})
    assert response.status_code == 403
    assert "页面打开时间过长" in response.content.decode()


def test_too_many_attempts_get_our_page():
    response = respond_429(RequestFactory().post("/login/"))
    assert response.status_code == 429
    assert "操作过于频繁" in response.content.decode()

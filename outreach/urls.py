"""The site's URLs: each app's list under its prefix."""

from allauth.account import views as account
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from outreach import errors, styleguide, views

urlpatterns = [
    path("", views.home, name="home"),
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("post/", views.post_switch, name="post_switch"),
    path("me/", views.me, name="me"),
    path("language/", login_not_required(set_language), name="set_language"),
    path("audit/", views.audit_list, name="audit"),
    path("admin/", admin.site.urls),
    path("households/", include("households.urls")),
    path("r/", include("issues.resident_urls")),
    path("issues/", include("issues.urls")),
    path("clues/", include("issues.clue_urls")),
    path("", include("visits.urls")),
    path("reports/", include("reports.urls")),
]

if settings.DEMO:
    urlpatterns += [
        path("styleguide/", styleguide.desk, name="styleguide"),
        path("styleguide/phone/", styleguide.phone, name="styleguide_phone"),
    ]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.not_found
handler429 = errors.too_many_requests
handler500 = errors.server_error

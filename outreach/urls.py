"""The site's URLs: each app's list under its prefix."""

from allauth.account import views as account
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from outreach import views

urlpatterns = [
    path("", views.home, name="home"),
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("post/", views.post_switch, name="post_switch"),
    path("language/", login_not_required(set_language), name="set_language"),
    path("audit/", views.audit_list, name="audit"),
    path("admin/", admin.site.urls),
    path("households/", include("households.urls")),
    path("issues/", include("issues.urls")),
    path("", include("visits.urls")),
    path("reports/", include("reports.urls")),
]

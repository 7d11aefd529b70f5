"""The site's URLs: each app's list under its prefix."""

from allauth.account import views as account
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from outreach import channel_views, errors, inbox_views, styleguide, views
from outreach.models import Channel

inbox_urls = [
    path("", inbox_views.inbox, name="inbox"),
    path("read/", inbox_views.inbox_read, name="inbox_read"),
    path("<int:pk>/", inbox_views.notification_open, name="notification_open"),
]

channel_urls = [
    path("", channel_views.channel_list, name="channels"),
    path("hours/", channel_views.message_hours, name="message_hours"),
    *(
        path(f"new/{kind}/", channel_views.channel_new, {"kind": kind}, name=f"channel_new_{kind}")
        for kind in Channel.Kind.values
    ),
    path("<int:pk>/", channel_views.channel_edit, name="channel_edit"),
    path("<int:pk>/switch/", channel_views.channel_switch, name="channel_switch"),
    path("<int:pk>/test/", channel_views.channel_test, name="channel_test"),
]

delivery_urls = [
    path("", channel_views.delivery_list, name="deliveries"),
    path("<int:pk>/send/", channel_views.delivery_send, name="delivery_send"),
    path("<int:pk>/drop/", channel_views.delivery_drop, name="delivery_drop"),
]

urlpatterns = [
    path("", views.home, name="home"),
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("post/", views.post_switch, name="post_switch"),
    path("me/", views.me, name="me"),
    path("me/channels/", inbox_views.my_channels, name="my_channels"),
    path("inbox/", include(inbox_urls)),
    path("channels/", include(channel_urls)),
    path("messages/", include(delivery_urls)),
    path("language/", login_not_required(set_language), name="set_language"),
    path("audit/", views.audit_list, name="audit"),
    path("admin/", admin.site.urls),
    path("households/", include("households.urls")),
    path("r/", include("issues.resident_urls")),
    path("issues/", include("issues.urls")),
    path("clues/", include("issues.clue_urls")),
    path("s/", include("surveys.public_urls")),
    path("surveys/calls/", include("visits.call_urls")),
    path("surveys/", include("surveys.urls")),
    path("", include("visits.app_urls")),
    path("", include("visits.urls")),
    path("boards/", include("reports.board_urls")),
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

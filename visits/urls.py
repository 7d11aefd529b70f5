"""URLs of visits: the phone's pages and the desk's campaigns."""

from django.urls import include, path, re_path

from visits import app_views, assign_views, card_views, lookalike_views, phone, phone_sync, queue_views, views

app_name = "visits"

phone_urls = [
    path("", phone.visit_list, name="list"),
    path("standard/", phone.visit_standard, name="standard"),
    path("app/", app_views.phone_app, name="phone_app"),
    path("data/", phone_sync.phone_data_view, name="phone_data"),
    path("sync", phone_sync.sync, name="sync"),
    re_path(r"^photos/(?P<digest>[0-9a-f]{64})/$", phone_sync.phone_photo, name="phone_photo"),
    path("<int:pk>/", phone.visit_household, name="household"),
    path("<int:pk>/lookalikes/", lookalike_views.visit_lookalikes, name="lookalikes"),
]

campaign_urls = [
    path("", views.campaign_detail, name="campaign_detail"),
    path("edit/", views.campaign_edit, name="campaign_edit"),
    path("open/", views.campaign_open, name="campaign_open"),
    path("close/", views.campaign_close, name="campaign_close"),
    path("refresh/", views.campaign_refresh, name="campaign_refresh"),
    path("assign/", assign_views.campaign_assign, name="campaign_assign"),
    path("confirm/", views.campaign_confirm, name="campaign_confirm"),
    path("households/", views.campaign_roster, name="campaign_roster"),
    path("export/", views.campaign_export, name="campaign_export"),
    path("duties/<int:assignment>/", views.campaign_duty, name="campaign_duty"),
]

urlpatterns = [
    path("phone/", include(phone_urls)),
    path("campaigns/", views.campaign_list, name="campaigns"),
    path("campaigns/queue/", queue_views.queue_upload, name="queue_upload"),
    path("campaigns/cards/", card_views.card_sheet, name="card_sheet"),
    path("campaigns/new/", views.campaign_edit, name="campaign_new"),
    path("campaigns/<int:pk>/", include(campaign_urls)),
    path("visits/household/<int:pk>/card/", card_views.household_card, name="household_card"),
    path("visits/household/<int:pk>/history/", views.household_history, name="household_history"),
]

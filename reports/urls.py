"""URLs of reports."""

from django.urls import include, path, re_path

from reports import bulletin_views, indicator_views, views

app_name = "reports"

# a unit's code, as its constraint allows it, so that nothing else reaches the database
ROWS = r"^(?P<campaign>\d{1,18})/(?P<code>\d{6,12}|\d{6}D\d{2}(?:\d{2})?)"

bulletin_urls = [
    path("", bulletin_views.bulletins, name="bulletins"),
    path("new/", bulletin_views.bulletin_new, name="bulletin_new"),
    path("setup/", bulletin_views.bulletin_setup, name="bulletin_setup"),
    path("<int:pk>/", bulletin_views.bulletin_detail, name="bulletin_detail"),
    path("<int:pk>/edit/", bulletin_views.bulletin_edit, name="bulletin_edit"),
    path("<int:pk>/preview/", bulletin_views.bulletin_preview, name="bulletin_preview"),
    path("<int:pk>/download/", bulletin_views.bulletin_download, name="bulletin_download"),
    path("<int:pk>/issue/", bulletin_views.bulletin_issue, name="bulletin_issue"),
    path("<int:pk>/withdraw/", bulletin_views.bulletin_withdraw, name="bulletin_withdraw"),
    path("<int:pk>/discard/", bulletin_views.bulletin_discard, name="bulletin_discard"),
    path("<int:pk>/receive/", bulletin_views.bulletin_receive, name="bulletin_receive"),
    path("<int:pk>/answer/", bulletin_views.bulletin_answer, name="bulletin_answer"),
]

urlpatterns = [
    path("bulletins/", include(bulletin_urls)),
    path("ranking/", views.ranking, name="ranking"),
    path("ranking/export/", views.ranking_export, name="ranking_export"),
    path("indicators/", indicator_views.indicators, name="indicators"),
    re_path(ROWS + r"/indicators/$", indicator_views.unit_indicators, name="unit_indicators"),
    re_path(
        ROWS + r"/indicators/(?P<indicator>[a-z_]+)/(?P<part>[a-z]+)/$",
        indicator_views.indicator_rows,
        name="indicator_rows",
    ),
    re_path(ROWS + r"/households/(?P<figure>[a-z_]+)/$", views.household_rows, name="household_rows"),
    re_path(ROWS + r"/issues/(?P<figure>[a-z_]+)/$", views.issue_rows, name="issue_rows"),
]

"""URLs of reports."""

from django.urls import path, re_path

from reports import views

app_name = "reports"

# a unit's code, as its constraint allows it, so that nothing else reaches the database
ROWS = r"^(?P<campaign>\d{1,18})/(?P<code>\d{6,12}|\d{6}D\d{2}(?:\d{2})?)"

urlpatterns = [
    path("ranking/", views.ranking, name="ranking"),
    path("ranking/export/", views.ranking_export, name="ranking_export"),
    re_path(ROWS + r"/households/(?P<figure>[a-z_]+)/$", views.household_rows, name="household_rows"),
    re_path(ROWS + r"/issues/(?P<figure>[a-z_]+)/$", views.issue_rows, name="issue_rows"),
]

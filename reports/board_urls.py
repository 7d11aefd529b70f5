"""URLs of the boards."""

from django.urls import path, re_path

from reports import board_views as views
from reports.urls import ROWS

app_name = "boards"

CODE = r"(?P<code>\d{6,12}|\d{6}D\d{2}(?:\d{2})?)"

urlpatterns = [
    path("", views.home, name="home"),
    path("leader/", views.leader, name="leader"),
    path("dispatch/", views.office, name="office"),
    path("confirm/", views.week_confirm, name="week_confirm"),
    path("confirmations/", views.confirmations, name="confirmations"),
    re_path(rf"^units/{CODE}/$", views.unit, name="unit"),
    re_path(ROWS + r"/issues/(?P<key>[a-z_]+)/$", views.issue_rows, name="issue_rows"),
    re_path(ROWS + r"/visits/$", views.visit_rows, name="visit_rows"),
]

"""URLs of surveys, for staff."""

from django.urls import path

from surveys import draw_views

app_name = "surveys"

urlpatterns = [
    path("rounds/<int:pk>/sample/", draw_views.round_draw, name="round_draw"),
    path("rounds/<int:pk>/sample/list/", draw_views.round_list, name="round_list"),
]

"""URLs of the restricted register."""

from django.urls import include, path

from issues import clue_views

app_name = "clues"

clue_urls = [
    path("", clue_views.clue_detail, name="detail"),
    path("open/", clue_views.clue_open, name="open"),
    path("steps/<slug:name>/", clue_views.clue_step, name="step"),
]

urlpatterns = [
    path("", clue_views.clue_list, name="list"),
    path("new/", clue_views.clue_new, name="new"),
    path("mine/", clue_views.clue_mine, name="mine"),
    path("<int:pk>/", include(clue_urls)),
]

"""URLs of the residents' pages, short because they are printed and typed."""

from django.urls import path

from issues import resident_clue_views, resident_views

urlpatterns = [
    path("", resident_views.resident_start, name="resident_start"),
    path("issues/", resident_views.resident_issues, name="resident_issues"),
    path("issues/<int:pk>/", resident_views.resident_issue, name="resident_issue"),
    path("issues/<int:pk>/add/", resident_views.resident_remark, name="resident_remark"),
    path("issues/<int:pk>/answer/", resident_views.resident_answer, name="resident_answer"),
    path("clue/", resident_clue_views.resident_clue, name="resident_clue"),
    path("leave/", resident_views.resident_leave, name="resident_leave"),
]

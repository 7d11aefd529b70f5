"""URLs of surveys for staff; those that anyone may open are in public_urls."""

from django.urls import path

from surveys import draw_views, questionnaire_views, round_views
from surveys.result_urls import result_urls

app_name = "surveys"

questionnaire_urls = [
    path("questionnaires/", questionnaire_views.questionnaire_list, name="questionnaires"),
    path("questionnaires/new/", questionnaire_views.questionnaire_new, name="questionnaire_new"),
    path("questionnaires/import/", questionnaire_views.questionnaire_import, name="questionnaire_import"),
    path("questionnaires/<int:pk>/", questionnaire_views.questionnaire_detail, name="questionnaire_detail"),
    path("questionnaires/<int:pk>/edit/", questionnaire_views.questionnaire_edit, name="questionnaire_edit"),
    path(
        "questionnaires/<int:pk>/items/<slug:key>/", questionnaire_views.questionnaire_item, name="questionnaire_item"
    ),
    path("questionnaires/<int:pk>/publish/", questionnaire_views.questionnaire_publish, name="questionnaire_publish"),
    path("questionnaires/<int:pk>/draft/", questionnaire_views.questionnaire_draft, name="questionnaire_draft"),
    path("questionnaires/<int:pk>/retire/", questionnaire_views.questionnaire_retire, name="questionnaire_retire"),
    path("versions/<int:pk>/", questionnaire_views.version_detail, name="version_detail"),
    path("versions/<int:pk>/preview/", questionnaire_views.version_preview, name="version_preview"),
    path("versions/<int:pk>/compare/", questionnaire_views.version_compare, name="version_compare"),
    path("versions/<int:pk>/xlsform/", questionnaire_views.version_xlsform, name="version_xlsform"),
]

round_urls = [
    path("", round_views.round_list, name="rounds"),
    path("rounds/new/", round_views.round_new, name="round_new"),
    path("rounds/<int:pk>/", round_views.round_detail, name="round_detail"),
    path("rounds/<int:pk>/edit/", round_views.round_edit, name="round_edit"),
    path("rounds/<int:pk>/open/", round_views.round_open, name="round_open"),
    path("rounds/<int:pk>/extend/", round_views.round_extend, name="round_extend"),
    path("rounds/<int:pk>/close/", round_views.round_close, name="round_close"),
    path("rounds/<int:pk>/posters/", round_views.round_posters, name="round_posters"),
]

sample_urls = [
    path("rounds/<int:pk>/sample/", draw_views.round_draw, name="round_draw"),
    path("rounds/<int:pk>/sample/list/", draw_views.round_sample_list, name="round_sample_list"),
]

urlpatterns = questionnaire_urls + round_urls + sample_urls + result_urls

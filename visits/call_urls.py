"""URLs of the phone desk. None names a case: an access log must not tell who was called."""

from django.urls import path

from visits import call_views

app_name = "calls"

urlpatterns = [
    path("", call_views.call_desk, name="desk"),
    path("next/<int:pk>/", call_views.round_next, name="round_next"),
    path("current/", call_views.call_current, name="current"),
    path("current/result/", call_views.call_result, name="result"),
    path("current/answers/", call_views.call_answers, name="answers"),
    path("current/back/", call_views.call_back, name="give_back"),
]

"""URLs of surveys that anyone may answer, short because they stand in QR codes."""

from django.urls import re_path

from surveys import public_views

# a code as models.new_code makes it, and a unit's as its constraint allows it
ROUND = r"^(?P<code>[A-Za-z0-9_-]{16})/"
PLACE = ROUND + r"(?P<unit>[0-9]{9}(?:[0-9]{3})?)/"

urlpatterns = [
    re_path(ROUND + "$", public_views.survey_start, name="survey_start"),
    re_path(ROUND + "answer/$", public_views.survey_answer, name="survey_answer"),
    re_path(PLACE + "$", public_views.survey_start, name="survey_start_here"),
    re_path(PLACE + "answer/$", public_views.survey_answer, name="survey_answer_here"),
]

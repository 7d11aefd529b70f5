"""URLs of results, under /surveys/ (surveys.urls takes them in)."""

from django.urls import path

from surveys import poll_views, result_views

result_urls = [
    path("rounds/<int:pk>/results/", result_views.result_overview, name="result_overview"),
    path("rounds/<int:pk>/results/compare/", result_views.result_breakdown, name="result_breakdown"),
    path("rounds/<int:pk>/results/trend/", result_views.result_trend, name="result_trend"),
    path("rounds/<int:pk>/results/xlsx/", result_views.result_workbook, name="result_workbook"),
    path("rounds/<int:pk>/results/docx/", result_views.result_paper, name="result_paper"),
    path("rounds/<int:pk>/results/answers/", result_views.response_export, name="response_export"),
    path("polls/", poll_views.poll_list, name="polls"),
    path("polls/upload/", poll_views.poll_upload, name="poll_upload"),
    path("polls/template/", poll_views.poll_template, name="poll_template"),
    path("polls/<int:pk>/delete/", poll_views.poll_delete, name="poll_delete"),
]

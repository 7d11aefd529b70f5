"""URLs of reports."""

from django.urls import include, path, re_path

from reports import duty_views, plan_views, shortfall_views, task_views, views

app_name = "reports"

# a unit's code, as its constraint allows it, so that nothing else reaches the database
ROWS = r"^(?P<campaign>\d{1,18})/(?P<code>\d{6,12}|\d{6}D\d{2}(?:\d{2})?)"
CODE = r"^(?P<code>\d{9}|\d{12}|\d{6}D\d{2}(?:\d{2})?)"

plan_urls = [
    path("", plan_views.plan_list, name="plan_list"),
    path("new/", plan_views.plan_new, name="plan_new"),
    path("<int:pk>/", plan_views.plan_detail, name="plan_detail"),
    path("<int:pk>/edit/", plan_views.plan_edit, name="plan_edit"),
    path("<int:pk>/close/", plan_views.plan_close, name="plan_close"),
    path("<int:pk>/files/", plan_views.plan_files, name="plan_files"),
    path("<int:pk>/files/<int:file>/", plan_views.plan_file, name="plan_file"),
    path("<int:pk>/import/", plan_views.plan_import, name="plan_import"),
    path("<int:pk>/tasks/new/", task_views.task_new, name="task_new"),
]

task_urls = [
    path("", task_views.task_list, name="task_list"),
    path("export/", task_views.task_export, name="task_export"),
    path("<int:pk>/", task_views.task_detail, name="task_detail"),
    path("<int:pk>/edit/", task_views.task_edit, name="task_edit"),
    path("<int:pk>/parts/new/", task_views.task_part, name="task_part"),
    path("<int:pk>/report/", task_views.task_report, name="task_report"),
    path("<int:pk>/reports/<int:report>/", task_views.task_judge, name="task_judge"),
    path("<int:pk>/end/", task_views.task_end, name="task_end"),
    path("<int:pk>/files/<int:file>/", task_views.task_file, name="task_file"),
]

duty_urls = [
    path("", duty_views.unit_duties, name="unit_duties"),
    re_path(CODE + r"/link/$", duty_views.unit_link, name="unit_link"),
    re_path(CODE + r"/exempt/$", duty_views.unit_exempt, name="unit_exempt"),
    path("links/<int:link>/end/", duty_views.unit_unlink, name="unit_unlink"),
    path("exemptions/<int:exemption>/end/", duty_views.unit_unexempt, name="unit_unexempt"),
]

deduction_urls = [
    path("", shortfall_views.deduction_list, name="deduction_list"),
    path("new/", shortfall_views.deduction_new, name="deduction_new"),
    path("<int:pk>/", shortfall_views.deduction_detail, name="deduction_detail"),
    path("<int:pk>/edit/", shortfall_views.deduction_edit, name="deduction_edit"),
    path("<int:pk>/answer/", shortfall_views.deduction_answer, name="deduction_answer"),
    path("<int:pk>/judge/", shortfall_views.deduction_judge, name="deduction_judge"),
    path("<int:pk>/propose/", shortfall_views.deduction_propose, name="deduction_propose"),
]

shortfall_urls = [
    path("", shortfall_views.shortfall_list, name="shortfall_list"),
    path("new/", shortfall_views.shortfall_new, name="shortfall_new"),
    path("import/", shortfall_views.shortfall_import, name="shortfall_import"),
    path("peers/", shortfall_views.peer_import, name="peer_import"),
    path("export/", shortfall_views.shortfall_export, name="shortfall_export"),
    path("<int:pk>/", shortfall_views.shortfall_detail, name="shortfall_detail"),
    path("<int:pk>/edit/", shortfall_views.shortfall_edit, name="shortfall_edit"),
    path("<int:pk>/answer/", shortfall_views.shortfall_answer, name="shortfall_answer"),
    path("<int:pk>/judge/", shortfall_views.shortfall_judge, name="shortfall_judge"),
]

urlpatterns = [
    path("ranking/", views.ranking, name="ranking"),
    path("ranking/export/", views.ranking_export, name="ranking_export"),
    re_path(ROWS + r"/households/(?P<figure>[a-z_]+)/$", views.household_rows, name="household_rows"),
    re_path(ROWS + r"/issues/(?P<figure>[a-z_]+)/$", views.issue_rows, name="issue_rows"),
    path("work/plans/", include(plan_urls)),
    path("work/tasks/", include(task_urls)),
    path("work/duties/", include(duty_urls)),
    path("work/deductions/", include(deduction_urls)),
    path("work/shortfalls/", include(shortfall_urls)),
]

"""URLs of reports."""

from django.urls import include, path, re_path

from reports import (
    appeal_views,
    bulletin_views,
    duty_views,
    hall_views,
    indicator_views,
    map_views,
    mark_views,
    past_views,
    plan_views,
    scheme_views,
    score_views,
    shortfall_views,
    snapshot_views,
    task_views,
    views,
)

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
SCORE = r"^scores/(?P<pk>\d{1,18})/(?P<code>\d{6,12}|\d{6}D\d{2}(?:\d{2})?)"
# a line's key: the scheme's own, or of an item (+) or what the program works out itself (*)
LINE = r"(?P<line>[+*]?[a-z][a-z0-9_]{0,50})"

map_urls = [
    path("", map_views.map_show, name="map"),
    path("effort/", map_views.effort_show, name="effort"),
    path("boundaries/", map_views.boundaries_edit, name="boundaries"),
    path("boundaries/<int:pk>/", map_views.boundary_file, name="boundary_file"),
    path("boundaries/<int:pk>/apply/", map_views.boundary_file_apply, name="boundary_file_apply"),
]

screen_urls = [
    path("", hall_views.screen, name="screen"),
    path("panels/", hall_views.screen_panels, name="screen_panels"),
    path("links/", hall_views.hall_links, name="hall_links"),
    path("links/<int:pk>/end/", hall_views.hall_link_end, name="hall_link_end"),
]

hall_urls = [
    path("", hall_views.hall_start, name="hall"),
    path("screen/", hall_views.hall_screen, name="hall_screen"),
    path("panels/", hall_views.hall_panels, name="hall_panels"),
]

bulletin_urls = [
    path("", bulletin_views.bulletins, name="bulletins"),
    path("new/", bulletin_views.bulletin_new, name="bulletin_new"),
    path("setup/", bulletin_views.bulletin_setup, name="bulletin_setup"),
    path("<int:pk>/", bulletin_views.bulletin_detail, name="bulletin_detail"),
    path("<int:pk>/edit/", bulletin_views.bulletin_edit, name="bulletin_edit"),
    path("<int:pk>/preview/", bulletin_views.bulletin_preview, name="bulletin_preview"),
    path("<int:pk>/download/", bulletin_views.bulletin_download, name="bulletin_download"),
    path("<int:pk>/issue/", bulletin_views.bulletin_issue, name="bulletin_issue"),
    path("<int:pk>/withdraw/", bulletin_views.bulletin_withdraw, name="bulletin_withdraw"),
    path("<int:pk>/discard/", bulletin_views.bulletin_discard, name="bulletin_discard"),
    path("<int:pk>/receive/", bulletin_views.bulletin_receive, name="bulletin_receive"),
    path("<int:pk>/answer/", bulletin_views.bulletin_answer, name="bulletin_answer"),
]

scheme_urls = [
    path("", scheme_views.scheme_list, name="schemes"),
    path("new/", scheme_views.scheme_new, name="scheme_new"),
    path("<int:pk>/", scheme_views.scheme_detail, name="scheme_detail"),
    path("<int:pk>/edit/", scheme_views.scheme_edit, name="scheme_edit"),
    path("<int:pk>/publish/", scheme_views.scheme_publish, name="scheme_publish"),
    path("<int:pk>/retire/", scheme_views.scheme_retire, name="scheme_retire"),
    path("<int:pk>/delete/", scheme_views.scheme_delete, name="scheme_delete"),
    path("<int:pk>/copy/", scheme_views.scheme_copy, name="scheme_copy"),
    path("<int:pk>/compare/", scheme_views.scheme_compare, name="scheme_compare"),
    path("<int:pk>/try/", scheme_views.scheme_try, name="scheme_try"),
]
figure_urls = [
    path("", mark_views.figure_list, name="figures"),
    path("decide/", mark_views.figure_decide, name="figure_decide"),
    path("<int:campaign>/<slug:indicator>/", mark_views.figure_enter, name="figure_enter"),
    path("<int:campaign>/<slug:indicator>/workbook/", mark_views.figure_template, name="figure_template"),
]
adjustment_urls = [
    path("", mark_views.adjustment_list, name="adjustments"),
    path("new/", mark_views.adjustment_new, name="adjustment_new"),
    path("<int:pk>/", mark_views.adjustment_detail, name="adjustment"),
    path("<int:pk>/decide/", mark_views.adjustment_decide, name="adjustment_decide"),
]

urlpatterns = [
    path("screen/", include(screen_urls)),
    path("hall/", include(hall_urls)),
    path("map/", include(map_urls)),
    path("bulletins/", include(bulletin_urls)),
    path("ranking/", views.ranking, name="ranking"),
    path("ranking/export/", views.ranking_export, name="ranking_export"),
    path("indicators/", indicator_views.indicators, name="indicators"),
    re_path(ROWS + r"/indicators/$", indicator_views.unit_indicators, name="unit_indicators"),
    re_path(
        ROWS + r"/indicators/(?P<indicator>[a-z_]+)/(?P<part>[a-z]+)/$",
        indicator_views.indicator_rows,
        name="indicator_rows",
    ),
    path("schemes/", include(scheme_urls)),
    path("figures/", include(figure_urls)),
    path("adjustments/", include(adjustment_urls)),
    path("evidence/<int:pk>/", mark_views.evidence, name="evidence"),
    re_path(ROWS + r"/households/(?P<figure>[a-z_]+)/$", views.household_rows, name="household_rows"),
    re_path(ROWS + r"/issues/(?P<figure>[a-z_]+)/$", views.issue_rows, name="issue_rows"),
    path("work/plans/", include(plan_urls)),
    path("work/tasks/", include(task_urls)),
    path("work/duties/", include(duty_urls)),
    path("work/deductions/", include(deduction_urls)),
    path("work/shortfalls/", include(shortfall_urls)),
    path("scores/", score_views.score_home, name="score_home"),
    re_path(r"^scores/(?P<pk>\d{1,18})/$", score_views.scores_page, name="scores"),
    re_path(r"^scores/(?P<pk>\d{1,18})/export/$", score_views.score_export, name="score_export"),
    re_path(SCORE + r"/$", score_views.score_unit, name="score_unit"),
    re_path(SCORE + rf"/{LINE}/rows/(?P<part>[a-z]+)/$", score_views.score_rows, name="score_rows"),
    re_path(SCORE + rf"/{LINE}/appeal/$", appeal_views.appeal_new, name="appeal_new"),
    path("appeals/", appeal_views.appeal_list, name="appeal_list"),
    path("appeals/<int:pk>/", appeal_views.appeal_detail, name="appeal_detail"),
    path("appeals/<int:pk>/files/<int:file>/", appeal_views.appeal_file, name="appeal_file"),
    path("snapshots/", snapshot_views.snapshot_list, name="snapshot_list"),
    path("snapshots/take/", snapshot_views.snapshot_take, name="snapshot_take"),
    path("snapshots/<int:pk>/", snapshot_views.snapshot_detail, name="snapshot_detail"),
    path("snapshots/<int:pk>/<slug:name>/", snapshot_views.snapshot_act, name="snapshot_act"),
    path("past-scores/", past_views.past_import_list, name="past_import_list"),
    path("past-scores/template/", past_views.past_import_template, name="past_import_template"),
    path("past-scores/<int:pk>/", past_views.past_import_detail, name="past_import_detail"),
    path("past-scores/<int:pk>/commit/", past_views.past_import_commit, name="past_import_commit"),
    path("past-scores/<int:pk>/undo/", past_views.past_import_undo, name="past_import_undo"),
]

"""URLs of reports."""

from django.urls import include, path, re_path

from reports import (
    appeal_views,
    bulletin_views,
    hall_views,
    indicator_views,
    map_views,
    mark_views,
    past_views,
    scheme_views,
    score_views,
    snapshot_views,
    views,
)

app_name = "reports"

# a unit's code, as its constraint allows it, so that nothing else reaches the database
ROWS = r"^(?P<campaign>\d{1,18})/(?P<code>\d{6,12}|\d{6}D\d{2}(?:\d{2})?)"
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

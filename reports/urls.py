"""URLs of reports."""

from django.urls import include, path, re_path

from reports import bulletin_views, mark_views, scheme_views, views

app_name = "reports"

# a unit's code, as its constraint allows it, so that nothing else reaches the database
ROWS = r"^(?P<campaign>\d{1,18})/(?P<code>\d{6,12}|\d{6}D\d{2}(?:\d{2})?)"

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
    path("bulletins/", include(bulletin_urls)),
    path("ranking/", views.ranking, name="ranking"),
    path("ranking/export/", views.ranking_export, name="ranking_export"),
    path("schemes/", include(scheme_urls)),
    path("figures/", include(figure_urls)),
    path("adjustments/", include(adjustment_urls)),
    path("evidence/<int:pk>/", mark_views.evidence, name="evidence"),
    re_path(ROWS + r"/households/(?P<figure>[a-z_]+)/$", views.household_rows, name="household_rows"),
    re_path(ROWS + r"/issues/(?P<figure>[a-z_]+)/$", views.issue_rows, name="issue_rows"),
]

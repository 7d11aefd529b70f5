"""URLs of reports."""

from django.urls import path, re_path

from reports import mark_views, scheme_views, views

app_name = "reports"

# a unit's code, as its constraint allows it, so that nothing else reaches the database
ROWS = r"^(?P<campaign>\d{1,18})/(?P<code>\d{6,12}|\d{6}D\d{2}(?:\d{2})?)"

urlpatterns = [
    path("ranking/", views.ranking, name="ranking"),
    path("ranking/export/", views.ranking_export, name="ranking_export"),
    path("schemes/", scheme_views.scheme_list, name="schemes"),
    path("schemes/new/", scheme_views.scheme_new, name="scheme_new"),
    path("schemes/<int:pk>/", scheme_views.scheme_detail, name="scheme_detail"),
    path("schemes/<int:pk>/edit/", scheme_views.scheme_edit, name="scheme_edit"),
    path("schemes/<int:pk>/publish/", scheme_views.scheme_publish, name="scheme_publish"),
    path("schemes/<int:pk>/retire/", scheme_views.scheme_retire, name="scheme_retire"),
    path("schemes/<int:pk>/delete/", scheme_views.scheme_delete, name="scheme_delete"),
    path("schemes/<int:pk>/copy/", scheme_views.scheme_copy, name="scheme_copy"),
    path("schemes/<int:pk>/compare/", scheme_views.scheme_compare, name="scheme_compare"),
    path("schemes/<int:pk>/try/", scheme_views.scheme_try, name="scheme_try"),
    path("figures/", mark_views.figure_list, name="figures"),
    path("figures/decide/", mark_views.figure_decide, name="figure_decide"),
    path("figures/<int:campaign>/<slug:indicator>/", mark_views.figure_enter, name="figure_enter"),
    path("figures/<int:campaign>/<slug:indicator>/workbook/", mark_views.figure_template, name="figure_template"),
    path("adjustments/", mark_views.adjustment_list, name="adjustments"),
    path("adjustments/new/", mark_views.adjustment_new, name="adjustment_new"),
    path("adjustments/<int:pk>/", mark_views.adjustment_detail, name="adjustment"),
    path("adjustments/<int:pk>/decide/", mark_views.adjustment_decide, name="adjustment_decide"),
    path("evidence/<int:pk>/", mark_views.evidence, name="evidence"),
    re_path(ROWS + r"/households/(?P<figure>[a-z_]+)/$", views.household_rows, name="household_rows"),
    re_path(ROWS + r"/issues/(?P<figure>[a-z_]+)/$", views.issue_rows, name="issue_rows"),
]

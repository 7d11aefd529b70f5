"""URLs of issues."""

from django.urls import include, path

from issues import ledger_views, line_views, move_views, rule_views, views

app_name = "issues"

issue_urls = [
    path("", views.issue_detail, name="detail"),
    path("move/<slug:name>/", move_views.issue_move, name="move"),
    path("call-back/", move_views.call_back, name="call_back"),
    path("photos/<int:photo>/", views.attachment, name="attachment"),
]

rule_urls = [
    path("", rule_views.rule_list, name="rules"),
    path("new/", rule_views.rule_new, name="rule_new"),
    path("<int:pk>/", rule_views.rule_edit, name="rule_edit"),
    path("<int:pk>/shift/", rule_views.rule_shift, name="rule_shift"),
    path("<int:pk>/switch/", rule_views.rule_switch, name="rule_switch"),
]

urlpatterns = [
    path("", ledger_views.issue_list, name="list"),
    path("line/", line_views.line, name="line"),
    path("new/", views.issue_new, name="new"),
    path("export/", ledger_views.issue_export, name="export"),
    path("household/<int:pk>/", views.household_issues, name="household_issues"),
    path("rules/", include(rule_urls)),
    path("<int:pk>/", include(issue_urls)),
]

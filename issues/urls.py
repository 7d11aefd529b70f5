"""URLs of issues."""

from django.urls import include, path

from issues import desk_views, ledger_views, move_views, rule_views, slip_views, views

app_name = "issues"

issue_urls = [
    path("", views.issue_detail, name="detail"),
    path("move/<slug:name>/", move_views.issue_move, name="move"),
    path("call-back/", move_views.call_back, name="call_back"),
    path("slip/", slip_views.issue_slip, name="issue_slip"),
    path("told/", slip_views.issue_told, name="issue_told"),
    path("photos/<int:photo>/", views.attachment, name="attachment"),
]

rule_urls = [
    path("", rule_views.rule_list, name="rules"),
    path("new/", rule_views.rule_new, name="rule_new"),
    path("<int:pk>/", rule_views.rule_edit, name="rule_edit"),
    path("<int:pk>/shift/", rule_views.rule_shift, name="rule_shift"),
    path("<int:pk>/switch/", rule_views.rule_switch, name="rule_switch"),
]

desk_urls = [
    path("", desk_views.desk, name="desk"),
    path("script/", desk_views.desk_script, name="desk_script"),
    path("look-backs/", desk_views.look_back_list, name="look_back_list"),
    path("look-backs/<int:look_back>/", desk_views.look_back_detail, name="look_back_detail"),
    path("<int:pk>/", desk_views.desk_issue, name="desk_issue"),
    path("<int:pk>/take/", desk_views.desk_issue_take, name="desk_issue_take"),
]

urlpatterns = [
    path("", ledger_views.issue_list, name="list"),
    path("new/", views.issue_new, name="new"),
    path("export/", ledger_views.issue_export, name="export"),
    path("household/<int:pk>/", views.household_issues, name="household_issues"),
    path("callbacks/", include(desk_urls)),
    path("to-tell/", slip_views.tell_list, name="tell_list"),
    path("rules/", include(rule_urls)),
    path("<int:pk>/", include(issue_urls)),
]

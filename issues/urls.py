"""URLs of issues."""

from django.urls import include, path

from issues import (
    bulk_views,
    cluster_views,
    desk_views,
    dispute_views,
    duplicate_views,
    edit_views,
    family_views,
    file_views,
    instruction_views,
    ledger_views,
    line_views,
    merge_views,
    move_views,
    paper_views,
    project_views,
    rule_views,
    slip_views,
    upload_views,
    upward_views,
    views,
)

app_name = "issues"

issue_urls = [
    path("", views.issue_detail, name="detail"),
    path("move/<slug:name>/", move_views.issue_move, name="move"),
    path("call-back/", move_views.call_back, name="call_back"),
    path("project/", project_views.project_new, name="project_new"),
    path("merge/", merge_views.merge_choose, name="merge_choose"),
    path("parent/", family_views.parent_set, name="parent_set"),
    path("edit/", edit_views.issue_edit, name="edit"),
    path("photos/<int:photo>/", file_views.attachment, name="attachment"),
    path("photos/<int:photo>/remove/", file_views.attachment_remove, name="attachment_remove"),
    path("instruct/", instruction_views.instruct, name="instruct"),
    path("instruct/answer/", instruction_views.instruct_answer, name="instruct_answer"),
    path("instruct/settle/", instruction_views.instruct_settle, name="instruct_settle"),
    path("difficult/mark/", instruction_views.difficult_mark, name="difficult_mark"),
    path("difficult/unmark/", instruction_views.difficult_unmark, name="difficult_unmark"),
    path("slip/", paper_views.issue_slip, name="slip"),
    path("letter/", paper_views.issue_letter, name="letter"),
    path("resident-slip/", slip_views.resident_slip, name="resident_slip"),
    path("told/", slip_views.issue_told, name="issue_told"),
]

dispute_urls = [
    path("", dispute_views.dispute_detail, name="dispute_detail"),
    path("write/<slug:part>/", dispute_views.dispute_write, name="dispute_write"),
    path("parties/<int:party>/remove/", dispute_views.dispute_party_remove, name="dispute_party_remove"),
    path("papers/<slug:paper>/", dispute_views.dispute_paper, name="dispute_paper"),
]

rule_urls = [
    path("", rule_views.rule_list, name="rules"),
    path("new/", rule_views.rule_new, name="rule_new"),
    path("<int:pk>/", rule_views.rule_edit, name="rule_edit"),
    path("<int:pk>/shift/", rule_views.rule_shift, name="rule_shift"),
    path("<int:pk>/switch/", rule_views.rule_switch, name="rule_switch"),
]

project_urls = [
    path("", project_views.project_list, name="project_list"),
    path("<int:pk>/", project_views.project_detail, name="project_detail"),
    path("<int:pk>/note/", project_views.project_note, name="project_note"),
    path("<int:pk>/close/", project_views.project_close, name="project_close"),
]

desk_urls = [
    path("", desk_views.desk, name="desk"),
    path("script/", desk_views.desk_script, name="desk_script"),
    path("look-backs/", desk_views.look_back_list, name="look_back_list"),
    path("look-backs/<int:look_back>/", desk_views.look_back_detail, name="look_back_detail"),
    path("<int:pk>/", desk_views.desk_issue, name="desk_issue"),
    path("<int:pk>/take/", desk_views.desk_issue_take, name="desk_issue_take"),
]

upload_urls = [
    path("", upload_views.ledger_uploads, name="uploads"),
    path("commit/", upload_views.ledger_upload_commit, name="upload_commit"),
    path("discard/", upload_views.ledger_upload_discard, name="upload_discard"),
    path("faults/", upload_views.ledger_upload_faults, name="upload_faults"),
]

urlpatterns = [
    path("", ledger_views.issue_list, name="list"),
    path("clusters/", cluster_views.cluster_list, name="clusters"),
    path("clusters/family/", family_views.cluster_family, name="cluster_family"),
    path("new/", views.issue_new, name="new"),
    path("new/lookalikes/", duplicate_views.lookalikes, name="lookalikes"),
    path("export/", ledger_views.issue_export, name="export"),
    path("line/", line_views.line, name="line"),
    path("print/", paper_views.issue_print, name="print"),
    path("bulk/", bulk_views.issue_bulk, name="bulk"),
    path("columns/", ledger_views.columns_choose, name="columns"),
    path("filters/", ledger_views.filter_save, name="filter_save"),
    path("filters/delete/", ledger_views.filter_delete, name="filter_delete"),
    path("household/<int:pk>/", views.household_issues, name="household_issues"),
    path("callbacks/", include(desk_urls)),
    path("to-tell/", slip_views.tell_list, name="tell_list"),
    path("rules/", include(rule_urls)),
    path("projects/", include(project_urls)),
    path("disputes/", dispute_views.dispute_list, name="disputes"),
    path("upward/", upward_views.upward_list, name="upward"),
    path("upward/export/", upward_views.upward_export, name="upward_export"),
    path("difficult/", instruction_views.difficult_list, name="difficult"),
    path("<int:pk>/mediation/", include(dispute_urls)),
    path("uploads/", include(upload_urls)),
    path("<int:pk>/", include(issue_urls)),
]

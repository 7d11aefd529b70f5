"""URLs of households."""

from django.urls import path

from households import views
from households.roster import views as roster

app_name = "households"
urlpatterns = [
    path("", views.household_list, name="list"),
    path("export/", views.household_export, name="export"),
    path("<int:pk>/", views.household_detail, name="detail"),
    path("<int:pk>/edit/", views.household_edit, name="edit"),
    path("<int:pk>/wish/", views.household_wish, name="household_wish"),
    path("residents/<int:pk>/reveal/", views.resident_reveal, name="resident_reveal"),
    path("changes/", views.change_list, name="change_list"),
    path("changes/<int:pk>/", views.change_decide, name="change_decide"),
    path("imports/", roster.import_list, name="import_list"),
    path("imports/template/", roster.import_template, name="import_template"),
    path("imports/<int:pk>/", roster.import_detail, name="import_detail"),
    path("imports/<int:pk>/mapping/", roster.import_mapping, name="import_mapping"),
    path("imports/<int:pk>/commit/", roster.import_commit, name="import_commit"),
    path("imports/<int:pk>/undo/", roster.import_undo, name="import_undo"),
    path("imports/<int:pk>/discard/", roster.import_discard, name="import_discard"),
    path("imports/<int:pk>/missing/", roster.import_missing, name="import_missing"),
    path("imports/<int:pk>/errors/", roster.import_errors, name="import_errors"),
]

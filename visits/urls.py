"""URLs of visits: the phone's pages and the desk's campaigns."""

from django.urls import path

from visits import phone

app_name = "visits"
urlpatterns = [
    path("phone/", phone.visit_list, name="list"),
    path("phone/standard/", phone.visit_standard, name="standard"),
    path("phone/sync", phone.sync, name="sync"),
    path("phone/<int:pk>/", phone.visit_household, name="household"),
]

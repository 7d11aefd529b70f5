"""URLs of the phone's app that stand at the root: a service worker reaches no further than its own address."""

from django.urls import path

from visits import app_views

urlpatterns = [
    path("sw.js", app_views.service_worker, name="service_worker"),
    path("manifest.webmanifest", app_views.manifest, name="manifest"),
]

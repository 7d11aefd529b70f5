"""URLs of surveys for staff; those that anyone may open are in public_urls."""

from surveys.result_urls import result_urls

app_name = "surveys"

urlpatterns = result_urls

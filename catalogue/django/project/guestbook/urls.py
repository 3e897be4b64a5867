"""Which address leads where."""

from django.contrib import admin
from django.urls import path

from notes.views import page

urlpatterns = [
    path("", page, name="page"),
    path("admin/", admin.site.urls),
]

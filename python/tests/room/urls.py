"""A project without any views of Dobby."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []

"""The URLs of the tests' project."""

from cornelius.django import dobby_urls
from django.urls import include, path

import counting
import views
from people import authorize

urlpatterns = [
    path("dobby/", include(dobby_urls(authorize))),
    path("page/", views.page, name="page"),
    path("login/", views.log_in, name="login"),
    path("logout/", views.log_out, name="logout"),
    path("token/", views.token, name="token"),
    path("path-token/", views.path_token, name="path-token"),
    path("join/", views.join, name="join"),
    path("change/", views.change, name="change"),
    path("counts/", counting.counts, name="counts"),
    path("fault/", counting.set_fault, name="fault"),
]

"""The URLs of the sample. What pages ask for comes as commands, to `dobby/command`."""

from cornelius.django import dobby_urls
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from chat import views
from chat.live import authorize

urlpatterns = [
    path("dobby/", include(dobby_urls(authorize))),
    path("", views.page, name="page"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]

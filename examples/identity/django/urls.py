"""The URLs: one line for Dobby, one for tokens, and a login."""

from cornelius.django import dobby_urls
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.generic import TemplateView

from live import authorize, token

urlpatterns = [
    path("dobby/", include(dobby_urls(authorize))),
    path("token", token),
    path("", LoginView.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    *(
        path(name, ensure_csrf_cookie(TemplateView.as_view(template_name=name)))
        for name in ("connect.html", "session.html", "tokens.html")
    ),
]

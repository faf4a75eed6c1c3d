"""The URLs of the sample."""

from cornelius.django import dobby_urls
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from contacts import views
from contacts.live import authorize

urlpatterns = [
    path("dobby/", include(dobby_urls(authorize))),
    path("", views.page, name="page"),
    path("lists/", views.contact_list, name="list"),
    path("contacts/", views.create, name="create"),
    path("contacts/<int:id>/", views.change, name="change"),
    path("contacts/<int:id>/delete/", views.delete, name="delete"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]

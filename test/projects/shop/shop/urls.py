from django.urls import path

from . import views

urlpatterns = [
    path("", views.index),
    path("slow", views.slow),
    path("version", views.version),
    path("echo", views.echo),
    path("headers", views.headers),
    path("stream", views.stream),
    path("boom", views.boom),
]

from django.urls import path

from entries import views

urlpatterns = [path("", views.index), path("health", views.health), path("lazy", views.lazy), path("add", views.add)]

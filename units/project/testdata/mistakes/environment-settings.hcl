root = "/srv/client-x"
settings    = "a.b"
environment = { DJANGO_SETTINGS_MODULE = "c.d" }

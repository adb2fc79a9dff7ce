root = "/srv/client-x"
environment = { KEY = "a\nb" }

root = "/srv/client-x"
settings = "client_x/settings.py"

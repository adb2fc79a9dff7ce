root = "/srv/client-x"
app = "client_x wsgi"

root = "/srv/client-x"
listen = "localhost:8001"

root = "/srv/client-x"
user = "1000"

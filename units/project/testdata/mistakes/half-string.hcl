root = "/srv/client-x"
user = "cli

root = "/srv/client-x"
user = "root"

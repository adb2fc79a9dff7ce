root = "/srv/client-x"
admins = ["alice"]

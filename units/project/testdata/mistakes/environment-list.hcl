root = "/srv/client-x"
environment = ["A=b"]

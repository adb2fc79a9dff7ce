root = "/srv/client-x"
user = upper("x")

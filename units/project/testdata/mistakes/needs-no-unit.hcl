root = "/srv/client-x"
needs = ["postgresql"]

root = "/srv/client-x"
domain = ["client-x.example"]

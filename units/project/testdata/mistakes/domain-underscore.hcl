root = "/srv/client-x"
domains = ["client_x.example"]

root = "/srv/client-x"
domains = ["*.client-x.example"]

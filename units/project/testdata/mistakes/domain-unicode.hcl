root = "/srv/client-x"
domains = ["münchen.example"]

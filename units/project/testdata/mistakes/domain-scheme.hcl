root = "/srv/client-x"
domains = ["https://client-x.example"]

root = "/srv/client-x"
domains = ["192.0.2.1"]

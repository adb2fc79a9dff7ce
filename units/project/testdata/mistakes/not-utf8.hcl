root = "/srv/client-x"
user = "ÿ"

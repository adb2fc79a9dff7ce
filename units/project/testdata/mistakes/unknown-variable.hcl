root = "/srv/client-x"
user = "${nam}"

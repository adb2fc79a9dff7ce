root = "/srv/client-x"
environment = { LISTEN_FDS = "1" }

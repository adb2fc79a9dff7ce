root = "/srv/client-x"
hardening = "hard"

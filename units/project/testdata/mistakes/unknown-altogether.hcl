root = "/srv/client-x"
bogus = 1

root = "/srv/client-x"
command = []

root = "/srv/client-x"
writable = ["/etc"]

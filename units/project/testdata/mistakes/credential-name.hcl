root = "/srv/client-x"
credentials = { "a/b" = "/etc/x" }

root = "/srv/client-x"
environment = { "1A" = "x" }

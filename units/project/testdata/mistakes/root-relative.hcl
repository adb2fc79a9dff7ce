root = "srv/client-x"

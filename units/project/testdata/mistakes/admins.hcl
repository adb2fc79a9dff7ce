root   = "/srv/client-x"
admins = ["root", "@", "bob smith"]
permit = ["everything"]

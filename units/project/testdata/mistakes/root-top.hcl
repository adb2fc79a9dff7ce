root = "/"

user = "client-x"

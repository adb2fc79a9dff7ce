root = "/srv/client-x"
domains = [for n in ["a", "b"] : "${n}.example"]

root = "/srv/../etc"

root = 5

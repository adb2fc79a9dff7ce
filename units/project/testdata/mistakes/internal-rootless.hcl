root = "/srv/client-x"
internal "/protected/" {}

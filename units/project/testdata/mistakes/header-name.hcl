root = "/srv/client-x"
proxy {
  headers = { "X Y" = "z" }
}

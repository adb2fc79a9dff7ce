root = "/srv/client-x"
proxy {
  max_body = 0
}

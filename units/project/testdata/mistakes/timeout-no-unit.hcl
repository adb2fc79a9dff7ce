root = "/srv/client-x"
proxy {
  timeout = 60
}

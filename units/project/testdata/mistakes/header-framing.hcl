root = "/srv/client-x"
proxy {
  headers = { "Content-Length" = "0" }
}

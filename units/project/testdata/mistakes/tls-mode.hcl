root = "/srv/client-x"
tls {
  mode = "on"
}

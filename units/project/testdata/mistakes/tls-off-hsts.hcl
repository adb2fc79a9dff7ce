root = "/srv/client-x"
tls {
  mode = "off"
  hsts = "30d"
}

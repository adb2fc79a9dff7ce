root = "/srv/client-x"
tls {
  mode     = "off"
  redirect = true
}

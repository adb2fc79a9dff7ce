root = "/srv/client-x"
tls {
  mode  = "off"
  email = "a@b.example"
}

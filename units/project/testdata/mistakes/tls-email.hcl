root = "/srv/client-x"
tls {
  email = "ops"
}

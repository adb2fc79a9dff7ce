root = "/srv/client-x"
tls {
  mode        = "auto"
  certificate = "/etc/ssl/client-x.pem"
  key         = "/etc/ssl/client-x.key"
}

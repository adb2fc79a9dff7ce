root = "/srv/client-x"
tls {
  mode        = "files"
  certificate = "/etc/ssl/client-x.pem"
}

root = "/srv/client-x"
tls {
  ca = "http://ca.example/dir"
}

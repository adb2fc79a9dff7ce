root = "/srv/client-x"
tls {
  eab {
    key_id = "k1"
  }
}

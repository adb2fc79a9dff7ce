root = "/srv/client-x"
proxy {
  compress = "gzip"
}

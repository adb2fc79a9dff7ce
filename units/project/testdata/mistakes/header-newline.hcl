root = "/srv/client-x"
proxy {
  headers = { "X-Y" = "a\r\nb" }
}

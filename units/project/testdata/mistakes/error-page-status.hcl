root = "/srv/client-x"
proxy {
  error_pages = { "200" = "ok.html" }
}

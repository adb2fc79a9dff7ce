root = "/srv/client-x"
redirect "old.client-x.example" {
  to     = "https://client-x.example"
  status = 304
}

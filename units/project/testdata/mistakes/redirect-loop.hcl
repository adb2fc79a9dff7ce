root = "/srv/client-x"
redirect "old.client-x.example" {
  to = "https://old.client-x.example"
}

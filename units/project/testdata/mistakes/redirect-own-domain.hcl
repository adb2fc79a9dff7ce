root = "/srv/client-x"
domains = ["client-x.example"]
redirect "client-x.example" {
  to = "https://www.client-x.example"
}
